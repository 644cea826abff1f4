from django.urls import path

from ingestion import rejection_views

app_name = "record"
urlpatterns = [
    path("rejections/", rejection_views.rejections, name="rejections"),
    path("rejections/download/", rejection_views.rejections_file, name="rejections-csv"),
    path("retention/", rejection_views.retention, name="retention"),
]
