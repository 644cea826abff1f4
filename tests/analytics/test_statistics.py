"""What a usual day looks like, against plain Python."""

from collections import defaultdict
from datetime import UTC, datetime
from statistics import mean
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.methods import statistics
from analytics.methods.load import Load
from analytics.methods.statistics import typical_day
from tests.analytics.loads import load

# Four weeks with the autumn change of the clocks in them.
START = int(datetime(2024, 10, 13, 22, tzinfo=UTC).timestamp())


def random_weeks() -> Load:
    power = np.random.default_rng(7).gamma(2, 0.2, 28 * 96)
    power[500:600] = np.nan
    return load(power, start=START)


def test_a_usual_day_is_told_by_local_time_apart_for_weekends() -> None:
    of = random_weeks()
    expected: dict[tuple[bool, int], list[float]] = defaultdict(list)
    for instant, value in zip(of.instants.tolist(), of.power.tolist(), strict=True):
        local = datetime.fromtimestamp(instant, ZoneInfo("Europe/Zurich"))
        if not np.isnan(value):
            expected[local.weekday() >= 5, local.hour * 60 + local.minute].append(value)

    table = typical_day(of)

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
        typical_day(random_weeks())


def test_nothing_is_said_of_nothing() -> None:
    assert len(typical_day(load(np.zeros(0)))) == 0
    assert len(typical_day(load(np.full(96, np.nan)))) == 0
