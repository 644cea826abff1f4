"""Day rows cut anew: there and back again, and nothing lost on the way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.cutting import UncuttableError, cut_anew, is_cut_rightly
from meters.days import DayTable
from meters.zones import zone
from tests.ingestion.ledger import COLUMNS, Ledger, Reading, check_rows_of, readings_of

NAMES = [
    "Europe/Zurich",
    "UTC",
    "Europe/London",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Auckland",
    "America/Los_Angeles",
]
HOUR, DAY = 3600, 86_400
# Apia skips a day, Zurich's and Lord Howe's clocks change.
STARTS = st.sampled_from([1_325_030_400, 1_679_529_600, 1_698_364_800, 1_680_307_200])


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    """Some days with holes; each register-day of one interval, which may change between days."""
    start, found = draw(STARTS), []
    at = start + draw(st.sampled_from([0, 0, 420, 900]))
    for _ in range(draw(st.integers(1, 3))):
        interval = draw(st.sampled_from([900, 900, 900, 1800, 3600, 300]))
        n = draw(st.integers(1, 3)) * DAY // interval
        holes = draw(st.sets(st.integers(0, n - 1), max_size=20))
        found += [
            (1, at + i * interval, draw(st.sampled_from([0.25, 1.0])) + i, 1 + i % 3)
            for i in range(n)
            if i not in holes
        ]
        at += n * interval + draw(st.sampled_from([0, 0, 0, DAY]))
    return found


def joined(table: DayTable, cut: object) -> DayTable:
    """The whole table after a cut."""
    concerned = [*cut.days.day.tolist(), *cut.gone.tolist()]  # type: ignore[attr-defined]
    rest = table.take(~np.isin(table.day, concerned))
    both = DayTable(
        *(np.concatenate([getattr(t, c) for t in (rest, cut.days)]) for c in COLUMNS)  # type: ignore[attr-defined]
    )
    return both.take(np.argsort(both.day))


def same(one: DayTable, other: DayTable) -> bool:
    return all(
        np.array_equal(getattr(one, c), getattr(other, c), equal_nan=c == "values")
        for c in COLUMNS
        if c != "version"
    )


@settings(max_examples=200, deadline=None)
@given(readings(), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_there_and_back_is_where_one_was(sent: list[Reading], here: str, there: str) -> None:
    ledger = Ledger(zone=zone(here))
    ledger.take(sent)
    start = ledger.table
    assert cut_anew(start, zone(here)) is None, "the store cuts rightly"
    cut = cut_anew(start, zone(there))
    if cut is None:
        return
    table = joined(start, cut)
    assert readings_of(table) == ledger.stored
    assert table.totals.sum() == pytest.approx(start.totals.sum(), rel=1e-12)
    check_rows_of(table, zone(there))
    assert cut_anew(table, zone(there)) is None, "once is enough"
    back = cut_anew(table, zone(here))
    assert back is not None
    returned = joined(table, back)
    assert readings_of(returned) == ledger.stored
    if len(set(start.interval.tolist())) == 1:
        assert same(returned, start)
        assert (cut.mixed, back.mixed) == (0, 0)


def row(day: int, first: int, interval: int, values: list[float | None], version: int) -> DayTable:
    n = len(values)
    return DayTable(
        np.array([1]),
        np.array([day]),
        np.array([first]),
        np.array([interval]),
        np.array([n]),
        np.array([np.nan if v is None else v for v in values]),
        np.array([v is not None for v in values], dtype=np.int16),
        np.array([version]),
    )


def table_of(*rows: DayTable) -> DayTable:
    return DayTable(*(np.concatenate([getattr(t, c) for t in rows]) for c in COLUMNS))


def test_of_two_readings_of_one_instant_the_later_written_stays() -> None:
    """As where the zone database changed, and the next day was stored by the new one."""
    first = 19_000 * DAY
    old = row(19_000, first + HOUR, 3600, [1.0] * 24, version=7)
    new = row(19_001, first + DAY, 3600, [2.0] * 24, version=8)
    cut = cut_anew(table_of(old, new), zone("UTC"))
    assert cut is not None
    assert cut.days.counts.tolist() == [23, 24]
    assert cut.days.totals.tolist() == [23.0, 48.0]
    instants, values, _ = cut.twice
    assert (instants.tolist(), values.tolist()) == ([first + DAY], [1.0])


def test_lengths_that_share_a_day_are_kept_in_the_shortest() -> None:
    first = 19_000 * DAY
    hours = row(19_000, first - HOUR, 3600, [1.0] * 24, version=1)
    quarters = row(19_001, first + DAY - HOUR, 900, [0.25] * 96, version=1)
    cut = cut_anew(table_of(hours, quarters), zone("UTC"))
    assert cut is not None
    assert cut.days.interval.tolist() == [3600, 900, 900]
    assert cut.days.totals.tolist() == [1.0, 24.0, 23.0]
    assert cut.mixed == 0


def test_a_day_without_readings_stays_one() -> None:
    empty = row(19_000, 19_000 * DAY - HOUR, 900, [None] * 96, version=1)
    cut = cut_anew(empty, zone("UTC"))
    assert cut is not None
    assert (cut.days.first.tolist(), cut.days.counts.tolist()) == ([19_000 * DAY], [0])
    assert not len(cut.gone)


def test_what_has_nothing_in_common_is_left_alone() -> None:
    first = 19_000 * DAY
    one = row(19_000, first - HOUR, 900, [1.0] * 96, version=1)
    other = row(19_001, first + DAY - HOUR + 7, 900, [1.0] * 96, version=1)
    with pytest.raises(UncuttableError, match="no length of interval"):
        cut_anew(table_of(one, other), zone("UTC"))


def test_what_is_cut_rightly() -> None:
    day = np.array([19_000])
    first = day * DAY
    for shift, slots, right in [(0, 96, True), (420, 96, True), (900, 95, False), (0, 95, False)]:
        told = is_cut_rightly(day, first + shift, np.array([900]), np.array([slots]), zone("UTC"))
        assert told.tolist() == [right], (shift, slots)
    nothing = np.zeros(0, dtype=np.int64)
    assert is_cut_rightly(nothing, nothing, nothing, nothing, zone("UTC")).tolist() == []
    assert cut_anew(DayTable.empty(), zone("UTC")) is None
