"""Many small tenants in an installation of its own: made, asked, and left behind a release.

Run as a program it works inside the installation that the environment names.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

MUID = UUID(int=(0xBEEF << 96) | (4 << 76) | (8 << 60) | 1)
DAYS = 35


def make(count: int) -> dict[str, Any]:
    """Make tenants with one meter each; tell what may be asked of them, and how long each took."""
    from django.db import connection
    from django.test import Client

    from accounts.models import User
    from tenants.onboarding import create_tenant

    made, seconds = [], []
    for number in range(count):
        began = time.perf_counter()
        one = create_tenant(slug=f"tenant-{number:04}")
        seconds.append(time.perf_counter() - began)
        client = Client(HTTP_HOST=one.domain)
        with one.tenant.entered():
            _fill()
            client.force_login(User.objects.get())
        cookie = client.cookies["session"].value
        made.append({"domain": one.domain, "token": one.token, "cookie": cookie})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {"tenants": made, "seconds": seconds}


def _fill() -> None:
    """Store quarter-hours of a meter until now."""
    from ingestion.store import store
    from meters.models import Meter
    from tests.ingestion.plant import batch

    Meter.objects.create(muid=MUID, name="Meter")
    last = int(time.time()) // 900 * 900
    store(batch(MUID, [(last - 900 * n, 0.1 + n % 7) for n in range(DAYS * 96, 0, -1)]))


def leave_behind(count: int) -> int:
    """Put some tenants back to before the migration that made the tables of notices."""
    from django.db import connection

    from tenants.models import Tenant

    for tenant in Tenant.objects.order_by("schema_name")[:count]:
        with tenant.entered(), connection.cursor() as cursor:
            names = connection.introspection.table_names(cursor)
            cursor.execute(
                f"DROP TABLE {', '.join(one for one in names if one.startswith('notices_'))}"
            )
            cursor.execute("DELETE FROM django_migrations WHERE app = 'notices'")
    return count


def memory() -> float:
    """Return what PostgreSQL's processes for clients hold for themselves, on average [MB]."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        pids = [pid for (pid,) in cursor.fetchall()]
    return sum(own_memory(pid) for pid in pids) / len(pids)


def own_memory(pid: int) -> float:
    """Return what a process holds for itself [MB].

    Not what is shared with nobody: of PostgreSQL's own cache that is whatever no other process has
    touched yet.
    """
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


ORDERS = {one.__name__: one for one in (make, leave_behind, memory)}

if __name__ == "__main__":
    import django

    django.setup()
    json.dump(ORDERS[sys.argv[1]](**json.loads(sys.argv[2])), sys.stdout)
