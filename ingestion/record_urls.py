from django.urls import path

from ingestion import gap_views, rejection_views, revision_views

app_name = "record"
urlpatterns = [
    path("gaps/", gap_views.gaps, name="gaps"),
    path("gaps/look/", gap_views.look_now, name="look-for-gaps"),
    path("gaps/ask/", gap_views.ask, name="ask-for-gaps"),
    path("gaps/<int:pk>/ask/", gap_views.ask, name="ask-for-gap"),
    path("rejections/", rejection_views.rejections, name="rejections"),
    path("rejections/download/", rejection_views.rejections_file, name="rejections-csv"),
    path("revisions/", revision_views.revisions, name="revisions"),
    path("retention/", rejection_views.retention, name="retention"),
]
