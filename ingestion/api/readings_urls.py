from django.urls import path

from ingestion.api.readings_views import ReadingsView

app_name = "sending"
urlpatterns = [path("readings/", ReadingsView.as_view(), name="readings")]
