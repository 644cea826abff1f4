"""The operators' admin, as an includable URLconf."""

from accounts.sites import operators_site

app_name = "admin"
urlpatterns = operators_site.get_urls()
