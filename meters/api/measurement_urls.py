from django.urls import path

from meters.api.measurement import MeasurementView

app_name = "meterdata"
# The upstream's address, to the letter: no version before it and no slash behind.
urlpatterns = [path("measurement", MeasurementView.as_view(), name="measurement")]
