"""From a request's host to its tenant: the one door through which pages and the API enter."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django_tenants.middleware.main import TenantMainMiddleware

from tenants.schema import enter_public


class TenantMiddleware(TenantMainMiddleware):  # type: ignore[misc]
    """Enter the tenant whose domain is asked for; the bare domain stays in public.

    A host that belongs to nobody is answered with 404 and learns nothing about the others.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        hosts = {settings.PUBLIC_DOMAIN}
        if settings.ENVIRONMENT == "development":
            hosts.add("127.0.0.1")
        host = request.META.get("HTTP_HOST", "").rsplit(":", 1)[0].lower()
        if host in hosts:
            enter_public()
            request.tenant = None  # type: ignore[attr-defined]
            request.urlconf = settings.PUBLIC_SCHEMA_URLCONF
            return None
        return super().process_request(request)  # type: ignore[no-any-return]

    @staticmethod
    def hostname_from_request(request: HttpRequest) -> str:
        return request.get_host().rsplit(":", 1)[0].lower()
