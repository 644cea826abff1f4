from django.contrib.auth import views as library
from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path(
        "sign-in/",
        library.LoginView.as_view(redirect_authenticated_user=True),
        name="login",
    ),
    path("sign-out/", library.LogoutView.as_view(), name="logout"),
    path("language/", views.speak, name="language"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/in-browsers/revoke/", views.end_in_browsers, name="end-in-browsers"),
    path("tokens/<str:key>/revoke/", views.revoke, name="revoke"),
    path("origins/", views.origins, name="origins"),
    path("origins/<int:pk>/remove/", views.remove_origin, name="remove-origin"),
]
