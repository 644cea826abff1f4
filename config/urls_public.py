"""What the bare domain answers: a page that names no tenant, and the operators' admin."""

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.utils.module_loading import import_string
from django.views.generic import RedirectView, TemplateView

# Where the settings send whoever has to sign in, or has signed out: here that is the admin's page.
sign_in = login_not_required(RedirectView.as_view(pattern_name="admin:login", query_string=True))
accounts = [
    path("sign-in/", sign_in, name="login"),
    path("language/", import_string("accounts.views.speak"), name="language"),
]

urlpatterns = [
    path("", login_not_required(TemplateView.as_view(template_name="public/landing.html"))),
    path("", include((accounts, "accounts"))),
    path("admin/", include("accounts.urls_admin_operators")),
]

handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
