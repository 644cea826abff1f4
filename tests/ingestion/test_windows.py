"""Reading a window piece by piece: every reading is delivered, or a warning says what may lack."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.client import Page, UpstreamError
from ingestion.parsing import Asked, parse_instant, raw_text
from ingestion.windows import Window, portions, windows
from tests.ingestion.rows import CODE, FEBRUARY, MUID, row

START, QUARTER = FEBRUARY, 900
NOW = FEBRUARY + 1000 * 86_400
SECOND_CODE = "0100021D00FF"


@dataclass
class Upstream:
    """Serves rows from memory, newest first, as honestly as it is told to."""

    rows: list[dict[str, Any]]
    limit: int
    knows_start: bool = True
    knows_stop: bool = True
    knows_limit: bool = True
    counts_stop_in: bool = False
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def endpoint(self) -> SimpleNamespace:
        return SimpleNamespace(limit=self.limit)

    def page(self, muid: UUID, start: int, stop: int) -> Page:
        assert muid == MUID
        assert start < stop
        self.asked.append((start, stop))
        assert len(self.asked) < 500, "it never ends"
        rows = sorted(self.rows, key=instant_of, reverse=True)
        if self.knows_start:
            rows = [r for r in rows if instant_of(r) >= start]
        if self.knows_stop:
            rows = [r for r in rows if instant_of(r) < stop + self.counts_stop_in]
        if self.knows_limit:
            rows = rows[: self.limit]
        return Page(rows, len(rows) >= self.limit)


def instant_of(one: dict[str, Any]) -> int:
    return parse_instant(one["timestamp"])


def quarters(count: int, start: int = START) -> list[dict[str, Any]]:
    return [row(start + QUARTER * i, i) for i in range(count)]


def read(upstream: Upstream, stop: int, start: int = START) -> list[Window]:
    return list(windows(upstream, Asked(NOW, MUID), MUID, start, stop, QUARTER))


def delivered(pieces: list[Window]) -> set[tuple[str, int, float]]:
    found = set()
    for piece in pieces:
        batch = piece.batch
        assert ((batch.instants >= piece.start) & (batch.instants < piece.stop)).all()
        # Whatever row of the payload a reading says it came from, it did.
        for at, number in zip(batch.instants.tolist(), batch.row.tolist(), strict=True):
            assert instant_of(piece.rows[number]) == at
        found |= {
            (batch.keys[key].obis, at, value)
            for key, at, value in zip(
                batch.index.tolist(), batch.instants.tolist(), batch.values.tolist(), strict=True
            )
        }
    return found


def wanted(rows: list[dict[str, Any]], start: int, stop: int) -> set[tuple[str, int, float]]:
    obis = {CODE: "1-0:1.29.0*255", SECOND_CODE: "1-0:2.29.0*255"}
    return {
        (obis[code], instant_of(r), float(r[code]))
        for r in rows
        for code in obis.keys() & r.keys()
        if start <= instant_of(r) < stop
    }


def warnings(pieces: list[Window]) -> list[str]:
    return [text for piece in pieces for text in piece.warnings]


def test_a_window_that_fits_is_asked_for_once() -> None:
    upstream = Upstream(quarters(9), limit=10)
    stop = START + 9 * QUARTER
    [whole] = read(upstream, stop)
    assert delivered([whole]) == wanted(upstream.rows, START, stop)
    assert upstream.asked == [(START, stop)]


def test_an_empty_window() -> None:
    [whole] = read(Upstream([], limit=10), START + 100 * QUARTER)
    assert len(whole.batch) == 0
    assert not whole.warnings


def test_a_long_window_comes_in_pieces_oldest_first_without_a_warning() -> None:
    upstream = Upstream(quarters(1000), limit=100)
    stop = START + 1000 * QUARTER
    pieces = read(upstream, stop)
    assert pieces[0].start == START
    assert pieces[-1].stop == stop
    assert [p.stop for p in pieces[:-1]] == [p.start for p in pieces[1:]]
    assert delivered(pieces) == wanted(upstream.rows, START, stop)
    assert not warnings(pieces)
    # One question shows that the window is too long, and brings its last piece.
    assert len(upstream.asked) == len(pieces)


def test_the_last_piece_is_asked_for_where_the_first_answer_does_not_hold_all_of_it() -> None:
    rows = quarters(1000)
    # Of the last quarter-hours several rows each, so that one answer does not reach far back.
    crowded = [row(START + QUARTER * i, **{CODE: ..., SECOND_CODE: i}) for i in range(990, 1000)]
    upstream = Upstream([*rows, *crowded], limit=20)
    stop = START + 1000 * QUARTER
    pieces = read(upstream, stop)
    assert delivered(pieces) == wanted(upstream.rows, START, stop)
    assert upstream.asked[-1] == (pieces[-1].start, upstream.asked[-1][1])


def test_rows_in_no_order_are_not_taken_for_all_there_are() -> None:
    upstream = Upstream(quarters(400), limit=100)
    honest = upstream.page

    def page(muid: UUID, start: int, stop: int) -> Page:
        answer = honest(muid, start, stop)
        return Page([*answer.rows[1:-1], answer.rows[0], answer.rows[-1]], answer.is_full)

    upstream.page = page  # type: ignore[method-assign]
    stop = START + 400 * QUARTER
    pieces = read(upstream, stop)
    assert delivered(pieces) == wanted(upstream.rows, START, stop)
    assert upstream.asked[-1] == (pieces[-1].start, stop)


def test_a_meter_that_fell_silent_where_a_piece_ends_is_read_whole() -> None:
    # The source counts `stop` in, so this piece brings the very rows that the whole window did.
    places = [0, 0, 0, 1, 1, 10, 10, 10, 11, 12]
    rows = [row(START + QUARTER * place, number) for number, place in enumerate(places)]
    upstream = Upstream(rows, limit=4, counts_stop_in=True)
    stop = START + 13 * QUARTER
    pieces = read(upstream, stop)
    assert delivered(pieces) == wanted(rows, START, stop)
    assert not warnings(pieces)


@st.composite
def upstreams(draw: st.DrawFn) -> Upstream:
    """Rows around a window of 40 quarter-hours: gaps, two registers, several at one instant."""
    places = draw(st.lists(st.integers(-10, 50), min_size=10, max_size=60))
    seconds = st.sampled_from([0, 0, 0, 1, 899])
    rows = []
    for number, place in enumerate(places):
        code = draw(st.sampled_from([CODE, SECOND_CODE]))
        instant = START + place * QUARTER + draw(seconds)
        value = draw(st.sampled_from([number, number, number, None]))
        rows.append(row(instant, **({CODE: ...} | {code: value})))
    return Upstream(rows, draw(st.integers(1, 12)))


def readable(upstream: Upstream) -> list[dict[str, Any]]:
    return [r for r in upstream.rows if None not in r.values()]


@settings(max_examples=300, deadline=None)
@given(upstreams(), st.integers(1, 40), st.booleans())
def test_an_honest_source_delivers_every_reading(
    upstream: Upstream, length: int, counts_stop_in: bool
) -> None:
    upstream.counts_stop_in = counts_stop_in
    stop = START + length * QUARTER
    pieces = read(upstream, stop)
    found, expected = delivered(pieces), wanted(readable(upstream), START, stop)
    assert found <= expected
    at_once = max(
        [
            sum(instant_of(r) in (one, one + counts_stop_in) for r in upstream.rows)
            for one in {instant_of(r) for r in upstream.rows}
        ],
        default=0,
    )
    # More rows at one instant than the limit lets through: that can't be read, but is told.
    assert found == expected or warnings(pieces)
    if at_once < upstream.limit:
        assert found == expected


@settings(max_examples=300, deadline=None)
@given(upstreams(), st.integers(1, 40), st.booleans(), st.booleans(), st.booleans())
def test_a_dishonest_source_comes_to_an_end_and_is_warned_of(
    upstream: Upstream, length: int, knows_start: bool, knows_stop: bool, knows_limit: bool
) -> None:
    upstream.knows_start, upstream.knows_stop = knows_start, knows_stop
    upstream.knows_limit = knows_limit
    stop = START + length * QUARTER
    pieces = read(upstream, stop)
    assert delivered(pieces) <= wanted(readable(upstream), START, stop)
    assert delivered(pieces) == wanted(readable(upstream), START, stop) or warnings(pieces)


@pytest.mark.parametrize("rows", [300, 301, 1000])
def test_a_file_is_read_whole(rows: int) -> None:
    upstream = Upstream(
        quarters(rows, START - 100 * QUARTER),
        limit=300,
        knows_start=False,
        knows_stop=False,
        knows_limit=False,
    )
    stop = START + 150 * QUARTER
    pieces = read(upstream, stop)
    assert delivered(pieces) == wanted(upstream.rows, START, stop)
    # Just as many rows as the limit may be a part of more.
    assert len(warnings(pieces)) == (rows == 300)
    assert len(upstream.asked) <= 2


def test_a_file_longer_than_the_limit_is_not_fetched_for_every_piece() -> None:
    upstream = Upstream(
        quarters(1000, START + 500 * QUARTER),
        limit=100,
        knows_start=False,
        knows_stop=False,
        knows_limit=False,
    )
    stop = START + 5_000 * QUARTER
    [whole] = read(upstream, stop)
    assert delivered([whole]) == wanted(upstream.rows, START, stop)
    assert not whole.warnings
    assert len(upstream.asked) == 2


def test_pieces_that_come_quickly_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.windows.PORTION", 300)
    upstream, stop = Upstream(quarters(1000), limit=100), START + 1000 * QUARTER
    pieces = read(upstream, stop)
    joined = list(portions(iter(pieces)))
    assert len(joined) < len(pieces) / 2
    assert delivered(joined) == wanted(upstream.rows, START, stop)
    assert (joined[0].start, joined[-1].stop) == (START, stop)
    assert [p.stop for p in joined[:-1]] == [p.start for p in joined[1:]]
    assert all(len(one.batch) >= 300 for one in joined[:-1])
    for one in joined:
        # As in an answer, so that nothing must be sorted.
        assert (np.diff(one.batch.instants) < 0).all()
        assert one.raw(len(one.rows) - 1) == raw_text(one.rows[-1])
        with pytest.raises(IndexError):
            one.raw(len(one.rows))
    assert list(portions(iter(pieces), patience=0)) == pieces


def test_what_came_before_a_failure_is_given_before_it() -> None:
    def broken() -> Iterator[Window]:
        yield from read(Upstream(quarters(150), limit=100), START + 150 * QUARTER)
        raise UpstreamError("gone")

    coming = portions(broken())
    assert delivered([next(coming)]) == wanted(quarters(150), START, START + 150 * QUARTER)
    with pytest.raises(UpstreamError, match="gone"):
        next(coming)


def test_warnings_of_joined_pieces_are_told_once() -> None:
    one, other = Window(0, 1, warnings=["a", "b"]), Window(1, 2, warnings=["b", "c"])
    assert one.followed_by(other).warnings == ["a", "b", "c"]


def test_a_source_that_ignores_stop_is_warned_of() -> None:
    upstream = Upstream(quarters(500), limit=100, knows_stop=False)
    pieces = read(upstream, START + 400 * QUARTER)
    assert "ignores the window" in warnings(pieces)[0]
    assert len(upstream.asked) == 2


def test_more_rows_at_one_instant_than_the_limit_are_warned_of() -> None:
    upstream = Upstream([row(START, i) for i in range(5)], limit=5)
    pieces = read(upstream, START + QUARTER)
    assert "Raise the source's limit" in warnings(pieces)[0]


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_source_that_serves_its_oldest_first_is_warned_of_where_it_cuts(at_once: int) -> None:
    rows = [r for r in quarters(400) for _ in range(at_once)]
    upstream, stop = Upstream(rows, limit=100), START + 400 * QUARTER

    def page(muid: UUID, start: int, stop: int) -> Page:
        inside = [r for r in rows if start <= instant_of(r) < stop]
        return Page(inside[:100], len(inside) >= 100)

    upstream.page = page  # type: ignore[method-assign]
    pieces = read(upstream, stop)
    # With one row at an instant each piece is short enough to come whole.
    assert (delivered(pieces) == wanted(rows, START, stop)) == (at_once == 1)
    assert all("oldest readings first" in text for text in warnings(pieces))
    assert bool(warnings(pieces)) == (at_once == 2)


def test_rows_of_the_first_instant_that_a_page_cuts_apart() -> None:
    rows = [row(START, 1), row(START, **{CODE: ..., SECOND_CODE: 2})]
    rows += [row(START + QUARTER + i, 3) for i in range(3)]
    upstream = Upstream(rows, limit=4)
    stop = START + 2 * QUARTER
    pieces = read(upstream, stop)
    assert delivered(pieces) == wanted(rows, START, stop)
    assert not warnings(pieces)


def test_one_row_of_a_wrong_time_does_not_cut_a_window_short() -> None:
    upstream = Upstream(quarters(400), limit=100)
    honest = upstream.page

    def page(muid: UUID, start: int, stop: int) -> Page:
        answer = honest(muid, start, stop)
        return Page([*answer.rows[:-1], row(-5)] if answer.is_full else answer.rows, answer.is_full)

    upstream.page = page  # type: ignore[method-assign]
    stop = START + 400 * QUARTER
    assert delivered(read(upstream, stop)) == wanted(upstream.rows, START, stop)


def test_a_whole_page_of_refused_values_is_read_past() -> None:
    rows = quarters(30) + [row(START + 60 * i, None) for i in range(30 * 15, 30 * 15 + 100)]
    upstream = Upstream(rows, limit=40)
    stop = START + 40 * QUARTER
    pieces = read(upstream, stop)
    assert delivered(pieces) == wanted(quarters(30), START, stop)
    refused = {r.timestamp for piece in pieces for r in piece.rejections}
    assert len(refused) == 100
    assert not warnings(pieces)


@pytest.mark.parametrize(
    "rows",
    [
        lambda: [row(START + 5, 1)] * 20,
        lambda: [row(-5, 1)] * 20,
        lambda: [{"timestamp": "soon"}] * 20,
        lambda: [None] * 20,
        lambda: [row(NOW * 2, 1)] * 20,
    ],
)
def test_the_same_page_over_and_over_comes_to_an_end(rows: Callable[[], list[Any]]) -> None:
    upstream = Upstream([], limit=20)
    upstream.page = lambda muid, start, stop: Page(rows(), True)  # type: ignore[method-assign]
    pieces = list(windows(upstream, Asked(NOW, MUID), MUID, START, START + 40 * QUARTER, QUARTER))
    assert warnings(pieces)
