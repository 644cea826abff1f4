"""Base load, peak, shares and ratios against plain Python."""

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from statistics import mean, median
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.methods.key_figures import base_load, key_figures
from tests.analytics.loads import START, load, with_gaps
from tests.analytics.recorded import recorded_export, recorded_import


def test_figures_agree_with_plain_python() -> None:
    rng = np.random.default_rng(7)
    # Over the autumn change of the clock.
    of = load(with_gaps(rng.gamma(2, 0.2, 40 * 96), 0.1), start=START + 280 * 86_400)
    known, night, week, days = [], [], {True: [], False: []}, defaultdict(list)
    for slot, power in enumerate(of.power.tolist()):
        if np.isnan(power):
            continue
        moment = datetime.fromtimestamp(of.start + 900 * slot, ZoneInfo("Europe/Zurich"))
        known.append(power)
        days[moment.date()].append(power)
        week[moment.weekday() >= 5].append(power)
        if moment.hour >= 22 or moment.hour < 6:
            night.append(power)
    found = key_figures(of)
    assert found.energy == pytest.approx(sum(known) / 4)
    assert found.mean_power == pytest.approx(mean(known))
    assert found.peak is not None
    assert found.peak.power == max(known)
    assert of.power[(found.peak.instant - of.start) // 900] == max(known)
    assert found.load_factor == pytest.approx(mean(known) / max(known))
    assert found.full_load_hours == pytest.approx(sum(known) / 4 / max(known))
    assert found.night_share == pytest.approx(sum(night) / sum(known))
    assert found.night_time == pytest.approx(len(night) / len(known))
    assert found.weekday_ratio == pytest.approx(mean(week[False]) / mean(week[True]))
    quiet = [float(np.quantile(powers, 0.05)) for powers in days.values() if len(powers) >= 48]
    assert found.base_load == pytest.approx(median(quiet))


def test_base_load_is_not_moved_by_a_day_away_or_days_hardly_known() -> None:
    day = np.full(96, 0.2)
    day[30:40] = 2.8
    away, hardly = np.full(96, 0.05), np.full(96, np.nan)
    hardly[:20] = 9.0
    power = np.concatenate([*[day] * 6, away, hardly, hardly, hardly])
    assert base_load(load(power)) == pytest.approx(0.2)
    # Where there are no other days, what is known has to do.
    assert base_load(load(hardly)) == pytest.approx(9.0)


def test_the_recorded_import_has_the_base_load_of_a_small_household(recordings: Path) -> None:
    assert base_load(recorded_import(recordings)) == pytest.approx(0.047, abs=0.001)


def test_the_recorded_export_is_zero_for_most_of_the_time(recordings: Path) -> None:
    found = key_figures(recorded_export(recordings))
    assert found.zero_share == 0.625
    assert found.night_share == 0


def test_little_is_said_of_little() -> None:
    nothing = key_figures(load(np.full(96, np.nan)))
    assert (nothing.energy, nothing.peak, nothing.base_load, nothing.annual) == (
        0,
        None,
        None,
        None,
    )
    zeros = key_figures(load(np.zeros(96 * 8)))
    assert (zeros.load_factor, zeros.night_share, zeros.weekday_ratio) == (None, None, None)
    assert (zeros.base_load, zeros.zero_share) == (0, 1)
    # A day's energy hides quiet moments and nights.
    daily = key_figures(load(np.ones(14), interval=86_400))
    assert (daily.base_load, daily.night_share, daily.night_time) == (None, None, None)
    assert daily.weekday_ratio == 1
    monday = key_figures(load(np.ones(96)))
    assert monday.weekday_ratio is None
