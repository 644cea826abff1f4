from django.urls import path

from analytics import views

app_name = "analytics"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("meters/", views.meters, name="meters"),
    path("meters/<uuid:muid>/", views.meter, name="meter"),
    path("meters/<uuid:muid>/analysis/", views.analysis, name="analysis"),
    path("meters/<uuid:muid>/report/", views.report_file, name="report"),
]
