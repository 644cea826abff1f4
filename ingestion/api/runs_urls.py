from django.urls import path

from ingestion.api import gaps_views, runs_views, sources_views

app_name = "runs-api"
urlpatterns = [
    path("runs/", runs_views.RunsView.as_view(), name="runs"),
    path("runs/<int:id>/", runs_views.RunView.as_view(), name="run"),
    path("runs/<int:id>/outcomes/", runs_views.OutcomesView.as_view(), name="outcomes"),
    path("gaps/", gaps_views.GapsView.as_view(), name="gaps"),
    path("sources/", sources_views.SourcesView.as_view(), name="sources"),
    path("sources/<int:id>/", sources_views.OneSourceView.as_view(), name="source"),
    path("rejections/", runs_views.RejectionsView.as_view(), name="rejections"),
]
