"""From a request's host to its tenant: the one door through which pages and the API enter."""

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.http.request import split_domain_port
from django_tenants.middleware.main import TenantMainMiddleware

from config.compiled import CompiledQuery
from config.replica import Position, is_replicated
from tenants.models import Domain, Tenant
from tenants.schema import enter_public, kept

# What a suspended tenant's domain answers.
RESTING = "config.urls_suspended"


def _domain() -> QuerySet[Domain]:
    found: QuerySet[Domain] = Domain.objects.filter(domain="example.com").select_related("tenant")
    # Told along with the tenant it costs no question of its own.
    return found.annotate(wal_position=Position()) if is_replicated() else found


_by_host = CompiledQuery(_domain)


class TenantMiddleware(TenantMainMiddleware):  # type: ignore[misc]
    """Enter the tenant whose domain is asked for, and leave it when the answer is made.

    The bare domain stays in public. A host that belongs to nobody is answered with 404 and learns
    nothing about the others. The domains' table alone decides which hosts there are.

    A thread serves one tenant after the other; left inside the last one, whatever it does between
    two requests would be done there. So a streaming answer, which is made after this has returned,
    enters its tenant inside its own generator.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with kept():
            return super().__call__(request)  # type: ignore[no-any-return]

    def process_request(self, request: HttpRequest) -> None:
        # What public's URLconf does not have is nowhere: also for a host that belongs to nobody.
        # There is no `request.tenant` then, by which templates and the log know public.
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF
        enter_public()
        host = self.hostname_from_request(request)
        bare = {settings.PUBLIC_DOMAIN}
        if settings.ENVIRONMENT == "development":
            bare.add("127.0.0.1")
        if host in bare:
            return
        found = _by_host(host)
        if not found:
            raise Http404("Nobody answers at this host.")
        tenant: Tenant = found[0].tenant
        request.urlconf = RESTING if tenant.is_suspended else settings.ROOT_URLCONF
        request.tenant = tenant  # type: ignore[attr-defined]
        # How far the primary's log had got when the request came, where there is a replica.
        request.wal_position = getattr(found[0], "wal_position", None)  # type: ignore[attr-defined]
        tenant.enter()

    @staticmethod
    def hostname_from_request(request: HttpRequest) -> str:
        """Name the host as the domains' table does: small letters, no port, no closing dot."""
        try:
            host, _port = split_domain_port(request.get_host())
        except DisallowedHost:
            raise Http404("This is not the name of a host.") from None
        return host
