"""What the bare domain answers: a page that names no tenant, and the operators' admin."""

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("", login_not_required(TemplateView.as_view(template_name="public/landing.html"))),
    path("admin/", include("accounts.urls_admin_operators")),
]

handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
