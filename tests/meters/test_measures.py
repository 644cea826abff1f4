"""In which statistic and unit a register can be given; and that the numbers are right."""

from dataclasses import replace

import numpy as np
import pytest

from meters.grid import Resolution
from meters.measures import MeasureError, measure_of, units_of
from meters.obis import ObisCode
from meters.qualities import Quality
from meters.readings import Query, readings
from meters.zones import zone
from tests.meters.stored import (
    DEMAND,
    IMPORT,
    POWER,
    STATE,
    UNKNOWN,
    Readings,
    at,
    make_meter,
    make_register,
    write,
)

REACTIVE = "1-0:3.29.0*255"
ZURICH = "Europe/Zurich"


@pytest.mark.parametrize(
    ("obis", "statistic", "unit", "expected"),
    [
        (IMPORT, None, None, ("sum", "kWh", 1.0, False)),
        (IMPORT, "sum", "Wh", ("sum", "Wh", 1000.0, False)),
        (IMPORT, "sum", "MWh", ("sum", "MWh", 0.001, False)),
        (IMPORT, None, "kW", ("mean", "kW", 1.0, True)),
        (IMPORT, "max", "W", ("max", "W", 1000.0, True)),
        (IMPORT, "mean", None, ("mean", "kWh", 1.0, False)),
        (REACTIVE, None, "kvar", ("mean", "kvar", 1.0, True)),
        (POWER, None, None, ("mean", "kW", 1.0, False)),
        (POWER, "max", "W", ("max", "W", 1000.0, False)),
        (STATE, None, None, ("advance", "kWh", 1.0, False)),
        (STATE, "sum", "Wh", ("advance", "Wh", 1000.0, False)),
        (STATE, "mean", "kW", ("mean", "kW", 1.0, True)),
        (DEMAND, None, None, ("max", "kW", 1.0, False)),
        (UNKNOWN, "min", None, ("min", "", 1.0, False)),
    ],
)
def test_what_can_be_had(
    obis: str, statistic: str | None, unit: str | None, expected: tuple[str, str, float, bool]
) -> None:
    found = measure_of(ObisCode.parse(obis), statistic, unit)
    assert (str(found.statistic), found.unit, found.factor, found.per_hour) == expected


@pytest.mark.parametrize(
    ("obis", "statistic", "unit", "words", "fits"),
    [
        (IMPORT, "sum", "kW", "Power is not added up", "mean"),
        (POWER, "sum", None, "can't be added up; ask for their mean", "mean"),
        (POWER, None, "kWh", "can't be given in kWh; it is kept in kW", "kW"),
        (IMPORT, None, "kvarh", "can be given in Wh, kWh, MWh, W, kW, MW", "kWh"),
        (STATE, "max", None, "counts up", "sum"),
        (STATE, "sum", "kW", "counts up", "mean"),
        (UNKNOWN, None, "kWh", "kept in no unit", ""),
    ],
)
def test_what_can_not(
    obis: str, statistic: str | None, unit: str | None, words: str, fits: str
) -> None:
    with pytest.raises(MeasureError, match=words) as caught:
        measure_of(ObisCode.parse(obis), statistic, unit)
    assert caught.value.fits == fits
    if fits:
        assert fits in {"sum", "mean"} or fits in units_of(ObisCode.parse(obis))


@pytest.mark.usefixtures("in_acme")
@pytest.mark.parametrize("resolution", ["PT1H", "P1D", "P1M"])
@pytest.mark.parametrize("place", [ZURICH, "UTC"])
def test_mean_power_is_energy_by_the_time_in_which_it_ran(resolution: str, place: str) -> None:
    """Over a change of the clocks, with a gap and a change of the interval."""
    start, end = at("2023-10-28", ZURICH), at("2023-10-31", ZURICH)
    quarters = Readings.steady(start, start + 86_400)
    hours = Readings.steady(start + 86_400, end, interval=3600)
    both = Readings(
        *(
            np.concatenate((getattr(quarters, name), getattr(hours, name)))
            for name in ("instants", "intervals", "values", "qualities")
        )
    )
    kept = np.ones(len(both.instants), dtype=bool)
    kept[10:30] = False
    both = both.only(kept)
    register = make_register(make_meter())
    write(register, both)
    query = Query(start, end, Resolution.parse(resolution), zone(place), end, unit="W")
    [found] = readings([register], query)
    edges = found.buckets.edges
    for low, high, value in zip(edges[:-1], edges[1:], found.buckets.values, strict=True):
        inside = (both.instants >= low) & (both.instants < high)
        if not inside.any():
            assert np.isnan(value)
            continue
        energy, seconds = both.values[inside].sum(), both.intervals[inside].sum()
        assert value == pytest.approx(energy * 3.6e6 / seconds, rel=1e-12)
    assert (found.unit, str(found.buckets.statistic)) == ("W", "mean")
    [peak] = readings([register], replace(query, statistic="max"))
    power = both.values * 3.6e6 / both.intervals
    assert np.nanmax(peak.buckets.values) == pytest.approx(power.max(), rel=1e-12)


@pytest.mark.usefixtures("in_acme")
def test_only_readings_of_a_quality_count() -> None:
    start = at("2023-02-01", ZURICH)
    some = Readings.steady(start, start + 2 * 86_400)
    some.qualities[5:9] = Quality.ESTIMATED
    register = make_register(make_meter())
    write(register, some)
    query = Query(start, start + 2 * 86_400, Resolution.parse("P1D"), zone(ZURICH), 2**33)
    chosen = frozenset({Quality.MEASURED})
    [measured] = readings([register], replace(query, qualities=chosen))
    [estimated] = readings([register], replace(query, qualities=frozenset({Quality.ESTIMATED})))
    [everything] = readings([register], query)
    assert measured.buckets.count.tolist() == [92, 96]
    assert estimated.buckets.count.tolist() == [4, 0]
    assert measured.buckets.expected.tolist() == [96, 96]
    assert measured.buckets.values[0] + estimated.buckets.values[0] == everything.buckets.values[0]
