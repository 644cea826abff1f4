"""Holes between stored readings: found where they are, and only there."""

from datetime import timedelta

import numpy as np
import pytest

from accounts.models import User
from ingestion.corrections import Range, delete_readings
from ingestion.gapfinding import find_gaps
from ingestion.store import store
from meters.gaps import Stretch
from meters.models import Meter
from tests.ingestion.gaps.holding import BEGIN, COUNT, DAY, START, store_without
from tests.ingestion.plant import EXPORT, IMPORT, QUARTER, batch, make_meter, queries, stored

pytestmark = pytest.mark.usefixtures("in_acme")


def holes(meter: Meter, obis: str = IMPORT) -> list[tuple[int, int, int]]:
    meters = list(Meter.objects.filter(pk=meter.pk).prefetch_related("registers"))
    for found in find_gaps(meters):
        if found.register.obis == obis:
            return [
                ((one.start - BEGIN) // QUARTER, (one.end - BEGIN) // QUARTER, one.missing)
                for one in found.stretches
            ]
    return []


def test_each_register_has_its_own() -> None:
    meter = make_meter()
    store_without(meter.muid, [(10, 12), (300, 500)])
    store_without(meter.muid, [(0, 40), (700, COUNT)], obis=EXPORT)
    assert holes(meter) == [(10, 12, 2), (300, 500, 200)]
    # A register is expected from its first reading on, and as long as others of the meter read.
    assert holes(meter, EXPORT) == [(700, COUNT, COUNT - 700)]


def test_what_lies_outside_a_meters_use_is_not_missing() -> None:
    meter = make_meter()
    store_without(meter.muid, [(10, 12), (300, 500)])
    meter.commissioned_at = START + timedelta(days=4)
    meter.removed_at = START + timedelta(days=5)
    meter.save()
    assert holes(meter) == [(384, 480, 96)]
    meter.commissioned_at, meter.removed_at = START + timedelta(days=20), None
    meter.save()
    assert holes(meter) == []


def test_holes_less_than_a_day_apart_are_one() -> None:
    meter = make_meter()
    store_without(meter.muid, [(10, 12), (100, 101), (300, 301)])
    assert holes(meter) == [(10, 101, 3), (300, 301, 1)]


def test_a_register_that_has_ended_lacks_nothing_after() -> None:
    meter = make_meter()
    store_without(meter.muid, [(5, 6)], obis=EXPORT)
    later = BEGIN + 60 * DAY
    store(batch(meter.muid, [(later + QUARTER * n, 1.0) for n in range(96)]))
    assert holes(meter, EXPORT) == [(5, 6, 1)]


def test_what_somebody_has_deleted_is_not_missing() -> None:
    meter = make_meter()
    store_without(meter.muid, [(10, 12)])
    author = User.objects.create_user("hand@example.com", "a long password 1")
    where = Range(meter.registers.get(), BEGIN + 20 * QUARTER, BEGIN + 22 * QUARTER)
    delete_readings(where=where, author=author, reason="Test")
    assert holes(meter) == [(10, 12, 2)]


def test_it_equals_a_walk_through_what_is_stored() -> None:
    """Many holes of any size, in two registers and three zones, clocks changing."""
    draw = np.random.default_rng(20231029)
    for place in ("Europe/Zurich", "America/New_York", "Australia/Lord_Howe"):
        meter = make_meter(place, zone=place)
        for obis in (IMPORT, EXPORT):
            begins = np.sort(draw.integers(1, COUNT - 40, 12))
            some = [(int(b), int(b + draw.integers(1, 30))) for b in begins]
            store_without(meter.muid, some, obis=obis)
            there = stored(meter.muid, obis)
            walk = [at for at in range(min(there), max(there), QUARTER) if at not in there]
            found = holes(meter, obis)
            assert sum(n for _, _, n in found) == len(walk)
            inside = [
                at
                for at in walk
                if any(low <= (at - BEGIN) // QUARTER < high for low, high, _ in found)
            ]
            assert inside == walk
            for low, high, _ in found:
                assert BEGIN + low * QUARTER in walk
                assert BEGIN + (high - 1) * QUARTER in walk


def test_looking_costs_the_same_few_questions_however_many_meters() -> None:
    counts = []
    for number in (2, 12):
        meters = [make_meter(f"{number} {n}") for n in range(number)]
        for meter in meters:
            store_without(meter.muid, [(10, 12)])
        chosen = Meter.objects.filter(pk__in=[one.pk for one in meters])
        ready = list(chosen.prefetch_related("registers"))
        with queries() as told:
            found = find_gaps(ready)
        assert [one.stretches for one in found] == [
            (Stretch(BEGIN + 10 * QUARTER, BEGIN + 12 * QUARTER, 2),)
        ] * number
        counts.append(told)
    assert counts[0] == counts[1] == ["SELECT ingestion_readingrevision"]


def test_of_complete_meters_no_value_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = make_meter()
    store_without(meter.muid, [])

    def never(*_: object) -> None:
        raise AssertionError("a day was opened")

    monkeypatch.setattr("ingestion.gapfinding.read_chosen_days", never)
    assert holes(meter) == []
