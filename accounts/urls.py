from django.contrib.auth import views
from django.urls import path

app_name = "accounts"
urlpatterns = [
    path(
        "sign-in/",
        views.LoginView.as_view(redirect_authenticated_user=True),
        name="login",
    ),
    path("sign-out/", views.LogoutView.as_view(), name="logout"),
]
