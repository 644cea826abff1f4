"""How long a day's intervals are: found from readings that come at once, or trickle in."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.batch import Reason
from ingestion.intervals import LENGTHS, finer_runs, settled_interval
from tests.ingestion.ledger import ZURICH, Ledger, Reading, counts, every

HOUR, DAY = 3600, 86_400
FIRST, SECOND, THIRD = (ZURICH.midnight(date(2023, 2, day)) for day in (1, 2, 3))
USUAL = [300, 600, 900, 1800, 3600]


def trickle(ledger: Ledger, readings: list[Reading]) -> int:
    """Send readings one at a time; return how many were refused."""
    return sum(len(ledger.take([reading]).refused) for reading in readings)


@pytest.mark.parametrize("interval", LENGTHS.tolist())
@pytest.mark.parametrize("phase", [0, 60, 420])
def test_a_batch_shows_its_interval(interval: int, phase: int) -> None:
    ledger = Ledger()
    merged = ledger.take(every(interval, 2 * DAY // interval, FIRST + phase))
    assert not merged.refused
    assert ledger.intervals[:2] == [interval // 60] * 2
    assert ledger.known == {1: interval}


@pytest.mark.parametrize("interval", LENGTHS.tolist())
@pytest.mark.parametrize("default", [300, 900, 3600])
def test_readings_that_trickle_in_show_their_interval(interval: int, default: int) -> None:
    ledger = Ledger(default=default)
    assert trickle(ledger, every(interval, 6, FIRST + 8 * HOUR)) == 0
    assert ledger.intervals == [interval // 60]
    assert ledger.known == {1: interval}
    assert ledger.stored == ledger.accepted


@pytest.mark.parametrize("interval", [900, 1800, 3600])
def test_a_few_readings_do_not_make_a_register_known(interval: int) -> None:
    ledger = Ledger()
    trickle(ledger, every(interval, 3, FIRST))
    assert ledger.known == {}


@pytest.mark.parametrize("before", USUAL)
@pytest.mark.parametrize("after", USUAL)
def test_a_register_may_change_its_interval_between_days(before: int, after: int) -> None:
    at_once = Ledger()
    assert not at_once.take(every(before, DAY // before, FIRST)).refused
    assert not at_once.take(every(after, DAY // after, SECOND)).refused
    assert at_once.intervals == [before // 60, after // 60]
    assert at_once.known == {1: after}

    in_one = Ledger()
    both = every(before, DAY // before, FIRST) + every(after, DAY // after, SECOND)
    assert not in_one.take(both).refused
    assert in_one.intervals == at_once.intervals

    trickled = Ledger()
    trickled.take(every(before, DAY // before, FIRST))
    assert trickle(trickled, every(after, 12, SECOND)) == 0
    assert trickled.intervals == at_once.intervals
    assert trickled.known == {1: after}


def test_the_days_after_a_change_follow_it_however_few_their_readings() -> None:
    ledger = Ledger()
    ledger.take(every(900, 96, FIRST))
    assert not ledger.take(every(3600, 25, SECOND)).refused
    assert ledger.intervals == [15, 60, 60]


def test_a_known_register_keeps_its_interval_through_gaps() -> None:
    ledger = Ledger()
    ledger.take(every(900, 96, FIRST))
    every_second = every(900, 16, SECOND)[::2]
    late = every(900, 16, SECOND)[1::2]
    assert not ledger.take(every_second).refused
    assert not ledger.take(late).refused
    assert ledger.intervals == [15, 15]


@pytest.mark.parametrize("minute", [1, 5, 7, 10])
def test_an_odd_reading_of_a_settled_day_is_refused_in_words(minute: int) -> None:
    ledger = Ledger()
    ledger.take(every(900, 8, FIRST))
    merged = ledger.take([(1, FIRST + 4 * HOUR + minute * 60, 1.0, 1)])
    [(position, reason, words)] = merged.refused
    assert (position, reason) == (0, Reason.MISALIGNED)
    assert words == (
        f"the interval starts {minute} min 0 s after one of the day's 15-minute intervals does"
    )


@pytest.mark.parametrize("minute", [1, 5, 7, 10])
@pytest.mark.parametrize("place", [0, 1, 5, 11])
def test_an_odd_reading_within_a_batch_is_refused_alone(minute: int, place: int) -> None:
    readings = every(900, 12, FIRST)
    odd = (1, readings[place][1] + minute * 60, 9.0, 1)
    merged = Ledger().take([*readings, odd])
    assert [position for position, _, _ in merged.refused] == [12]
    assert counts(merged) == (12, 0, 0)


def test_quarter_hours_on_a_day_of_hours_are_refused_also_where_they_fit() -> None:
    ledger = Ledger()
    ledger.take(every(3600, 12, FIRST))
    noon = FIRST + 12 * HOUR
    merged = ledger.take(every(3600, 12, FIRST)[8:] + every(900, 8, noon))
    # The hours sent again are none of the odd ones.
    assert counts(merged) == (0, 0, 4)
    assert {reason for _, reason, _ in merged.refused} == {Reason.INTERVAL}
    assert {words for _, _, words in merged.refused} == {
        "readings come every 15 minutes on a day whose intervals have 60 minutes"
    }
    assert [position for position, _, _ in merged.refused] == list(range(4, 12))


def test_a_batch_that_changes_within_the_day_keeps_what_most_of_it_is() -> None:
    merged = Ledger().take(every(3600, 20, FIRST) + every(900, 16, FIRST + 20 * HOUR))
    assert counts(merged) == (20, 0, 0)
    assert len(merged.refused) == 16


def test_what_is_stored_is_never_thrown_out_by_what_most_readings_show() -> None:
    ledger = Ledger()
    stray = (1, FIRST + 420, 5.0, 1)
    ledger.take([stray])
    assert not ledger.take(every(900, 8, FIRST + 900)).refused
    assert ledger.stored[1, FIRST + 420] == (5.0, 1)
    assert len(ledger.stored) == 9


def test_hours_on_utc_marks_in_a_zone_of_quarter_hours() -> None:
    from meters.zones import zone

    ledger = Ledger(zone=zone("Asia/Kathmandu"))
    assert not ledger.take(every(3600, 72, FIRST)).refused
    assert set(ledger.table.interval.tolist()) == {3600}
    assert set((ledger.table.first % 3600).tolist()) == {0}
    assert ledger.stored == ledger.accepted


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(USUAL),
    st.sampled_from([0, 60, 420]),
    st.lists(st.integers(0, 23), min_size=1, max_size=24, unique=True),
    st.lists(st.integers(1, 5), min_size=1, max_size=24),
    st.sampled_from([300, 900, 3600]),
)
def test_readings_of_one_interval_are_hardly_ever_refused(
    interval: int, phase: int, order: list[int], sizes: list[int], default: int
) -> None:
    """In whatever portions and with whatever gaps they come, in the order of time."""
    instants = [FIRST + phase + i * interval for i in sorted(order)]
    ledger = Ledger(default=default)
    for size in sizes:
        portion, instants = instants[:size], instants[size:]
        if portion and ledger.take([(1, at, 1.0, 1) for at in portion]).refused:
            # Only where gaps had shown longer intervals, clearly and wrongly; more readings may
            # show the right ones later.
            assert ledger.table.interval[0] > interval
    assert ledger.stored == ledger.accepted


@pytest.mark.parametrize(
    ("minutes", "expected", "known", "interval", "clear"),
    [
        ([0], 15, True, 15, False),
        ([0, 5], 15, False, 5, False),
        ([0, 5], 15, True, 5, False),
        ([0, 5, 15, 30], 15, True, 15, False),
        ([0, 7], 15, False, 15, False),
        ([0, 7, 15], 15, False, 15, False),
        ([0, 1], 15, False, 1, False),
        ([0, 60, 120], 15, False, 15, False),
        ([0, 60, 120, 180], 15, False, 60, True),
        ([0, 60, 120, 180], 15, True, 15, False),
        ([60 * i for i in range(9)], 15, True, 60, True),
        ([0, 15, 30, 45], 60, True, 15, True),
        ([0, 120, 240, 360], 15, False, 15, False),
    ],
)
def test_settled_interval(
    minutes: list[int], expected: int, known: bool, interval: int, clear: bool
) -> None:
    instants = FIRST + 60 * np.array(minutes)
    assert settled_interval(instants, expected * 60, known=known) == (interval * 60, clear)


def test_finer_runs() -> None:
    minutes = np.array([0, 60, 120, 135, 150, 165, 180, 240, 247, 300])
    assert finer_runs(60 * minutes, 3600) == [slice(2, 7)]
    assert finer_runs(60 * minutes, 900) == []
    assert finer_runs(60 * minutes[:1], 900) == []
