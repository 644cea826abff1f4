"""A meter has so many registers and no more, whoever invents codes and by whichever door."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from django.db import transaction

from ingestion.batch import Batch, Reason, RegisterKey
from ingestion.models import RejectedReading, Run
from ingestion.record import Counts
from ingestion.registers import MOST_REGISTERS
from ingestion.store import Stored, store
from meters.models import Meter, Register
from tenants.models import Tenant
from tests.conftest import Customer
from tests.ingestion.commanding import ingest
from tests.ingestion.plant import IMPORT, JANUARY, make_meter, make_source, stored, sweep
from tests.ingestion.record.waiting import in_a_thread, wait_for_a_lock
from tests.ingestion.test_api_sending import send
from tests.ingestion.upstreams import answering, row, rows

REFUSED = f"the meter has {MOST_REGISTERS} registers, the most that one may have"


def codes(first: int, count: int) -> list[str]:
    """Valid codes that no real meter has side by side."""
    return [f"1-{n // 250}:1.29.{n % 250}*255" for n in range(first, first + count)]


def of_codes(muid: UUID, *which: str, at: int = JANUARY) -> Batch:
    """One reading of each register, in this order."""
    n = len(which)
    return Batch(
        tuple(RegisterKey(muid, code, "energy") for code in which),
        np.arange(n, dtype=np.int64),
        np.full(n, at, dtype=np.int64),
        np.arange(n, dtype=np.float64),
        np.full(n, 1, dtype=np.int16),
        np.arange(n, dtype=np.int64),
    )


def known(meter: Meter) -> set[str]:
    return set(Register.objects.filter(meter=meter).values_list("obis", flat=True))


def test_those_that_came_first_find_room(in_acme: Customer) -> None:
    meter, other = make_meter(), make_meter("Other")
    # The canonical order of the codes is another one than that in which they came.
    invented = codes(0, MOST_REGISTERS + 3)[::-1]
    done = store(of_codes(meter.muid, *invented), raw=lambda at: f"row {at}")
    assert done.counts == Counts(new=MOST_REGISTERS, rejected=3)
    assert known(meter) == set(invented[:MOST_REGISTERS])
    kept = {one.code: one for one in RejectedReading.objects.all()}
    assert kept.keys() == set(invented[MOST_REGISTERS:])
    last = kept[invented[-1]]
    assert last.words.startswith(REFUSED)
    assert (last.reason, last.raw) == (Reason.CODE, f"row {MOST_REGISTERS + 2}")
    assert last.meter == meter
    # What it has goes on being stored, what is refused again is counted; other meters have their
    # own room.
    joined = Batch.concat(
        [of_codes(meter.muid, *invented, at=JANUARY + 900), of_codes(other.muid, IMPORT)],
        [len(invented), 1],
    )
    again = store(joined, raw=lambda at: f"row {at}")
    assert again.counts == Counts(new=MOST_REGISTERS + 1, rejected=3)
    assert again.by_meter[other.muid] == Counts(new=1)
    assert stored(meter.muid, invented[0]) == {JANUARY: (0, 1), JANUARY + 900: (0, 1)}
    assert set(RejectedReading.objects.values_list("times", flat=True)) == {2}


def test_readings_of_the_others_stay_in_their_places(in_acme: Customer) -> None:
    """Leaving registers out of a batch moves nobody's readings to somebody else's register."""
    meter = make_meter()
    Register.objects.bulk_create(
        Register(meter=meter, obis=code) for code in codes(0, MOST_REGISTERS)
    )
    mine = codes(0, 2)
    one = of_codes(meter.muid, mine[0], "1-9:1.29.0*255", mine[1], "1-8:1.29.0*255")
    assert store(one).counts == Counts(new=2, rejected=2)
    assert [stored(meter.muid, code) for code in mine] == [{JANUARY: (0, 1)}, {JANUARY: (2, 1)}]


def row_of(meter: Meter, timestamp: str, which: list[str]) -> dict[str, object]:
    found = row(meter.muid, timestamp)
    del found["0100011D00FF"]
    return found | dict.fromkeys(which, 1.5)


def by_pull(payload: object, _customer: Customer, _folder: Path) -> None:
    with answering(rows(payload)) as upstream:
        result = sweep(make_source(upstream.address, *Meter.objects.all(), limit=5000))
    assert result.run.state == Run.State.SUCCEEDED


def by_file(payload: object, _customer: Customer, folder: Path) -> None:
    file = folder / "readings.json"
    file.write_text(json.dumps(payload))
    ingest("--tenant", "acme", "--file", file)


def by_api(payload: object, customer: Customer, _folder: Path) -> None:
    body = send(customer, payload).json()
    assert body["rejections"][0]["message"].startswith(REFUSED)


@pytest.mark.parametrize("door", [by_pull, by_file, by_api])
def test_every_door_has_the_same_bound(
    in_acme: Customer, tmp_path: Path, door: Callable[[object, Customer, Path], None]
) -> None:
    meter = make_meter()
    times = [f"2026-11-20T00:{minute:02}:00Z" for minute in (0, 15, 30)]
    # Each row invents codes of its own, beside one that stays.
    payload = {
        "data": [
            row_of(meter, at, ["1-7:1.29.0*255", *codes(n * 100, 100)])
            for n, at in enumerate(times)
        ]
    }
    door(payload, in_acme, tmp_path)
    assert Register.objects.filter(meter=meter).count() == MOST_REGISTERS
    assert len(stored(meter.muid, "1-7:1.29.0*255")) == 3
    run = Run.objects.get()
    assert (run.new, run.rejected) == (MOST_REGISTERS + 2, 303 - MOST_REGISTERS - 2)
    refused = RejectedReading.objects.all()
    assert len(refused) == run.rejected
    assert {one.meter for one in refused} == {meter}
    assert all(one.words.startswith(REFUSED) for one in refused)
    # All but one that the second row invented are the third one's, which came last.
    assert sum(times[2][:16] in one.raw for one in refused) == 100


def test_two_writers_that_make_registers_at_once(committed: Tenant) -> None:
    meter = make_meter()
    half = MOST_REGISTERS // 2
    first, second = codes(0, half + 50), codes(half, half + 60)
    with transaction.atomic():
        assert store(of_codes(meter.muid, *first)).counts == Counts(new=half + 50)
        thread, told = in_a_thread(committed, lambda: store(of_codes(meter.muid, *second)))
        wait_for_a_lock()
    thread.join()
    [done] = told
    assert isinstance(done, Stored)
    # Of those that it shares with the other one it finds the readings; the rest fills the room.
    shared = len({*first} & {*second})
    assert done.counts == Counts(new=half - 50, corrected=shared, rejected=10 + 50)
    assert len(known(meter)) == MOST_REGISTERS


def test_many_writers_that_make_registers_at_once(committed: Tenant) -> None:
    """None fails, none makes more than there may be, and none waits for the others for ever."""
    meters = [make_meter(f"Meter {n}") for n in range(2)]

    def write(turn: int) -> Stored:
        # Some take the meters one way round, some the other.
        order = meters if turn % 2 else meters[::-1]
        parts = [of_codes(meter.muid, *codes(turn * 20, 60)) for meter in order]
        return store(Batch.concat(parts, [60, 60]))

    begun = [in_a_thread(committed, lambda turn=turn: write(turn)) for turn in range(10)]  # type: ignore[misc]
    for thread, _ in begun:
        thread.join()
    for _, told in begun:
        assert isinstance(told[0], Stored), told[0]
        assert told[0].counts.total == 120
    assert [len(known(meter)) for meter in meters] == [MOST_REGISTERS] * 2
