"""Each kind of register says what its OBIS code lets it say: never a sum of what is no energy."""

import numpy as np
import pytest

from meters.grid import Resolution
from meters.models import Meter, Register
from meters.readings import Query, RegisterReadings, readings
from meters.zones import zone
from tests.conftest import Customer
from tests.meters.stored import (
    DEMAND,
    EXPORT,
    IMPORT,
    POWER,
    STATE,
    UNKNOWN,
    Readings,
    at,
    make_meter,
    make_register,
    statements,
    write,
)

DAY = 86_400
FAR = at("2090-01-01")


def query(start: int, end: int, resolution: str = "P1D", now: int = FAR) -> Query:
    return Query(start, end, Resolution.parse(resolution), zone("UTC"), now)


@pytest.fixture
def meter(in_acme: Customer) -> Meter:
    return make_meter(timezone="UTC")


def ask(register: Register, end: str, resolution: str = "P1D", **more: int) -> RegisterReadings:
    [one] = readings([register], query(at("2024-02-01"), at(end), resolution, **more))
    return one


@pytest.mark.parametrize("obis", [POWER, DEMAND, UNKNOWN, "1-0:21.7.0*255"])
def test_what_is_no_energy_is_not_summed(meter: Meter, obis: str) -> None:
    register = make_register(meter, obis)
    write(register, Readings.steady(at("2024-02-01"), at("2024-02-02")))
    buckets = ask(register, "2024-02-03").buckets
    kind = "max" if obis == DEMAND else "mean"
    assert buckets.statistic == kind
    assert buckets.values == pytest.approx([96.0 if kind == "max" else 48.5, np.nan], nan_ok=True)
    assert buckets.total is None
    assert buckets.count.tolist() == [96, 0]
    assert buckets.expected.tolist() == [96, 96]


def test_advances_run_across_midnight(meter: Meter) -> None:
    register = make_register(meter, STATE)
    write(register, Readings.steady(at("2024-02-01"), at("2024-02-04")))
    for end, advances in (("2024-02-02", [96]), ("2024-02-04", [96, 96, 95])):
        one = ask(register, end)
        assert one.buckets.values.tolist() == advances
        assert one.buckets.statistic == "advance"
        assert one.resets == ()
    hours = ask(register, "2024-02-02", "PT1H").buckets
    assert hours.values.tolist() == [4] * 24
    # The last state has no later one yet: it is there, but its advance is not.
    assert ask(register, "2024-02-04").buckets.count.tolist() == [96, 96, 95]


@pytest.mark.parametrize("gap_days", [1, 3, 40])
def test_an_advance_over_a_gap_does_not_depend_on_the_range(meter: Meter, gap_days: int) -> None:
    register = make_register(meter, STATE)
    resumes = at("2024-02-02") + gap_days * DAY
    before = Readings.steady(at("2024-02-01"), at("2024-02-02"))
    after = Readings.steady(resumes, resumes + DAY)
    after.values += 1000
    write(register, before)
    write(register, after)
    short = ask(register, "2024-02-02")
    whole = ask(register, "2024-06-01")
    assert short.buckets.values[0] == whole.buckets.values[0] == 1001 - 1
    assert short.buckets.straddling == whole.buckets.straddling == 1
    assert whole.buckets.total == 1096 - 1


def test_a_meter_exchanged_is_an_event(meter: Meter) -> None:
    register = make_register(meter, STATE)
    states = Readings.steady(at("2024-02-01"), at("2024-02-03"))
    states.values[100:] -= 90
    write(register, states)
    one = ask(register, "2024-02-03")
    assert one.resets == (int(states.instants[100]),)
    # Of the second day the advance across the exchange is missing, and the last state has none.
    assert one.buckets.values.tolist() == [96, 94]
    assert (one.buckets.values >= 0).all()
    assert ask(register, "2024-02-02").resets == ()


def test_several_kinds_at_once(meter: Meter) -> None:
    """Energy from totals, the rest from values, in the order in which they were asked for."""
    registers = [make_register(meter, obis) for obis in (STATE, IMPORT, POWER, EXPORT)]
    for register in registers[:3]:
        write(register, Readings.steady(at("2024-02-01"), at("2024-02-03")))
    with statements() as sql:
        found = readings(registers, query(at("2024-02-01"), at("2024-02-02")))
    assert [one.register for one in found] == registers
    assert [one.buckets.statistic for one in found] == ["advance", "sum", "mean", "sum"]
    assert [one.buckets.count[0] for one in found] == [96, 96, 96, 0]
    assert np.isnan(found[3].buckets.values[0])
    # Energy by its totals; the others' values; and whether a state comes after the range.
    assert [text for text in sql if "coalesce(total" in text] == sql[:1]
    assert len(sql) == 2


def test_nothing_asked_of_nothing(in_acme: Customer) -> None:
    assert readings([], query(at("2024-02-01"), at("2024-02-02"))) == []


def test_expected_ends_with_the_present(meter: Meter) -> None:
    register = make_register(meter)
    write(register, Readings.steady(at("2024-02-01"), at("2024-02-01T12:00")))
    for seconds, expected in ((0, 48), (899, 48), (900, 49)):
        now = at("2024-02-01T12:00") + seconds
        buckets = ask(register, "2024-02-03", now=now).buckets
        assert buckets.expected.tolist() == [expected, 0]
        assert buckets.count.tolist() == [48, 0]
