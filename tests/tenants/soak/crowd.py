"""Many tenants in an installation of its own, each full of its own marks, and what may be asked.

Run as a program it works inside the installation that the environment names, for a test's own
Django is connected elsewhere: `fill` makes tenants and tells of them, `send` sends tasks, `tell`
says what has become of both.
"""

import json
import random
import re
import sys
from collections import Counter
from typing import Any
from uuid import UUID

# The tenant's number stands in each of its words, and in the value of each of its readings.
WORD = re.compile(r"mark(\d\d)-")
VALUE = re.compile(r"(?<![\d.])7\.(\d\d)391(?!\d)")
KEY = "soak-told"
TASKS_QUEUE = "celery"


def word(number: int) -> str:
    return f"mark{number:02}"


def value(number: int) -> float:
    """Of each of its readings [kWh]."""
    return 7.00391 + number / 100


def muid(number: int) -> UUID:
    return UUID(int=(0xC0FFEE << 96) | (4 << 76) | (8 << 60) | number)


def foreign(text: str, number: int) -> set[str]:
    """Find marks that are not this tenant's."""
    found = {mark[1] for mark in WORD.finditer(text)} | {mark[1] for mark in VALUE.finditer(text)}
    return found - {f"{number:02}"}


def fill(first: int, stop: int, upstream: str) -> list[dict[str, Any]]:
    """Make tenants, with sources that lead to paths of their own at an upstream."""
    from django.db import connection

    from accounts.models import User
    from ingestion.models import Source
    from tenants.onboarding import create_tenant
    from tests.conftest import Customer
    from tests.tenants.marks import mark
    from tests.tenants.walk import TENANT, paths

    made = []
    for number in range(first, stop):
        one = create_tenant(slug=f"soak-{number:02}")
        customer = Customer(one.tenant, one.domain, one.email, one.password, one.token)
        with one.tenant.entered():
            # As people are named who are nobody's alone.
            User.objects.update(first_name=f"{word(number)}-admin")
        marked = mark(customer, word=word(number), value=value(number), own=muid(number))
        with one.tenant.entered():
            Source.objects.update(address=f"{upstream}/{word(number)}", sweep_minutes=1)
            asked = sorted({path for _, path in paths(TENANT, marked.fill)})
            source = Source.objects.get().pk
        made.append(
            {
                "number": number,
                "schema": one.tenant.schema_name,
                "domain": one.domain,
                "email": one.email,
                "token": one.token,
                "cookie": customer.client().cookies["session"].value,
                "paths": asked,
                "muid": str(muid(number)),
                "source": source,
            }
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return made


def send(tasks: int, seed: int) -> int:
    """Send tasks from tenants in no order, each of which tells where it was run."""
    from tenants.models import Tenant
    from tests.tenants.queue_tasks import where

    order = random.Random(seed)
    tenants = list(Tenant.objects.at_work())
    for _ in range(tasks):
        tenant = order.choice(tenants)
        with tenant.entered():
            where.apply_async([f"{KEY}:{tenant.schema_name}"], queue=TASKS_QUEUE)
    return tasks


def tell() -> dict[str, Any]:
    """Say what tasks told that were run in the wrong place, and what strange readings there are."""
    import redis
    from django.conf import settings

    from accounts.models import User
    from ingestion.models import Run
    from tenants.models import Tenant

    told, wrong = 0, []
    runs: Counter[str] = Counter()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for tenant in Tenant.objects.at_work():
            schema = tenant.schema_name
            with tenant.entered():
                email = User.objects.order_by("email").values_list("email", flat=True)[0]
                strange = strange_readings(int(schema[-2:]))
                runs.update(Run.objects.values_list("state", flat=True))
            if strange:
                wrong.append([schema, strange])
            for text in client.lrange(f"{KEY}:{schema}", 0, -1):
                told += 1
                if json.loads(text) != {"schema": schema, "path": schema, "email": email}:
                    wrong.append([schema, text.decode()])
    return {"told": told, "wrong": wrong, "runs": runs}


def strange_readings(number: int) -> list[float]:
    """Return values that this tenant's meters can't have."""
    from meters.models import DailyProfile

    own = {round(value(number), 6), round(value(number) / 2, 6)}
    rows = DailyProfile.objects.values_list("values", flat=True)
    return sorted({round(one, 6) for row in rows for one in row if one is not None} - own)


ORDERS = {one.__name__: one for one in (fill, send, tell)}

if __name__ == "__main__":
    import django

    django.setup()
    json.dump(ORDERS[sys.argv[1]](**json.loads(sys.argv[2])), sys.stdout)
