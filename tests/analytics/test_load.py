"""A load is what the series says, on slots of equal length, and refuses what has none."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.methods.load import Load, LoadError
from meters.obis import ObisCode
from meters.qualities import Quality
from meters.series import Series
from meters.zones import epoch_day
from tests.analytics.loads import DAY, START, ZURICH, at, joined, series

ENERGY = ObisCode.parse("1-0:1.29.0*255")


def taken(readings: Series, keep: np.ndarray) -> Series:
    return Series(
        readings.instants[keep],
        readings.intervals[keep],
        readings.values[keep],
        readings.qualities[keep],
        readings.cadence,
    )


def test_energy_becomes_mean_power_and_holes_stay_holes() -> None:
    keep = np.array([0, 1, 3, 7])
    readings = taken(series(np.arange(8) / 8), keep)
    made = Load.of(readings, ZURICH, ENERGY)
    assert (made.start, made.interval, len(made)) == (START, 900, 8)
    assert np.flatnonzero(made.known).tolist() == keep.tolist()
    assert made.power[keep].tolist() == (keep / 2).tolist()
    assert made.energies[keep].tolist() == readings.values.tolist()
    assert made.energy == pytest.approx(readings.values.sum(), rel=1e-12)
    assert (made.count, made.completeness, made.end) == (4, 0.5, START + 8 * 900)


def test_the_range_asked_for_counts_what_its_ends_lack() -> None:
    readings = series(np.ones(8))
    made = Load.of(readings, ZURICH, ENERGY, start=START - 1800, end=START + 12 * 900)
    assert (made.start, len(made), made.count) == (START - 1800, 14, 8)
    # Slots that begin in the range, as readings do.
    part = Load.of(readings, ZURICH, ENERGY, start=START + 1, end=START + 2701)
    assert (part.start, len(part), part.count) == (START + 900, 3, 3)


def test_who_vouches_is_kept() -> None:
    parts = [
        series(np.ones(1), start=START + 900 * i, quality=quality)
        for i, quality in enumerate(Quality)
        if quality
    ]
    made = Load.of(joined(*parts), ZURICH, ENERGY)
    named = {Quality(i + 1) for i in np.flatnonzero(made.measured).tolist()}
    assert named == {
        Quality.MEASURED, Quality.CALCULATED, Quality.ADJUSTED, Quality.UNSPECIFIED
    }  # fmt: skip
    assert made.known.all()


@pytest.mark.parametrize(
    ("first", "second", "slot"),
    [(900, 300, 900), (300, 900, 900), (600, 900, 1800), (3600, 900, 3600), (2400, 1500, 2400)],
)
def test_a_register_that_changes_its_interval_keeps_its_energy(
    first: int, second: int, slot: int
) -> None:
    rng = np.random.default_rng(3)
    one = series(rng.gamma(2, 0.1, 3 * DAY // first), first)
    two = series(rng.gamma(2, 0.1, 3 * DAY // second), second, START + 3 * DAY)
    made = Load.of(joined(one, two), ZURICH, ENERGY)
    assert made.interval == slot
    if slot % second == 0:
        assert made.known.all()
        assert made.energy == pytest.approx(one.values.sum() + two.values.sum(), rel=1e-12)


def test_one_odd_reading_does_not_coarsen_the_rest_and_is_not_spread() -> None:
    # A day's energy in one value, amid quarter-hours.
    readings = joined(
        series(np.ones(96)),
        series(np.array([50.0]), DAY, START + DAY),
        series(np.ones(960), start=START + 2 * DAY),
    )
    made = Load.of(readings, ZURICH, ENERGY)
    assert made.interval == 900
    assert np.isnan(made.power[96:192]).all()
    assert made.energy == pytest.approx(1056)


def test_a_slot_that_its_readings_do_not_fill_is_not_known() -> None:
    readings = joined(series(np.ones(96)), series(np.ones(288), 300, START + DAY))
    keep = np.arange(len(readings)) != 96 + 4
    made = Load.of(taken(readings, keep), ZURICH, ENERGY)
    assert np.flatnonzero(~made.known).tolist() == [96 + 1]


def test_a_phase_that_shifts_loses_no_reading() -> None:
    # On Lord Howe the clock moves by half an hour, and hours on the local clock with it.
    one = series(np.arange(1.0, 49.0), 3600)
    two = series(np.arange(1.0, 25.0), 3600, START + 48 * 3600 + 1800)
    made = Load.of(joined(one, two), ZURICH, ENERGY)
    assert made.start == START
    assert made.power.tolist() == [*range(1, 49), *range(1, 25)]


def test_a_counter_is_told_by_its_advances_and_gaps_are_not_filled_by_them() -> None:
    states = series(np.cumsum(np.ones(10)))
    keep = np.array([0, 1, 2, 3, 4, 7, 8, 9])
    made = Load.of(taken(states, keep), ZURICH, ObisCode.parse("1-0:1.8.0*255"))
    assert made.power[:4].tolist() == [4.0] * 4
    assert np.flatnonzero(~made.known).tolist() == [4, 5, 6]


def test_power_is_taken_as_it_is() -> None:
    made = Load.of(series(np.array([1.0, 2.0])), ZURICH, ObisCode.parse("1-0:1.7.0*255"))
    assert made.power.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "code", ["1-0:32.7.0*255", "7-0:3.0.0*255", "1-0:3.29.0*255", "1-0:1.6.0*255", "1-0:1.29.0*1"]
)
def test_what_is_neither_energy_nor_power_is_refused_in_words(code: str) -> None:
    with pytest.raises(LoadError, match=r"has no load.*1-0:1\.29\.0\*255"):
        Load.of(series(np.ones(3)), ZURICH, ObisCode.parse(code))


def test_a_range_too_long_is_refused_before_memory_is_taken() -> None:
    readings = joined(
        series(np.ones(3), 60, at(1990, 1, 1)), series(np.ones(3), 60, at(2100, 1, 1))
    )
    with pytest.raises(LoadError, match="choose a shorter range"):
        Load.of(readings, ZURICH, ENERGY)


def test_the_local_clock_is_that_of_the_zone() -> None:
    start = at(2024, 10, 26, 22)
    made = Load.of(series(np.ones(100), start=start), ZURICH, ENERGY)
    for i in (0, 8, 12, 99):
        moment = datetime.fromtimestamp(start + 900 * i, ZoneInfo("Europe/Zurich"))
        assert made.second[i] == moment.hour * 3600 + moment.minute * 60
        assert made.day[i] == epoch_day(moment.date())


def test_a_part_of_a_load_is_what_begins_in_it() -> None:
    made = Load.of(series(np.arange(8.0)), ZURICH, ENERGY)
    part = made.within(START + 1, START + 2701)
    assert (part.start, part.power.tolist()) == (START + 900, [4.0, 8.0, 12.0])
    assert len(made.within(START - 900, START)) == 0
    assert len(made.within(START, START + DAY)) == 8


def test_nothing_makes_an_empty_load() -> None:
    made = Load.of(series(np.zeros(0)), ZURICH, ENERGY)
    assert (len(made), made.completeness, made.energy) == (0, 0.0, 0.0)
