"""What day rows say of themselves, read of many registers at once, and how often those read."""

import numpy as np

from meters.cadences import cadences_of, expected_alike
from meters.grid import Cadence
from meters.health import registers_of
from meters.models import DailyProfile, Meter, Register
from meters.profiles import read_totals, read_totals_within
from meters.zones import DAY, zone
from tests.conftest import Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    POWER,
    Readings,
    at,
    make_meter,
    make_register,
    write,
)

START = at("2024-10-01")
FIRST = START // DAY
EPOCH = 719_163  # 1970-01-01 as Python counts days.


def fill() -> list[Register]:
    """Store registers of several zones and kinds, days of mixed quality and days without any."""
    rng = np.random.default_rng(3)
    for number, name in enumerate(["Europe/Zurich", "Asia/Kathmandu", "Australia/Lord_Howe"]):
        meter = make_meter(timezone=name)
        for obis, interval in ((IMPORT, 900), (EXPORT, 3600), (POWER, 86_400)):
            begin = zone(name).midnight(zone(name).date_at(START))
            series = Readings.steady(begin, START + 40 * DAY, interval)
            if interval == 86_400 and number == 0:
                # Each at local midnight, which moves when summer time ends.
                series.instants = zone(name).day_starts(begin, START + 40 * DAY)[0][:-1]
                series.intervals = np.full(len(series.instants), interval)
                series.values = np.arange(1.0, len(series.instants) + 1)
                series.qualities = np.ones(len(series.instants), dtype=np.int64)
            series.qualities = rng.choice([1, 1, 1, 4], len(series.qualities))
            there = rng.random(len(series.values)) > 0.1
            there &= series.instants // DAY % 9 != 0
            write(make_register(meter, obis, interval), series.only(there))
    make_register(make_meter())
    return registers_of(Meter.objects.all().with_registers())


def stored(registers: list[int], days: set[int]) -> list[tuple[object, ...]]:
    """The same by the ORM, row by row."""
    return [
        (
            row.register_id,
            row.day.toordinal() - EPOCH,
            int(row.first.timestamp()),
            row.interval,
            row.count,
            row.quality or 0,
            row.total,
        )
        for row in DailyProfile.objects.filter(register__in=registers).order_by(
            "register_id", "day"
        )
        if row.day.toordinal() - EPOCH in days
    ]


def as_rows(totals: object) -> list[tuple[object, ...]]:
    names = ("register", "day", "first", "interval", "count", "quality", "total")
    columns = [getattr(totals, name).tolist() for name in names]
    return [
        (*row[:-1], None if np.isnan(row[-1]) else row[-1]) for row in zip(*columns, strict=True)
    ]


def test_totals_are_the_rows(in_acme: Customer) -> None:
    keys = sorted(one.pk for one in fill())
    days = set(range(FIRST + 3, FIRST + 31))
    wanted = stored(keys, days)
    assert wanted
    assert any(row[-1] is None for row in wanted)
    assert any(row[-2] == 0 for row in wanted)
    found = read_totals([*reversed(keys), keys[0], 99_999], FIRST + 3, FIRST + 30)
    assert as_rows(found) == wanted
    assert as_rows(read_totals([], FIRST, FIRST + 30)) == []


def test_totals_of_spans_that_overlap_and_of_spans_apart(in_acme: Customer) -> None:
    keys = sorted(one.pk for one in fill())
    spans = [(FIRST + 20, FIRST + 25), (FIRST + 2, FIRST + 5), (FIRST + 24, FIRST + 28)]
    days = {day for first, last in spans for day in range(first, last + 1)}
    found = read_totals_within((keys[:4], spans), (keys[4:], spans[:1]))
    wanted = stored(keys[:4], days) + stored(keys[4:], set(range(FIRST + 20, FIRST + 26)))
    assert as_rows(found) == wanted
    assert as_rows(found.within(*spans[1:]).of_registers(keys[:4])) == stored(
        keys[:4], {*range(FIRST + 2, FIRST + 6), *range(FIRST + 24, FIRST + 29)}
    )


def test_cadences_of_many_are_those_of_each(in_acme: Customer) -> None:
    registers = fill()
    totals = read_totals([one.pk for one in registers], FIRST - 1, FIRST + 40)
    now = START + 38 * DAY + 4000
    edges = np.arange(START - DAY, START + 42 * DAY, 7200)
    found = cadences_of(totals, registers)
    kinds, which = expected_alike(found, registers, edges, [now] * len(registers))
    assert len(kinds) < len(registers)
    assert len({one.interval.tobytes() for one in found}) > 2
    assert any(len(one.since) > 1 for one in found)
    for register, expected in zip(registers, kinds[which], strict=True):
        own = totals.of_register(register.pk)
        alone = (
            Cadence.of_days(own.day, own.first, own.interval, register.meter.zone)
            if len(own)
            else Cadence.steady(register.interval or 900)
        )
        validity = register.meter.validity
        wanted = alone.count(edges, validity.since, validity.until, now)
        assert expected.tolist() == wanted.tolist()
