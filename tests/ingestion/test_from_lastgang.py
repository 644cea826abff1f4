"""Another Lastgang as a source: one tenant pulls, over HTTP, what another one has stored."""

import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection

from ingestion.batch import Batch, RegisterKey
from ingestion.files import RowsFile, ingest_file
from ingestion.models import Run
from ingestion.store import store
from meters.models import Meter
from tenants.models import Domain
from tenants.onboarding import Onboarded, create_tenant
from tests.conftest import RECORDED_IMPORT
from tests.ingestion.plant import (
    EXPORT,
    IMPORT,
    QUARTER,
    check_rows,
    make_meter,
    make_source,
    stored,
    sweep,
)
from tests.tenants.processes import environment, web

# A host of its own on this machine: 127.0.0.1 is the bare domain's.
HOST = "127.0.0.2"
POWER = "1-0:1.7.0*255"
# From before the change of the clocks in spring to after that in autumn.
START = datetime(2023, 3, 20, tzinfo=UTC)
STOP = datetime(2023, 11, 5, tzinfo=UTC)
LIMIT = 900


@pytest.fixture
def pair(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Onboarded, Onboarded]]:
    """Two tenants, outside of any transaction; the first one is reached at a host of its own."""
    with django_db_blocker.unblock():
        connection.set_schema_to_public()
        made = [create_tenant(slug=f"t-{uuid4().hex[:10]}") for _ in range(2)]
        Domain.objects.create(tenant=made[0].tenant, domain=HOST)
        try:
            yield made[0], made[1]
        finally:
            connection.set_schema_to_public()
            for one in made:
                with connection.cursor() as cursor:
                    cursor.execute(f'DROP SCHEMA "{one.tenant.schema_name}" CASCADE')
                one.tenant.delete()


def register(meter: Meter, obis: str, seed: int, measurement: str = "energy") -> Batch:
    """Readings with gaps, of several qualities, and of as many digits as a float has."""
    rng = np.random.default_rng(seed)
    instants = np.arange(START.timestamp(), STOP.timestamp(), QUARTER).astype(np.int64)
    there = rng.random(len(instants)) > 0.02
    for at in rng.integers(0, len(instants), 5):
        there[at : at + 300] = False
    instants = instants[there]
    n = len(instants)
    values = np.where(rng.random(n) < 0.2, 0.0, rng.gamma(2.0, 0.1, n))
    values[::2] = np.round(values[::2], 3)
    # Numbers that are written in odd ways.
    values[:6] = [1e-7, 2.5e-6, 123456789.0, -0.0, 0.1 + 0.2, -1.5]
    qualities = rng.choice([1, 1, 1, 1, 2, 3, 7], n).astype(np.int16)
    return Batch(
        (RegisterKey(meter.muid, obis, measurement),),
        np.zeros(n, dtype=np.int64),
        instants,
        values,
        qualities,
        np.arange(n, dtype=np.int64),
    )


def bits(one: Onboarded, meter: Meter, obis: str) -> dict[int, tuple[bytes, int]]:
    with one.tenant.entered():
        found = stored(meter.muid, obis)
    return {at: (struct.pack("d", value), quality) for at, (value, quality) in found.items()}


def test_a_meter_is_pulled_bit_for_bit(
    pair: tuple[Onboarded, Onboarded], tmp_path: Path, recordings: Path
) -> None:
    theirs, ours = pair
    with theirs.tenant.entered():
        meter = make_meter()
        store(register(meter, IMPORT, 1))
        store(register(meter, EXPORT, 2))
        store(register(meter, POWER, 3, "power"))
        file = RowsFile(recorded(recordings), register_zone="Europe/Zurich")
        ingest_file(file, worker="test")
        recorded_meter = Meter.objects.get(muid=RECORDED_IMPORT)
    held = {obis: bits(theirs, meter, obis) for obis in (IMPORT, EXPORT)}
    power = bits(theirs, meter, POWER)
    held_of_recording = bits(theirs, recorded_meter, IMPORT)
    assert len(held_of_recording) == 2688
    assert len({quality for _, quality in held[IMPORT].values()}) == 4

    with web(tmp_path / "web.log", host=HOST, env=environment()) as address, ours.tenant.entered():
        own = make_meter(muid=meter.muid)
        own_recorded = make_meter(muid=recorded_meter.muid)
        source = make_source(address, own, own_recorded, token=theirs.token, limit=LIMIT)
        run = sweep(source, start=datetime(2023, 1, 1, tzinfo=UTC), stop=STOP).run
        assert (run.state, run.failed, run.rejected) == (Run.State.SUCCEEDED, 0, 0), run.error
        assert run.new == sum(map(len, held.values())) + len(held_of_recording)
        assert run.requests > 20, "one page did not hold it"
        check_rows()

        # Nothing comes a second time, whether the window is asked for again or gone on from.
        for window in ({"start": START, "stop": STOP}, {}):
            again = sweep(source, **window).run
            assert (again.state, again.new, again.corrected) == (Run.State.SUCCEEDED, 0, 0)

        # What came under another measurement is asked for by that name.
        assert bits(ours, own, POWER) == {}
        source.measurement = "power"
        source.save()
        assert sweep(source, only=[own.muid], start=START, stop=STOP).run.new == len(power)
    for obis, readings in held.items():
        assert bits(ours, own, obis) == readings
    assert bits(ours, own_recorded, IMPORT) == held_of_recording
    assert bits(ours, own, POWER) == power


def recorded(folder: Path) -> list[Any]:
    rows: list[Any] = json.loads((folder / f"{RECORDED_IMPORT}.json").read_text())["data"]
    return rows
