from django.urls import path

from ingestion import (
    erasure_views,
    record_views,
    register_views,
    steering_views,
    upload_views,
    views,
)

app_name = "ingestion"
urlpatterns = [
    path("", views.runs, name="runs"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("register/", register_views.register, name="register"),
    path("upload/", upload_views.upload, name="upload"),
    path("upload/<uuid:pk>/", upload_views.look, name="preview"),
    path("upload/<uuid:pk>/store/", upload_views.store, name="store"),
    path("upload/<uuid:pk>/discard/", upload_views.discard, name="discard"),
    path("meters/<uuid:muid>/readings/", record_views.readings, name="readings"),
    path("meters/<uuid:muid>/readings/interval/", record_views.slot, name="slot"),
    path("meters/<uuid:muid>/readings/correct/", record_views.correct, name="correct"),
    path("meters/<uuid:muid>/erase/", erasure_views.erase, name="erase"),
    path("erasures/", erasure_views.erasures, name="erasures"),
    path("revisions/<int:pk>/restore/", record_views.restore, name="restore"),
    path("runs/<int:pk>/cancel/", steering_views.cancel, name="cancel"),
    path("runs/<int:pk>/retry/", steering_views.retry, name="retry"),
    path("sources/<int:pk>/pause/", steering_views.pause, name="pause"),
    path("sources/<int:pk>/resume/", steering_views.resume, name="resume"),
    path("meters/retry/", steering_views.retry_meters, name="retry-meters"),
    path("meters/<int:pk>/retry/", steering_views.retry_meters, name="retry-meter"),
]
