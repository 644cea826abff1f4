"""The figures of the overview, against each reading added up one by one."""

import calendar
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.pages.meter_rows import main_registers, meter_rows
from analytics.pages.overview import overview
from analytics.period import read_period
from meters.health import health
from meters.models import DailyProfile, Meter, Register
from meters.obis import Direction
from meters.templatetags.units import Amount, change_in_words, energy
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

HOME = "Europe/Zurich"
ZONES = [HOME, "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Auckland"]
OF_ONE_PHASE = "1-0:21.29.0*255"


def fill(number: int, start: int, end: int, rng: np.random.Generator) -> None:
    """Store a meter with holes, missing days, and intervals and a zone of its own."""
    name = ZONES[number % len(ZONES)]
    meter = make_meter(name=f"Meter {number}", timezone=name)
    for obis in (IMPORT, EXPORT, OF_ONE_PHASE, POWER)[: 1 + number % 3 + number // 4]:
        interval = (1800, 3600, 900)[number % 3]
        register = make_register(meter, obis, interval)
        # The interval changes once, where a local day begins.
        change = zone(name).midnight(zone(name).date_at((start + end) // 2))
        pieces = [(start, end, interval)]
        if number % 3 == 1:
            pieces = [(start, change, 1800), (change, end, interval)]
        for begin, until, seconds in pieces:
            series = Readings.steady(begin, until, seconds)
            series.values = np.round(rng.gamma(2.0, 0.1, len(series.values)), 4)
            there = rng.random(len(series.values)) > 0.05
            there &= ~np.isin(series.instants // DAY, rng.choice(series.instants // DAY, 3))
            write(register, series.only(there))


@dataclass(frozen=True)
class One:
    """One reading: its register, its local date and time of day there."""

    register: Register
    day: date
    clock: str
    value: float


class Plain:
    """All readings of main registers, one by one."""

    def __init__(self, meters: list[Meter]) -> None:
        registers = {one.pk: one for one in main_registers(meters)}
        self.readings = [
            one
            for row in DailyProfile.objects.filter(register__in=registers)
            for one in self._of_row(row, registers[row.register_id])
        ]

    def _of_row(self, row: DailyProfile, register: Register) -> Iterator[One]:
        place = ZoneInfo(register.meter.timezone)
        for slot, value in enumerate(row.values):
            at = datetime.fromtimestamp(row.first.timestamp() + slot * row.interval, UTC)
            if value is not None:
                yield One(register, row.day, f"{at.astimezone(place):%H:%M:%S}", value)

    def of(self, direction: Direction, first: date, last: date) -> list[One]:
        return [
            one
            for one in self.readings
            if one.register.code.direction is direction and first <= one.day <= last
        ]

    def sum(self, direction: Direction, first: date, last: date) -> Amount:
        found = self.of(direction, first, last)
        return Amount(math.fsum(one.value for one in found), len(found))

    def like(self, direction: Direction, day: date, pattern: date) -> Amount:
        """Sum a day at those times of day that each register has read on another."""
        read = defaultdict(set)
        for one in self.of(direction, pattern, pattern):
            read[one.register.pk].add(one.clock)
        found = [one for one in self.of(direction, day, day) if one.clock in read[one.register.pk]]
        return Amount(math.fsum(one.value for one in found), len(found))

    def before(self, direction: Direction, first: date, last: date, now: date) -> Amount:
        """Sum days, of the last one what is like the present day."""
        whole, part = (
            self.sum(direction, first, last - timedelta(days=1)),
            self.like(direction, last, now),
        )
        return Amount(whole.value + part.value, whole.count + part.count)


@pytest.fixture(
    params=[
        # A week after summer time ends in Zurich, and four after it begins on Lord Howe.
        ("2024-11-03T13:20", "2024-10-20", "2024-11-04"),
        # The day on which it begins, of which the month before had none.
        ("2024-03-31T20:50", "2024-03-01", "2024-04-01"),
        # A range far back, with nothing of it among the latest days.
        ("2024-11-03T13:20", "2024-08-05", "2024-08-12"),
    ]
)
def asked(request: pytest.FixtureRequest, in_acme: Customer) -> tuple[list[Meter], int, date, date]:
    """A tenant of many sorts of meters; the present, and the range that is shown."""
    moment, *days = request.param
    now = at(moment, HOME)
    rng = np.random.default_rng(11)
    for number in range(8):
        # What reads last is not up to date, and one reads no more.
        end = now // 3600 * 3600 - (0, 7200)[number % 2] - (40 * DAY if number == 5 else 0)
        fill(number, now // DAY * DAY - 100 * DAY, end, rng)
    make_register(make_meter(name="Silent"))
    make_meter(name="Bare")
    first, end_day = (date.fromisoformat(day) for day in days)
    return list(Meter.objects.all().with_registers()), now, first, end_day - timedelta(days=1)


def test_tiles_are_what_readings_add_up_to(asked: tuple[list[Meter], int, date, date]) -> None:
    meters, now, first, last = asked
    plain = Plain(meters)
    query = {"start": str(first), "end": str(last + timedelta(days=1))}
    tiles = overview(meters, zone(HOME), query, now)["tiles"]
    today = datetime.fromtimestamp(now, ZoneInfo(HOME)).date()
    day = timedelta(days=1)
    n = (last - first).days + 1
    month_before = today.replace(day=1) - day
    length = calendar.monthrange(month_before.year, month_before.month)[1]
    like = month_before.replace(day=min(today.day, length))
    for at_line, direction in enumerate((Direction.IMPORT, Direction.EXPORT)):
        current = [
            plain.sum(direction, today, today),
            plain.sum(direction, today.replace(day=1), today),
            plain.sum(direction, first, last),
        ]
        earlier = [
            plain.before(direction, today - day, today - day, today),
            plain.sum(direction, like.replace(day=1), like)
            if today.day > length
            else plain.before(direction, like.replace(day=1), like, today),
            plain.before(direction, first - n * day, first - day, last),
        ]
        words = {1: "the day before", 7: "the week before"}.get(n, f"the {n} days before")
        said = ("yesterday by then", "last month by then", words)
        for tile, total, compared, beside in zip(tiles, current, earlier, said, strict=True):
            line = tile["lines"][at_line]
            assert line["figure"] == energy(total.value if total.count else None), tile
            wanted = change_in_words(total, compared, beside) if total.count else "no readings yet"
            assert line["change"] == wanted, tile


def test_days_and_meters_are_what_readings_add_up_to(
    asked: tuple[list[Meter], int, date, date],
) -> None:
    meters, now, first, last = asked
    plain = Plain(meters)
    query = {"start": str(first), "end": str(last + timedelta(days=1))}
    page = overview(meters, zone(HOME), query, now)
    bars = {trace["name"]: trace for trace in page["charts"][-1].figure["data"]}
    for name, direction in (("Import", Direction.IMPORT), ("Export", Direction.EXPORT)):
        drawn = dict(zip(bars[name]["x"], bars[name]["y"], strict=True))
        assert len(drawn) == (last - first).days + 1
        for text, shown in drawn.items():
            day = date.fromisoformat(text)
            assert shown == pytest.approx(plain.sum(direction, day, day).value, abs=1e-3), text
    assert len(page["rows"]) == len(meters)
    for row in page["rows"]:
        for shown, direction in (
            (row.imported, Direction.IMPORT),
            (row.exported, Direction.EXPORT),
        ):
            own = [
                one.value
                for one in plain.of(direction, first, last)
                if one.register.meter_id == row.meter.pk
            ]
            assert shown == (pytest.approx(math.fsum(own), rel=1e-12) if own else None)
        assert row.health == health(meters, now)[row.meter.pk]
    period = read_period(query, zone=zone(HOME), now=now, first=None, last_end=None)
    assert [
        (row.imported, row.exported, row.health) for row in meter_rows(meters, period, now)
    ] == [(row.imported, row.exported, row.health) for row in page["rows"]]
