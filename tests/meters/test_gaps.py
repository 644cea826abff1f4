"""Missing intervals, against a plain walk over time."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.gaps import Expected, Stretch, stretches
from meters.grid import Cadence
from meters.zones import DAY, epoch_day, zone

QUARTER, HOUR = 900, 3600
# Over the change of the clocks in autumn, and over Apia's day that never was.
AUTUMN = int(datetime(2023, 10, 26, tzinfo=UTC).timestamp())
NO_DAY = int(datetime(2011, 12, 27, tzinfo=UTC).timestamp())


def walked(present: set[int], end: int, step: int, start: int) -> list[int]:
    return [at for at in range(start, end - step + 1, step) if at not in present]


def day_counts(present: list[int], place: str) -> tuple[np.ndarray, np.ndarray]:
    """Count what each local day holds, as its row does."""
    days = [epoch_day(zone(place).date_at(at)) for at in present]
    number, count = np.unique(np.array(days, dtype=np.int64), return_counts=True)
    return number.astype(np.int64), count.astype(np.int64)


@settings(max_examples=60, deadline=None)
@given(
    gone=st.sets(st.integers(0, 6 * 96 - 1), max_size=80),
    block=st.tuples(st.integers(0, 500), st.integers(0, 300)),
    where=st.sampled_from(
        [("Europe/Zurich", AUTUMN), ("Pacific/Apia", NO_DAY), ("Asia/Kathmandu", AUTUMN)]
    ),
    cut=st.integers(0, 95),
)
def test_what_is_missing_is_what_a_walk_finds(
    gone: set[int], block: tuple[int, int], where: tuple[str, int], cut: int
) -> None:
    place, begin = where
    gone = (gone | set(range(block[0], block[0] + block[1]))) - {0, 6 * 96 - 1}
    present = [begin + QUARTER * n for n in range(6 * 96) if n not in gone]
    # The range may begin within a day whose row counts readings before it.
    start, end = begin + QUARTER * cut, begin + 6 * DAY
    due = Expected(Cadence.steady(QUARTER, begin), start, end, zone(place))
    days = due.lacking_days(*day_counts(present, place), holds_more=cut > 0)
    found = stretches(*due.instants(days), np.array(present, dtype=np.int64))
    missing = [at for one in found for at in range(one.start, one.end, QUARTER)]
    assert missing == walked(set(present), end, QUARTER, start)
    assert sum(one.missing for one in found) == len(missing)


def test_days_that_are_complete_are_not_opened() -> None:
    present = [AUTUMN + QUARTER * n for n in range(6 * 96) if n != 300]
    due = Expected(Cadence.steady(QUARTER), AUTUMN, AUTUMN + 6 * DAY, zone("UTC"))
    assert due.lacking_days(*day_counts(present, "UTC"), holds_more=False).tolist() == [
        AUTUMN // DAY + 3
    ]


def test_a_register_that_changes_its_interval() -> None:
    change = AUTUMN + 2 * DAY
    cadence = Cadence(np.array([AUTUMN, change]), np.array([QUARTER, HOUR]), np.array([0, 0]))
    due = Expected(cadence, AUTUMN, AUTUMN + 4 * DAY, zone("UTC"))
    present = [AUTUMN + QUARTER * n for n in range(192) if n != 7]
    present += [change + HOUR * n for n in range(48) if n not in {3, 4}]
    found = stretches(
        *due.instants(due.lacking_days(*day_counts(present, "UTC"), holds_more=False)),
        np.array(present, dtype=np.int64),
    )
    assert found == [
        Stretch(AUTUMN + 7 * QUARTER, AUTUMN + 8 * QUARTER, 1),
        Stretch(change + 3 * HOUR, change + 5 * HOUR, 2),
    ]


@pytest.mark.parametrize(
    ("together", "expected"),
    [(0, [(1, 2, 1), (4, 6, 2), (90, 91, 1)]), (2 * QUARTER, [(1, 6, 3), (90, 91, 1)])],
)
def test_holes_near_each_other_are_one(together: int, expected: list[tuple[int, int, int]]) -> None:
    instants = np.arange(96, dtype=np.int64) * QUARTER
    there = np.delete(instants, [1, 4, 5, 90])
    found = stretches(instants, np.full(96, QUARTER), there, together)
    assert found == [Stretch(a * QUARTER, b * QUARTER, n) for a, b, n in expected]


def test_nothing_missing_is_no_stretch() -> None:
    instants = np.arange(4, dtype=np.int64)
    assert stretches(instants, np.ones(4, dtype=np.int64), instants[::-1]) == []
    none = instants[:0]
    due = Expected(Cadence.steady(QUARTER), AUTUMN, AUTUMN + DAY, zone("UTC"))
    assert [len(one) for one in due.instants(none)] == [0, 0]
