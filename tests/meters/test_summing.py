"""Many registers added up at once, against each of them told and then put together."""

import numpy as np
import pytest

from meters.combining import Combine, combined
from meters.grid import Resolution
from meters.models import Meter, Register
from meters.readings import Query, TooFineError, readings
from meters.summing import summed
from meters.zones import DAY, zone
from tests.conftest import Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    Readings,
    at,
    make_meter,
    make_register,
    statements,
    write,
)

ZONES = ["Europe/Zurich", "Asia/Kathmandu", "Australia/Lord_Howe"]


def fill(number: int, start: int, end: int, rng: np.random.Generator) -> None:
    """Store a meter with holes, estimated readings and an interval and a zone of its own."""
    meter = make_meter(name=f"Meter {number}", timezone=ZONES[number % len(ZONES)])
    for obis in (IMPORT, EXPORT)[: 1 + number % 2]:
        interval = (900, 1800)[number % 4 == 3]
        series = Readings.steady(start + number * 1800, end, interval)
        series.values = np.round(rng.gamma(2.0, 0.1, len(series.values)), 4)
        series.qualities = rng.choice([1, 4], len(series.values), p=[0.9, 0.1])
        register = make_register(meter, obis, interval)
        write(register, series.only(rng.random(len(series.values)) > 0.05))


def everything() -> list[Register]:
    meters = Meter.objects.all().with_registers()
    return [one for meter in meters for one in _of(meter)]


def _of(meter: Meter) -> list[Register]:
    registers = list(meter.registers.all())
    for one in registers:
        one.meter = meter
    return registers


@pytest.mark.parametrize("resolution", ["PT30M", "PT1H", "P1D"])
@pytest.mark.parametrize("place", ["Europe/Zurich", "Asia/Kathmandu"])
def test_it_is_what_the_registers_tell_one_by_one(
    in_acme: Customer, resolution: str, place: str
) -> None:
    rng = np.random.default_rng(5)
    # Across the end of summer time in Zurich.
    start = at("2024-10-24")
    for number in range(9):
        fill(number, start, start + 6 * DAY, rng)
    where = zone(place)
    now = start + 5 * DAY + 4000
    query = Query(start + DAY, start + 5 * DAY, Resolution.parse(resolution), where, now)
    registers = everything()
    with statements() as sent:
        found = summed(registers, query)
    assert len(sent) == 1
    wanted = combined(readings(registers, query), Combine.SUM)
    assert [(one.direction, one.registers, one.unit) for one in found] == [
        (one.direction, one.registers, one.unit) for one in wanted
    ]
    for one, other in zip(found, wanted, strict=True):
        ours, theirs = one.buckets, other.buckets
        assert ours.edges.tolist() == theirs.edges.tolist()
        np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-12)
        assert ours.count.tolist() == theirs.count.tolist()
        assert ours.expected.tolist() == theirs.expected.tolist()
        assert ours.straddling == theirs.straddling
        assert {name: number.tolist() for name, number in ours.qualities.items()} == {
            name: number.tolist() for name, number in theirs.qualities.items() if number.any()
        }


def test_registers_without_readings_are_expected_all_the_same(in_acme: Customer) -> None:
    start = at("2024-10-20")
    write(make_register(make_meter(name="Reads")), Readings.steady(start, start + DAY, value=0.5))
    make_register(make_meter(name="Silent"))
    query = Query(start, start + DAY, Resolution.parse("PT1H"), zone("UTC"), start + DAY)
    [found] = summed(everything(), query)
    assert found.buckets.values.tolist() == [2.0] * 24
    assert found.buckets.count.tolist() == [4] * 24
    assert found.buckets.expected.tolist() == [8] * 24


def test_a_grid_finer_than_a_register_is_refused(in_acme: Customer) -> None:
    start = at("2024-10-20")
    slow = make_register(make_meter(name="Slow"), interval=3600)
    write(slow, Readings.steady(start, start + DAY, interval=3600))
    write(make_register(make_meter(name="Quick")), Readings.steady(start, start + DAY))
    query = Query(start, start + DAY, Resolution.parse("PT15M"), zone("UTC"), start + DAY)
    with pytest.raises(TooFineError) as error:
        summed(everything(), query)
    assert error.value.fits == Resolution.parse("PT1H")


def test_nothing_of_nothing(in_acme: Customer) -> None:
    query = Query(0, DAY, Resolution.parse("PT15M"), zone("UTC"), DAY)
    assert summed([], query) == []
