"""What one request costs a web process and PostgreSQL, by its kind; called as a server calls it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db.models import Count
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, User
from benchmarks.capacity.found import Cost
from benchmarks.capacity.gauges import Gauges
from benchmarks.capacity.model import KINDS
from benchmarks.serving import as_served
from meters.models import Meter
from tenants.models import Domain, Tenant
from tenants.schema import in_public

# PostgreSQL's processor time is told in hundredths of a second, so many are asked together.
TIMES = 40


def costs(site: "Site", gauges: Gauges) -> dict[str, Cost]:
    """Ask for each kind of page and answer."""
    settings.API_RATE_PROGRAM = settings.API_RATE_TENANT = 10**9
    with as_served():
        return {kind: _cost(site, kind, gauges) for kind in KINDS}


def _cost(site: "Site", kind: str, gauges: Gauges) -> Cost:
    for _ in range(3):
        site.get(kind)
    with gauges.spending() as spent:
        for _ in range(TIMES):
            site.get(kind)
    return Cost(spent.own / TIMES, spent.database / TIMES)


class Site:
    """One tenant, asked by a person who is signed in and by a program with a token."""

    def __init__(self, tenant: Tenant) -> None:
        with in_public():
            host = Domain.objects.filter(tenant=tenant).values_list("domain", flat=True)[0]
        with tenant.entered():
            person = User.objects.create_superuser("capacity@example.com", "a long password 1")
            _, token = ApiToken.objects.create(user=person, name="capacity")
            client = Client(HTTP_HOST=host)
            client.force_login(person)
            # One that feeds in as well, where there is one.
            most = Meter.objects.annotate(n=Count("registers")).order_by("-n", "name")
            muid: UUID = most.values_list("muid", flat=True)[0]
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        self.as_person = {"HTTP_HOST": host, "HTTP_COOKIE": cookie}
        self.as_program = {"HTTP_HOST": host, "HTTP_AUTHORIZATION": f"Bearer {token}"}
        self.host = host
        self.addresses = dict(self._addresses(muid))
        self.application = get_wsgi_application()

    def _addresses(self, muid: UUID) -> Iterator[tuple[str, tuple[dict[str, str], str, str]]]:
        yield "overview", (self.as_person, "/", "")
        yield "meter", (self.as_person, f"/meters/{muid}/", "")
        today = timezone.now().date()
        for kind, days, resolution in (("month", 30, "PT15M"), ("year", 365, "P1D")):
            query = {
                "start": str(today - timedelta(days=days)),
                "end": str(today),
                "resolution": resolution,
            }
            yield kind, (self.as_program, f"/api/v1/meters/{muid}/readings/", urlencode(query))

    def pages(self) -> list[tuple[str, dict[str, str]]]:
        """Addresses of each kind with the headers that whoever asks for it sends."""
        names = {"HTTP_COOKIE": "Cookie", "HTTP_AUTHORIZATION": "Authorization"}
        return [
            (f"{path}?{query}", {names[key]: headers[key] for key in names if key in headers})
            for headers, path, query in self.addresses.values()
        ]

    def get(self, kind: str) -> None:
        status, body = self._asked(kind)
        assert status == "200", body[:500]

    def status(self, kind: str) -> str:
        return self._asked(kind)[0]

    def _asked(self, kind: str) -> tuple[str, bytes]:
        headers, path, query = self.addresses[kind]
        environ: dict[str, Any] = {"PATH_INFO": path, "QUERY_STRING": query, **headers}
        setup_testing_defaults(environ)
        told: list[str] = []
        answer: Any = self.application(environ, lambda status, _headers: told.append(status))
        body = b"".join(answer)
        answer.close()
        return told[0][:3], body
