"""What a suspended tenant's domain answers, whatever is asked of it."""

from django.urls import include, path, re_path
from django.utils.module_loading import import_string

from config.errors import not_found, server_error, suspended

language = path("language/", import_string("accounts.views.speak"), name="language")
urlpatterns = [path("", include(([language], "accounts"))), re_path("", suspended)]

handler404 = not_found
handler500 = server_error
