"""A tenant that is served over HTTP, with the readings that the guide to the API shows."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from django.db import connection

from accounts.cors import allow_origin
from accounts.models import AllowedOrigin
from ingestion.files import RowsFile, ingest_file
from meters.models import Meter, Site
from tenants.models import Domain, Tenant
from tenants.onboarding import create_tenant
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT
from tests.tenants.processes import environment, web

# A host of its own on this machine: 127.0.0.1 is the bare domain's, and not every program finds
# names under localhost.
HOST = "127.0.0.3"
# Where the guide's first page is served.
ORIGIN = "http://localhost:5173"


@dataclass(frozen=True)
class Published:
    """Where a tenant answers, and a token that may do everything there."""

    tenant: Tenant
    address: str
    token: str


@contextmanager
def published(recordings: Path, log: Path) -> Iterator[Published]:
    """Make a tenant with the demo's two recorded meters, outside of any transaction; serve it."""
    connection.set_schema_to_public()
    made = create_tenant(slug=f"t-{uuid4().hex[:10]}", timezone="Europe/Zurich")
    Domain.objects.create(tenant=made.tenant, domain=HOST)
    try:
        with made.tenant.entered():
            _meters(recordings)
            allow_origin(AllowedOrigin(origin=ORIGIN), by="test")
        with web(log, host=HOST, env=environment(LOG_LEVEL="ERROR")) as address:
            yield Published(made.tenant, address, made.token)
    finally:
        connection.set_schema_to_public()
        with connection.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA "{made.tenant.schema_name}" CASCADE')
        made.tenant.delete()


def _meters(recordings: Path) -> None:
    site = Site.objects.create(name="Challenge")
    for muid in (RECORDED_IMPORT, RECORDED_EXPORT):
        name = f"Challenge meter {muid[:8]}"
        Meter.objects.create(muid=muid, name=name, site=site, timezone="Europe/Zurich")
        rows = json.loads((recordings / f"{muid}.json").read_text())["data"]
        ingest_file(RowsFile(rows), worker="test")
