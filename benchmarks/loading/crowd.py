"""Tenants with meters and a year of readings each, made in the installation of the environment.

Run as a program it makes as many as its first argument says, with as many meters each as its
second, and prints as JSON what may be asked of them.
"""

import json
import sys
import time
from typing import Any
from uuid import UUID

import numpy as np

ZONE = "Europe/Zurich"
OBIS = "1-0:1.29.0*255"
QUARTERS = 365 * 96


def muid(tenant: int, meter: int) -> UUID:
    """Name a meter, the same in each installation."""
    return UUID(int=(0xC0DE << 96) | (4 << 76) | (8 << 60) | (tenant << 16) | meter)


def make(tenants: int, meters: int) -> list[dict[str, Any]]:
    """Make tenants, each with an administrator; tell where and as whom to ask for which meters."""
    from django.db import connection
    from django.test import Client

    from accounts.models import User
    from tenants.onboarding import create_tenant

    made = []
    for number in range(tenants):
        one = create_tenant(slug=f"load-{number:03}")
        client = Client(HTTP_HOST=one.domain)
        with one.tenant.entered():
            muids = [_meter(number, meter) for meter in range(meters)]
            client.force_login(User.objects.get())
        [cookie] = client.cookies.values()
        made.append(
            {
                "schema": one.tenant.schema_name,
                "domain": one.domain,
                "token": one.token,
                "cookie": f"{cookie.key}={cookie.value}",
                "muids": [str(one) for one in muids],
            }
        )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return made


def _meter(tenant: int, number: int) -> UUID:
    """Make a meter with quarter-hours of a year that ends now [kWh]."""
    from ingestion.batch import Batch, RegisterKey
    from ingestion.store import store
    from meters.models import Meter

    made = muid(tenant, number)
    Meter.objects.create(muid=made, name=f"Meter {number}", timezone=ZONE)
    rng = np.random.default_rng([tenant, number])
    end = int(time.time()) // 900 * 900
    store(
        Batch(
            keys=(RegisterKey(made, OBIS, "energy"),),
            index=np.zeros(QUARTERS, dtype=np.int64),
            instants=np.arange(end - QUARTERS * 900, end, 900, dtype=np.int64),
            values=np.round(rng.gamma(2.0, 0.05, QUARTERS), 4),
            qualities=np.ones(QUARTERS, dtype=np.int16),
            row=np.arange(QUARTERS, dtype=np.int64),
        )
    )
    return made


if __name__ == "__main__":
    import django

    django.setup()
    json.dump(make(int(sys.argv[1]), int(sys.argv[2])), sys.stdout)
