"""A tenant's admin, as an includable URLconf."""

from accounts.sites import tenant_site

app_name = "admin"
urlpatterns = tenant_site.get_urls()
