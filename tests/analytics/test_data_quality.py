"""What is missing, estimated and corrected."""

import numpy as np
import pytest

from analytics.methods.data_quality import data_quality
from analytics.methods.load import Load
from meters.obis import ObisCode
from meters.qualities import Quality
from tests.analytics.loads import START, ZURICH, at, joined, load, series


def test_months_are_local_and_count_what_they_lack() -> None:
    # From noon on 30 January to 2 February, with the last hour of January missing.
    power = np.ones(3 * 96 - 48)
    power[48 + 92 : 48 + 96] = np.nan
    found = data_quality(load(power, start=at(2024, 1, 30, 11)), corrections=3)
    assert [(m.name, m.expected, m.known) for m in found.months] == [
        ("2024-01", 144, 140), ("2024-02", 96, 96)
    ]  # fmt: skip
    assert found.months[0].completeness == pytest.approx(140 / 144)
    assert (found.expected, found.known, found.corrections) == (240, 236, 3)
    assert found.completeness == pytest.approx(236 / 240)


def test_holes_come_longest_first() -> None:
    power = np.ones(20)
    power[[0, 5, 6, 7, 18, 19]] = np.nan
    found = data_quality(load(power)).holes
    assert [((h.start - START) // 900, (h.end - START) // 900, h.slots) for h in found] == [
        (5, 8, 3), (18, 20, 2), (0, 1, 1)
    ]  # fmt: skip


def test_what_nobody_vouches_for_is_estimated() -> None:
    readings = joined(
        series(np.ones(6)),
        series(np.ones(2), start=START + 6 * 900, quality=Quality.ESTIMATED),
    )
    code = ObisCode.parse("1-0:1.29.0*255")
    found = data_quality(Load.of(readings, ZURICH, code, start=START, end=START + 10 * 900))
    assert (found.expected, found.known, found.estimated) == (10, 8, 2)
    assert found.estimated_share == 0.25
    assert found.corrections is None


def test_nothing_has_no_shares() -> None:
    nothing = data_quality(load(np.zeros(0)))
    assert (nothing.completeness, nothing.estimated_share, nothing.months) == (None, None, ())
    gap = data_quality(load(np.full(4, np.nan)))
    assert (gap.completeness, gap.estimated_share) == (0.0, None)
    assert [h.slots for h in gap.holes] == [4]
