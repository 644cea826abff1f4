from django.urls import path

from ingestion.api import record_views

app_name = "record-api"
urlpatterns = [
    path(
        "meters/<uuid:muid>/corrections/",
        record_views.CorrectionsView.as_view(),
        name="corrections",
    ),
    path(
        "meters/<uuid:muid>/revisions/",
        record_views.MeterRevisionsView.as_view(),
        name="meter-revisions",
    ),
    path("revisions/", record_views.RevisionsView.as_view(), name="revisions"),
]
