"""What requests cost in tenants of several sizes, each with readings of two months until now."""

import time
import uuid

import numpy as np

from benchmarks.capacity.found import Cost, Size
from benchmarks.capacity.gauges import Gauges
from benchmarks.capacity.requests import Site, costs
from benchmarks.capacity.upstream import ZONE
from ingestion.batch import Batch, RegisterKey
from ingestion.store import store
from meters.models import Meter
from tenants.onboarding import create_tenant
from tenants.schema import enter_public

DAYS = 60
SIZES = tuple(
    Size(tenants=1, single=single, double=double, days=DAYS, reread=0)
    for single, double in ((20, 0), (200, 0), (800, 0), (0, 10), (60, 40), (300, 100))
)
IMPORT, EXPORT = "1-0:1.29.0*255", "1-0:2.29.0*255"


def by_size(gauges: Gauges) -> list[tuple[Size, dict[str, Cost]]]:
    """Ask for each kind of page in one tenant of each size."""
    found = []
    for number, size in enumerate(SIZES):
        enter_public()
        tenant = create_tenant(slug=f"capacity-pages-{number}", timezone=ZONE).tenant
        try:
            with tenant.entered():
                for meter in range(size.single):
                    _fill(meter, [IMPORT])
                for meter in range(size.double):
                    _fill(size.single + meter, [IMPORT, EXPORT])
            found.append((size, costs(Site(tenant), gauges)))
        finally:
            enter_public()
            tenant.delete(force_drop=True)
    return found


def _fill(number: int, codes: list[str]) -> None:
    end = int(time.time()) // 900 * 900
    instants = np.arange(end - DAYS * 86_400, end, 900, dtype=np.int64)
    muid = uuid.uuid5(uuid.NAMESPACE_URL, f"capacity/{number}")
    Meter.objects.create(muid=muid, name=f"Meter {number:04}", timezone=ZONE)
    k, n = len(codes), len(instants)
    rng = np.random.default_rng(number)
    store(
        Batch(
            keys=tuple(RegisterKey(muid, code, "energy") for code in codes),
            index=np.repeat(np.arange(k), n),
            instants=np.tile(instants, k),
            values=np.round(rng.gamma(2.0, 0.05, k * n), 4),
            qualities=np.ones(k * n, dtype=np.int16),
            row=np.tile(np.arange(n), k),
        )
    )
