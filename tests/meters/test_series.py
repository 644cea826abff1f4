"""Series rolled up to grids: nothing is lost, nothing is counted twice."""

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.days import DayTable
from meters.grid import Cadence, Grid, Resolution, ResolutionError
from meters.qualities import NAMES, Quality
from meters.series import Buckets, Series, Statistic, Validity
from meters.zones import zone
from tests.meters.clocks import DAY, HOUR, MINUTE, ODD, utc

RESOLUTIONS = ["PT5M", "PT10M", "PT15M", "PT30M", "PT1H", "PT2H", "P1D", "P1W", "P1M", "P1Y"]
LATER = 2**40


def series_of(
    instants: list[int], values: list[float], interval: int = 900, quality: int = 1
) -> Series:
    n = len(instants)
    return Series(
        np.array(instants, dtype=np.int64),
        np.full(n, interval, dtype=np.int64),
        np.array(values, dtype=np.float64),
        np.full(n, quality, dtype=np.int16),
        Cadence.steady(interval, instants[0] if n else 0),
    )


@st.composite
def recorded(draw: st.DrawFn) -> tuple[str, int, Series]:
    """Six days of a register around an odd day of its zone: any phase, with gaps."""
    name, day = draw(st.sampled_from(ODD))
    interval = draw(st.sampled_from([300, 600, 900, 1800, 3600]))
    phase = draw(st.one_of(st.just(0), st.integers(0, interval // MINUTE - 1))) * MINUTE
    begin = utc(day) - 3 * DAY + phase
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    instants = np.arange(begin, begin + 6 * DAY, interval)
    kept = seed.random(len(instants)) < draw(st.sampled_from([1.0, 0.9, 0.3, 0.01]))
    scale = draw(st.sampled_from([1.0, 1e-6, 1e6]))
    signed = draw(st.booleans())
    return (
        name,
        utc(day),
        Series(
            instants[kept],
            np.full(kept.sum(), interval),
            (seed.random(kept.sum()) - 0.5 * signed) * scale,
            seed.integers(1, 8, kept.sum()).astype(np.int16),
            Cadence.steady(interval, phase),
        ),
    )


@st.composite
def asked(draw: st.DrawFn) -> tuple[Series, Grid]:
    """A series, and a grid no finer than it over a range that begins and ends anywhere."""
    name, middle, series = draw(recorded())
    fitting = [
        text for text in RESOLUTIONS if Resolution.parse(text).seconds >= series.cadence.finest
    ]
    start = middle + draw(st.integers(-4 * DAY, 2 * DAY))
    end = start + draw(st.integers(0, 6 * DAY))
    return series, Grid(start, end, Resolution.parse(draw(st.sampled_from(fitting))), zone(name))


def held_in(series: Series, grid: Grid) -> list[list[int]]:
    """For each bucket the readings that start in it, one by one."""
    edges = grid.edges.tolist()
    found: list[list[int]] = [[] for _ in edges[1:]]
    for i, at in enumerate(series.instants.tolist()):
        for bucket in range(len(found)):
            if edges[bucket] <= at < edges[bucket + 1]:
                found[bucket].append(i)
    return found


def check_conservation(buckets: Buckets, series: Series, grid: Grid) -> None:
    inside = (series.instants >= grid.start) & (series.instants < grid.end)
    raw = series.values[inside]
    size = math.fsum(np.abs(raw))
    summed = math.fsum(v for v in buckets.values.tolist() if not math.isnan(v))
    assert abs(summed - math.fsum(raw)) <= 1e-9 * size
    assert buckets.count.sum() == len(raw)
    if len(raw):
        assert buckets.total is not None
        assert abs(buckets.total - math.fsum(raw)) <= 1e-9 * size
    else:
        assert buckets.total is None


@settings(max_examples=250, deadline=None)
@given(asked())
def test_energy_is_conserved(case: tuple[Series, Grid]) -> None:
    series, grid = case
    check_conservation(series.resample(grid, Statistic.SUM, now=LATER), series, grid)


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(asked())
def test_energy_is_conserved_for_long(case: tuple[Series, Grid]) -> None:
    series, grid = case
    check_conservation(series.resample(grid, Statistic.SUM, now=LATER), series, grid)


@settings(max_examples=60, deadline=None)
@given(asked(), st.sampled_from(list(Statistic)))
def test_each_bucket_says_what_is_in_it(case: tuple[Series, Grid], statistic: Statistic) -> None:
    series, grid = case
    grid = Grid(grid.start, min(grid.end, grid.start + DAY), grid.resolution, grid.zone)
    buckets = series.resample(grid, statistic, now=LATER)
    held = held_in(series, grid)
    values = series.values.tolist()
    say = {
        Statistic.SUM: math.fsum,
        Statistic.ADVANCE: math.fsum,
        Statistic.MEAN: lambda part: math.fsum(part) / len(part),
        Statistic.MIN: min,
        Statistic.MAX: max,
    }[statistic]
    for found, part in zip(buckets.values.tolist(), held, strict=True):
        if part:
            size = math.fsum(abs(values[i]) for i in part)
            assert abs(found - say([values[i] for i in part])) <= 1e-9 * size
        else:
            assert math.isnan(found)
    assert buckets.count.tolist() == [len(part) for part in held]
    assert len(buckets) == len(grid)
    by_quality = {
        name: [sum(NAMES[series.qualities[i]] == name for i in part) for part in held]
        for name in buckets.qualities
    }
    assert {name: n.tolist() for name, n in buckets.qualities.items()} == by_quality
    assert sum(n.sum() for n in buckets.qualities.values()) == buckets.count.sum()
    ends = series.instants + series.intervals
    assert buckets.straddling == sum(
        ends[i] > grid.edges[bucket + 1] for bucket, part in enumerate(held) for i in part
    )


@settings(max_examples=60, deadline=None)
@given(asked(), st.integers(-3 * DAY, 3 * DAY), st.integers(-3 * DAY, 3 * DAY))
def test_expected_follows_the_present_and_the_validity_of_the_meter(
    case: tuple[Series, Grid], ahead: int, since: int
) -> None:
    series, grid = case
    now, validity = grid.start + ahead, Validity(grid.start + since, grid.start + since + DAY)
    buckets = series.resample(grid, Statistic.SUM, now=now, validity=validity)
    interval, phase = series.cadence.finest, int(series.cadence.phase[0])
    begin = grid.start + (phase - grid.start) % interval
    due = [
        at
        for at in range(begin, grid.end, interval)
        if at + interval <= now and validity.since <= at < validity.until
    ]
    expected = np.histogram(due, bins=grid.edges)[0] if len(grid) else np.zeros(0)
    assert buckets.expected.tolist() == expected.tolist()


def test_a_whole_day_is_complete() -> None:
    name = zone("Europe/Zurich")
    for day, n in ((date(2023, 3, 26), 92), (date(2023, 10, 29), 100)):
        begin = name.midnight(day)
        series = series_of([begin + 900 * i for i in range(n)], [1.0] * n)
        grid = Grid(begin, begin + n * 900, Resolution.parse("P1D"), name)
        buckets = series.resample(grid, Statistic.SUM, now=LATER)
        assert (buckets.count.tolist(), buckets.expected.tolist()) == ([n], [n])
        assert buckets.values.tolist() == [float(n)]


def test_an_empty_bucket_is_nothing_never_zero() -> None:
    series = series_of([0, 7200], [0.0, 0.0])
    grid = Grid(0, 3 * HOUR, Resolution.parse("PT1H"), zone("UTC"))
    for statistic in Statistic:
        buckets = series.resample(grid, statistic, now=LATER)
        assert np.isnan(buckets.values).tolist() == [False, True, False]


def test_no_readings_and_no_range() -> None:
    series = Series.of_days(DayTable.empty(), zone("UTC"))
    hour = Resolution.parse("PT1H")
    empty = series.resample(Grid(0, DAY, hour, zone("UTC")), Statistic.MEAN, now=LATER)
    assert np.isnan(empty.values).all()
    assert empty.expected.tolist() == [4] * 24
    assert empty.total is None
    for end in (0, -1):
        nothing = series_of([0], [1.0]).resample(
            Grid(0, end, hour, zone("UTC")), Statistic.MIN, now=LATER
        )
        assert len(nothing) == 0


@pytest.mark.parametrize("statistic", [Statistic.MEAN, Statistic.MIN, Statistic.MAX])
def test_what_must_not_be_summed_has_no_total(statistic: Statistic) -> None:
    grid = Grid(0, HOUR, Resolution.parse("PT1H"), zone("UTC"))
    assert series_of([0, 900], [1.0, 2.0]).resample(grid, statistic, now=LATER).total is None


@pytest.mark.parametrize(("interval", "fits"), [(900, "PT15M"), (1800, "PT30M"), (3600, "PT1H")])
def test_a_grid_finer_than_the_register_is_refused(interval: int, fits: str) -> None:
    series = series_of([0, interval], [1.0, 1.0], interval)
    grid = Grid(0, DAY, Resolution.parse("PT5M"), zone("UTC"))
    with pytest.raises(ResolutionError, match=f"fits is {fits}"):
        series.resample(grid, Statistic.SUM, now=LATER)


def test_of_days_reads_what_a_table_holds() -> None:
    missing = np.nan
    table = DayTable(
        np.array([1, 1]),
        np.array([0, 1]),
        np.array([0, DAY]),
        np.array([900, 3600]),
        np.array([3, 2]),
        np.array([1.0, missing, 3.0, 4.0, 5.0]),
        np.array([1, 0, 2, 1, 1], dtype=np.int16),
        np.array([1, 1]),
    )
    series = Series.of_days(table, zone("UTC"))
    assert series.instants.tolist() == [0, 1800, DAY, DAY + HOUR]
    assert series.intervals.tolist() == [900, 900, 3600, 3600]
    assert series.values.tolist() == [1.0, 3.0, 4.0, 5.0]
    assert series.cadence.interval.tolist() == [900, 3600]
    assert series.within(900, DAY + 1).instants.tolist() == [1800, DAY]
    assert len(series.within(5, 5)) == len(series.within(9, 5)) == 0


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 200), st.floats(0, 1e6), st.integers(1, 7)), max_size=60))
def test_advances_add_up_to_the_last_state_less_the_first(
    readings: list[tuple[int, float, int]],
) -> None:
    instants = np.cumsum([900 * gap for gap, _, _ in readings]).tolist()
    states = [state for _, state, _ in readings]
    series = series_of(instants, states)
    advances, resets = series.advances()
    falls = (
        [
            (a, b, at)
            for a, b, at in zip(states[:-1], states[1:], instants[1:], strict=True)
            if b < a
        ]
        if states
        else []
    )
    fallen = math.fsum(b - a for a, b, _ in falls)
    assert resets.tolist() == [at for _, _, at in falls]
    assert len(advances) == max(len(series) - 1, 0) - len(falls)
    assert (advances.values >= 0).all()
    if states:
        expected = states[-1] - states[0] - fallen
        assert math.fsum(advances.values) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    # Each reaches from its state to the next, also across a gap.
    assert set((advances.instants + advances.intervals).tolist()) <= set(instants[1:])


def test_a_reset_and_an_exchanged_meter_are_events() -> None:
    midnight = 10 * DAY
    instants = [midnight - 900, midnight, midnight + 900, midnight + 4 * HOUR, midnight + 5 * HOUR]
    series = series_of(instants, [99_998.0, 99_999.5, 0.5, 2.5, 1.0])
    advances, resets = series.advances()
    assert advances.values.tolist() == [1.5, 2.0]
    assert advances.instants.tolist() == [midnight - 900, midnight + 900]
    assert advances.intervals.tolist() == [900, 4 * HOUR - 900]
    assert resets.tolist() == [midnight + 900, midnight + 5 * HOUR]

    grid = Grid(midnight - DAY, midnight + DAY, Resolution.parse("P1D"), zone("UTC"))
    assert advances.resample(grid, Statistic.ADVANCE, now=LATER).values.tolist() == [1.5, 2.0]


def test_an_advance_is_as_good_as_the_worse_of_its_states() -> None:
    series = series_of([0, 900, 1800], [1.0, 2.0, 3.0])
    series.qualities[:] = [Quality.MEASURED, Quality.ESTIMATED, Quality.MEASURED]
    advances, _ = series.advances()
    assert advances.qualities.tolist() == [Quality.ESTIMATED, Quality.ESTIMATED]
