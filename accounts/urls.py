from django.contrib.auth import views as library
from django.urls import path

from accounts import password_views, people_views, views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", password_views.SignInView.as_view(), name="login"),
    path("sign-out/", library.LogoutView.as_view(), name="logout"),
    path("sign-out/everywhere/", password_views.everywhere, name="global-logout"),
    path("password/", password_views.PasswordView.as_view(), name="password"),
    path("password/forgotten/", password_views.ForgottenView.as_view(), name="forgotten"),
    path("password/forgotten/sent/", password_views.forgotten_sent, name="forgotten-sent"),
    path("password/<str:uidb64>/<str:token>/", password_views.ResetView.as_view(), name="reset"),
    path(
        "invitation/<str:uidb64>/<str:token>/",
        password_views.InvitationView.as_view(),
        name="invitation",
    ),
    path("people/", people_views.people, name="people"),
    path("people/invite/", people_views.invite_person, name="invite"),
    path("people/<int:pk>/", people_views.person, name="person"),
    path("people/<int:pk>/role/", people_views.set_role, name="set-role"),
    path("people/<int:pk>/link/", people_views.send_link, name="send-link"),
    path("people/<int:pk>/deactivate/", people_views.switch_off, name="deactivate"),
    path("people/<int:pk>/reactivate/", people_views.switch_on, name="reactivate"),
    path("people/<int:pk>/sign-out/", people_views.sign_out, name="sign-out-person"),
    path("acts/", people_views.acts, name="acts"),
    path("language/", views.speak, name="language"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/in-browsers/revoke/", views.end_in_browsers, name="end-in-browsers"),
    path("tokens/<str:key>/revoke/", views.revoke, name="revoke"),
    path("origins/", views.origins, name="origins"),
    path("origins/<int:pk>/remove/", views.remove_origin, name="remove-origin"),
]
