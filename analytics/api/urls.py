from django.urls import path

from analytics.api.views import AnalysisView

app_name = "analysis-api"
urlpatterns = [
    path("meters/<uuid:muid>/analysis/", AnalysisView.as_view(), name="analysis"),
]
