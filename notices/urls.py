from django.urls import path

from notices import views

app_name = "notices"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("attention/", views.attention, name="attention"),
    path("end/<str:token>/", views.end, name="unsubscribe"),
]
