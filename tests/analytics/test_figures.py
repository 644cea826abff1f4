"""Figures say what is shown, gaps and clock changes included."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from analytics.figures.curves import Curve, energy_bars, load_curve, mean_power, runs_of, spark
from meters.grid import Cadence, Grid, Resolution
from meters.series import Buckets, Series, Statistic
from meters.zones import zone

ZURICH = zone("Europe/Zurich")
START = int(datetime(2024, 10, 26, 22, tzinfo=UTC).timestamp())  # the day of 25 hours


def buckets(values: np.ndarray, resolution: str, missing: tuple[int, ...] = ()) -> Buckets:
    """Quarter-hours from START on, some of them missing, rolled up."""
    n = len(values)
    kept = np.array([i for i in range(n) if i not in missing])
    series = Series(
        START + 900 * kept.astype(np.int64),
        np.full(len(kept), 900),
        values[kept],
        np.ones(len(kept), dtype=np.int16),
        Cadence.steady(900),
    )
    grid = Grid(START, START + 900 * n, Resolution.parse(resolution), ZURICH)
    return series.resample(grid, Statistic.SUM, now=START + 900 * n)


def curve(of: Buckets) -> Curve:
    return Curve("Import", "import", "kW", of, mean_power(of))


def times(trace: dict[str, Any]) -> list[datetime]:
    return [datetime.fromisoformat(x) for x in trace["x"]]


def test_mean_power_counts_what_was_measured_only() -> None:
    # Two of the four quarter-hours of the second hour are missing.
    power = mean_power(buckets(np.full(8, 0.25), "PT1H", missing=(4, 5)))
    assert power.tolist() == pytest.approx([1.0, 1.0])
    nothing = mean_power(buckets(np.full(8, 0.25), "PT1H", missing=(4, 5, 6, 7)))
    assert nothing[0] == 1.0
    assert np.isnan(nothing[1])


def test_a_gap_breaks_the_curve_and_is_shaded() -> None:
    of = buckets(np.arange(1.0, 9.0), "PT15M", missing=(3, 4))
    figure = load_curve([curve(of)], ZURICH, "PT15M", gaps=[(START + 3 * 900, START + 5 * 900)])
    [trace] = figure["data"]
    y = list(trace["y"])
    assert y.count(None) == 2, "one break after each stretch"
    # The last step before the gap is drawn to its end, a second short of it.
    assert times(trace)[y.index(None)] == datetime.fromtimestamp(START + 3 * 900 - 1, UTC)
    shades = [shape for shape in figure["layout"]["shapes"] if shape["name"] == "missing"]
    assert [(s["x0"], s["x1"]) for s in shades] == [
        ("2024-10-26T22:45:00Z", "2024-10-26T23:15:00Z")
    ]


def test_the_day_of_25_hours_is_25_hours_wide_and_labelled() -> None:
    figure = load_curve([curve(buckets(np.ones(100), "PT1H"))], ZURICH, "PT1H")
    assert figure["layout"]["meta"] == {"timezone": "Europe/Zurich", "resolution": "PT1H"}
    begin, end = (datetime.fromisoformat(x) for x in figure["layout"]["xaxis"]["range"])
    assert end - begin == timedelta(hours=25)
    [note] = figure["layout"]["annotations"]
    assert (note["text"], note["x"]) == ("Clocks back 1 h", "2024-10-27T01:00:00Z")
    [trace] = figure["data"]
    assert len(set(trace["x"])) == 25 + 1, "the two autumn hours stay two"


def test_estimated_intervals_are_a_trace_of_their_own() -> None:
    of = buckets(np.ones(4), "PT15M")
    of.qualities["measured"][2] = 0
    of.qualities["estimated"] = np.array([0, 0, 1, 0])
    traces = load_curve([curve(of)], ZURICH, "PT15M")["data"]
    assert [trace["meta"] for trace in traces] == [
        {"role": "import"},
        {"role": "estimated", "of": "import"},
    ]
    first = times(traces[1])
    assert first[0] == datetime.fromtimestamp(START + 1800, UTC)
    assert first[-1] < datetime.fromtimestamp(START + 2700, UTC)


def test_bars_start_at_zero_and_tell_what_is_missing() -> None:
    of = buckets(np.ones(200), "P1D", missing=(5, 6, 7))
    figure = energy_bars([Curve("Import", "import", "kWh", of, of.values)], ZURICH)
    [trace] = figure["data"]
    assert list(trace["x"]) == ["2024-10-27", "2024-10-28", "2024-10-29"]
    assert list(trace["y"]) == [97, 96, 4]
    assert list(trace["customdata"]) == [" · 97 of 100 intervals", "", ""]
    assert figure["layout"]["yaxis"]["rangemode"] == "tozero"


def test_bars_of_weeks_and_months_stand_where_the_whole_period_does() -> None:
    of = buckets(np.ones(96 * 8), "P1W")  # Sunday 27 October to Sunday 3 November
    [trace] = energy_bars([Curve("Import", "import", "kWh", of, of.values)], ZURICH, "P1W")["data"]
    assert list(trace["x"]) == ["2024-10-21", "2024-10-28"]
    of = buckets(np.ones(96 * 8), "P1M")
    [trace] = energy_bars([Curve("Import", "import", "kWh", of, of.values)], ZURICH, "P1M")["data"]
    assert list(trace["x"]) == ["2024-10-01", "2024-11-01"]
    assert trace["xperiod"] == "M1"


def test_figures_carry_no_colours_and_no_template() -> None:
    figure = load_curve([curve(buckets(np.ones(4), "PT15M"))], ZURICH, "PT15M")
    assert "template" not in figure["layout"]
    assert "color" not in repr(figure["data"])


def test_runs_of_a_mask() -> None:
    assert runs_of(np.array([], dtype=bool)) == []
    assert runs_of(np.array([True, True, False, True])) == [(0, 2), (3, 4)]


def test_a_spark_survives_gaps_zeros_and_nothing() -> None:
    assert spark([]) is None
    assert spark([1.0]) is None
    assert spark([None, None, 3.0]) is None
    flat = spark([0.0, 0.0])
    assert flat is not None
    assert flat["line"] == "M0.0 31.0L100.0 31.0"
    gap = spark([1.0, None, 2.0])
    assert gap is not None
    assert gap["line"] == "M0.0 16.0L100.0 1.0"
