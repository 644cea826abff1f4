"""What a usual day looks like, against plain Python."""

from collections import defaultdict
from datetime import UTC, datetime
from statistics import mean, median
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics import statistics
from analytics.statistics import base_load, peak, typical_day
from meters.grid import Cadence
from meters.series import Series
from meters.zones import zone

ZURICH = zone("Europe/Zurich")
# Four weeks with the autumn change of the clocks in them.
START = int(datetime(2024, 10, 13, 22, tzinfo=UTC).timestamp())


def series(values: np.ndarray, interval: int = 900, start: int = START) -> Series:
    n = len(values)
    return Series(
        start + interval * np.arange(n, dtype=np.int64),
        np.full(n, interval),
        values.astype(float),
        np.ones(n, dtype=np.int16),
        Cadence.steady(interval),
    )


def random_weeks() -> Series:
    return series(np.random.default_rng(7).gamma(2, 0.05, 28 * 96))


def test_a_usual_day_is_told_by_local_time_apart_for_weekends() -> None:
    readings = random_weeks()
    expected: dict[tuple[bool, int], list[float]] = defaultdict(list)
    for instant, value in zip(readings.instants.tolist(), readings.values.tolist(), strict=True):
        local = datetime.fromtimestamp(instant, ZoneInfo("Europe/Zurich"))
        expected[local.weekday() >= 5, local.hour * 60 + local.minute].append(value * 4)

    table = typical_day(readings, ZURICH)

    assert len(table) == len(expected) == 2 * 96
    for row in table.itertuples():
        powers = expected[bool(row.weekend), int(row.minute)]
        assert row.mean == pytest.approx(mean(powers))
        assert row.low == pytest.approx(np.quantile(powers, 0.1))
        assert row.high == pytest.approx(np.quantile(powers, 0.9))
        assert row.days == len(powers)
    # The repeated hour of 27 October counts twice with its wall time.
    sunday = table[table["weekend"]].set_index("minute")["days"]
    assert sunday[2 * 60] == sunday[12 * 60] + 1


def test_grouping_is_pandas_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("pandas was asked to group")

    monkeypatch.setattr(statistics.pd.DataFrame, "groupby", refuse)
    with pytest.raises(RuntimeError, match="asked to group"):
        typical_day(random_weeks(), ZURICH)


def test_base_load_is_the_median_of_the_quiet_moments_of_days() -> None:
    # Nine days at 200 W with peaks, and one away from home at 50 W.
    day = np.full(96, 0.05)
    day[30:40] = 0.7
    days = [day] * 9 + [np.full(96, 0.0125)]
    assert base_load(series(np.concatenate(days))) == pytest.approx(0.2)


def test_the_peak_is_power_not_energy() -> None:
    hours = series(np.array([1.0, 3.0, 2.0]), interval=3600)
    found = peak(hours)
    assert found is not None
    assert (found.power, found.instant) == (3.0, START + 3600)
    quarters = peak(series(np.array([0.1, 0.5])))
    assert quarters is not None
    assert quarters.power == pytest.approx(2.0)


def test_nothing_is_said_of_nothing() -> None:
    nothing = series(np.zeros(0))
    assert peak(nothing) is None
    assert base_load(nothing) is None
    assert len(typical_day(nothing, ZURICH)) == 0


def test_base_load_agrees_with_plain_python() -> None:
    readings = random_weeks()
    days: dict[int, list[float]] = defaultdict(list)
    for instant, value in zip(readings.instants.tolist(), readings.values.tolist(), strict=True):
        days[instant // 86_400].append(value * 4)
    expected = median(float(np.quantile(powers, 0.05)) for powers in days.values())
    assert base_load(readings) == pytest.approx(expected)
