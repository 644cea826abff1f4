from django.urls import path

from ingestion import views

app_name = "ingestion"
urlpatterns = [
    path("", views.runs, name="runs"),
    path("runs/<int:pk>/", views.run, name="run"),
]
