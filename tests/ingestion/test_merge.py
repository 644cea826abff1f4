"""The merge against a plain dictionary that took the same readings."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.batch import Reason
from ingestion.merge import Merged
from meters.zones import zone
from tests.ingestion.ledger import (
    ZURICH,
    Ledger,
    Reading,
    Readings,
    check_rows_of,
    counts,
    every,
    readings_of,
)

HOUR, DAY = 3600, 86_400
# The day before the one of 23 hours.
MIDNIGHT = ZURICH.midnight(date(2023, 3, 25))


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[Reading]]:
    """What an upstream sends of two registers: overlapping, corrected, gappy, disordered, odd."""
    value = st.sampled_from([0.0, 1.0, 2.5, -1.0])
    stray = st.sampled_from([0] * 12 + [1, 60, 420, 300])
    found = []
    for _ in range(draw(st.integers(1, 5))):
        delivery: list[Reading] = []
        for _ in range(draw(st.integers(1, 3))):
            register = draw(st.integers(1, 2))
            interval = draw(st.sampled_from([900, 900, 900, 300, 600, 1800, 3600]))
            start = MIDNIGHT + draw(st.integers(0, 75)) * HOUR + draw(st.sampled_from([0, 0, 420]))
            for i in draw(st.lists(st.integers(0, 30), min_size=1, max_size=14)):
                instant = start + i * interval + draw(stray)
                delivery.append((register, instant, draw(value), draw(st.integers(1, 2))))
        found.append(draw(st.permutations(delivery)))
    return found


@settings(max_examples=150, deadline=None)
@given(deliveries())
def test_the_store_equals_a_dictionary(sent: list[list[Reading]]) -> None:
    ledger = Ledger()
    for delivery in sent:
        take_and_check(ledger, delivery)


@pytest.mark.soak
@settings(max_examples=5_000, deadline=None)
@given(deliveries())
def test_the_store_equals_a_dictionary_for_long(sent: list[list[Reading]]) -> None:
    ledger = Ledger()
    for delivery in sent:
        take_and_check(ledger, delivery)


def take_and_check(ledger: Ledger, delivery: list[Reading]) -> None:
    before = ledger.stored
    merged = ledger.take(delivery)
    after = ledger.stored
    assert after == ledger.accepted

    new, corrected, unchanged = counts(merged)
    assert new == len(after) - len(before)
    assert corrected == sum(before[key] != after[key] for key in before)
    refused = len(merged.refused)
    assert len(delivery) == (
        new + corrected + unchanged + refused + merged.repeated + merged.conflicting
    )
    assert all(words for _, _, words in merged.refused)
    written_over = replaced_by(merged)
    corrections = {key: old for key, old in written_over.items() if old[1]}
    assert {**after, **corrections} | before == {**after, **corrections}
    assert not (written_over.keys() - corrections.keys()) & before.keys(), "they were empty"
    check_rows_of(ledger.table, ZURICH)

    again = Ledger(table=ledger.table, known=dict(ledger.known)).take(delivery)
    if not merged.conflicting:
        assert counts(again)[1] == 0
    if not merged.conflicting and not merged.refused:
        assert len(again.changed) == 0
        assert counts(again) == (0, 0, new + corrected + unchanged)


def replaced_by(merged: Merged) -> Readings:
    """What stood where a correction was made, by register and instant."""
    replaced, changed = merged.replaced, merged.changed
    row = np.repeat(replaced.rows, replaced.lengths)
    instants = changed.first[row] + replaced.slots * changed.interval[row]
    keys = zip(changed.register[row].tolist(), instants.tolist(), strict=True)
    old = zip(replaced.values.tolist(), replaced.qualities.tolist(), strict=True)
    found = dict(zip(keys, old, strict=True))
    assert found.keys() <= readings_of(changed).keys()
    return found


def test_a_reading_between_two_lengths_of_interval_is_refused_once() -> None:
    ledger = Ledger()
    take_and_check(ledger, [(1, MIDNIGHT, 0.0, 1)])
    minutes = [0, 10, 20, 30, 35, 40, 45]
    take_and_check(
        ledger, [(1, MIDNIGHT + at * 60, 0.0, 1) for at in minutes] + [(1, MIDNIGHT + 2701, 0.0, 1)]
    )


def test_a_correction_keeps_what_it_replaces() -> None:
    ledger = Ledger()
    ledger.take(every(900, 96, MIDNIGHT))
    merged = ledger.take(
        [(1, MIDNIGHT, 0.0, 1), (1, MIDNIGHT + 900, 7.5, 1), (1, MIDNIGHT + 1800, 2.0, 2)]
    )
    assert counts(merged) == (0, 2, 1)
    assert replaced_by(merged) == {
        (1, MIDNIGHT + 900): (1.0, 1),
        (1, MIDNIGHT + 1800): (2.0, 1),
    }


def test_of_two_readings_for_one_instant_the_last_to_arrive_holds() -> None:
    ledger = Ledger()
    merged = ledger.take(
        [(1, MIDNIGHT, 1.0, 1), (1, MIDNIGHT, 1.0, 1), (1, MIDNIGHT, 2.0, 1), (1, MIDNIGHT, 1.0, 2)]
    )
    assert (merged.repeated, merged.conflicting) == (1, 2)
    assert ledger.stored == {(1, MIDNIGHT): (1.0, 2)}


def test_an_empty_batch_changes_nothing() -> None:
    ledger = Ledger()
    ledger.take(every(900, 4, MIDNIGHT))
    merged = ledger.take([])
    assert len(merged.changed) == 0
    assert counts(merged) == (0, 0, 0)
    assert not merged.refused


@pytest.mark.parametrize(
    ("name", "day", "minutes"),
    [
        ("Europe/Zurich", date(2023, 3, 26), 23 * 60),
        ("Europe/Zurich", date(2023, 10, 29), 25 * 60),
        ("Australia/Lord_Howe", date(2023, 10, 1), 23 * 60 + 30),
        ("Australia/Lord_Howe", date(2023, 4, 2), 24 * 60 + 30),
        ("Asia/Beirut", date(2022, 3, 27), 23 * 60),
        ("Asia/Kathmandu", date(2023, 7, 1), 24 * 60),
    ],
)
def test_a_day_has_as_many_slots_as_it_is_long(name: str, day: date, minutes: int) -> None:
    ledger = Ledger(zone=zone(name))
    ledger.take(every(900, 3 * 96, zone(name).midnight(day) - DAY))
    assert ledger.table.slots[1] == minutes // 15
    assert ledger.stored == ledger.accepted


def test_a_day_cut_by_an_older_zone_database_stays_as_it_is() -> None:
    # Stored as if the day had begun an hour later; today it begins at MIDNIGHT.
    ledger = Ledger(zone=zone("Europe/London"))
    ledger.take(every(900, 96, MIDNIGHT + HOUR))
    ledger.zone = ZURICH
    merged = ledger.take(every(900, 4, MIDNIGHT + HOUR) + every(900, 1, MIDNIGHT))
    assert counts(merged) == (0, 0, 4)
    [(_, reason, words)] = merged.refused
    assert reason is Reason.MISALIGNED
    assert "re-cutting" in words


def test_a_sparse_day_cut_by_an_older_zone_database_keeps_its_readings() -> None:
    ledger = Ledger(zone=zone("Europe/London"))
    late = MIDNIGHT + DAY + 900  # on the 26th in Zurich, still on the 25th in London
    ledger.take([(1, MIDNIGHT + 2 * HOUR, 1.0, 1), (1, late, 2.0, 1)])
    ledger.zone = ZURICH
    ledger.take([(1, MIDNIGHT + 2 * HOUR + 300, 3.0, 1)])
    assert {(1, MIDNIGHT + 2 * HOUR), (1, late)} <= ledger.stored.keys()
    assert ledger.stored == ledger.accepted


def test_registers_do_not_meet() -> None:
    ledger = Ledger()
    both = every(900, 96, MIDNIGHT, register=1) + every(3600, 24, MIDNIGHT, register=2)
    merged = ledger.take(both[::-1])
    assert merged.registers.tolist() == [1, 2]
    assert merged.new.tolist() == [96, 24]
    assert merged.intervals == {1: 900, 2: 3600}
    assert ledger.intervals == [15, 60]


def test_a_stray_reading_does_not_settle_a_day_that_follows_others() -> None:
    ledger = Ledger()
    ledger.take(every(900, 96, MIDNIGHT))
    stray, later = MIDNIGHT + DAY + 437, every(900, 20, MIDNIGHT + DAY + 900)
    merged = ledger.take([(1, MIDNIGHT, 0.0, 1), (1, stray, 9.0, 1)])
    [(at, reason, words)] = merged.refused
    assert (at, reason) == (1, Reason.MISALIGNED)
    assert words == "the interval starts 7 min 17 s after those of the days stored before do"
    # One by one, as sweeps bring them; the window is read again each time.
    for reading in later:
        assert not ledger.take([(1, MIDNIGHT, 0.0, 1), reading]).refused
    assert len(ledger.stored) == 96 + 20


def test_a_day_that_shows_another_beginning_is_believed() -> None:
    """A meter is exchanged for one whose intervals begin five minutes later."""
    ledger = Ledger()
    ledger.take(every(900, 96, MIDNIGHT))
    assert not ledger.take([(1, MIDNIGHT, 0.0, 1), *every(900, 20, MIDNIGHT + DAY + 300)]).refused
    assert len(ledger.stored) == 96 + 20
