"""What requests cost in tenants of several sizes, each with readings of two months until now."""

import time
import uuid

import numpy as np

from benchmarks.capacity.found import Cost
from benchmarks.capacity.gauges import Gauges
from benchmarks.capacity.requests import Site, costs
from benchmarks.capacity.upstream import ZONE
from ingestion.batch import Batch, RegisterKey
from ingestion.store import store
from meters.models import Meter
from tenants.onboarding import create_tenant
from tenants.schema import enter_public

# Registers, one of each meter.
REGISTERS = (20, 200, 800)
DAYS = 60
OBIS = "1-0:1.29.0*255"


def by_size(gauges: Gauges) -> list[tuple[int, dict[str, Cost]]]:
    """Ask for each kind of page in tenants of so many registers each."""
    found = []
    for count in REGISTERS:
        enter_public()
        tenant = create_tenant(slug=f"capacity-pages-{count}", timezone=ZONE).tenant
        try:
            with tenant.entered():
                _fill(count)
            found.append((count, costs(Site(tenant), gauges)))
        finally:
            enter_public()
            tenant.delete(force_drop=True)
    return found


def _fill(meters: int) -> None:
    end = int(time.time()) // 900 * 900
    instants = np.arange(end - DAYS * 86_400, end, 900, dtype=np.int64)
    n = len(instants)
    for number in range(meters):
        muid = uuid.uuid5(uuid.NAMESPACE_URL, f"capacity/{number}")
        Meter.objects.create(muid=muid, name=f"Meter {number:04}", timezone=ZONE)
        rng = np.random.default_rng(number)
        store(
            Batch(
                keys=(RegisterKey(muid, OBIS, "energy"),),
                index=np.zeros(n, dtype=np.int64),
                instants=instants,
                values=np.round(rng.gamma(2.0, 0.05, n), 4),
                qualities=np.ones(n, dtype=np.int16),
                row=np.arange(n, dtype=np.int64),
            )
        )
