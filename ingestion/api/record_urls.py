from django.urls import path

from ingestion.api import erasure_views, record_views

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
    path("meters/<uuid:muid>/erasure/", erasure_views.ErasureView.as_view(), name="erasure"),
    path("erasures/", erasure_views.ErasuresView.as_view(), name="erasures"),
    path("revisions/", record_views.RevisionsView.as_view(), name="revisions"),
]
