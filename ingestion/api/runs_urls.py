from django.urls import path

from ingestion.api import feed_views, gaps_views, runs_views, sources_views, steering_views

app_name = "runs-api"
urlpatterns = [
    path("runs/", runs_views.RunsView.as_view(), name="runs"),
    path("runs/<int:id>/", runs_views.RunView.as_view(), name="run"),
    path("runs/<int:id>/outcomes/", runs_views.OutcomesView.as_view(), name="outcomes"),
    path("runs/<int:id>/cancel/", steering_views.CancelView.as_view(), name="cancel"),
    path("runs/<int:id>/retry/", steering_views.RetryView.as_view(), name="retry"),
    path("meters/<uuid:muid>/source/", feed_views.FeedView.as_view(), name="feed"),
    path("gaps/", gaps_views.GapsView.as_view(), name="gaps"),
    path("sources/", sources_views.SourcesView.as_view(), name="sources"),
    path("sources/<int:id>/", sources_views.OneSourceView.as_view(), name="source"),
    path("sources/<int:id>/pause/", steering_views.PauseView.as_view(), name="pause"),
    path("sources/<int:id>/resume/", steering_views.ResumeView.as_view(), name="resume"),
    path("rejections/", runs_views.RejectionsView.as_view(), name="rejections"),
]
