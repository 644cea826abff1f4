"""Rows read column by column: what is read so says what its dictionaries say."""

import json
import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.alike import WORTH, AlikeRows, alike_rows, read_rows
from ingestion.parsing import Asked, Parsed, parse
from ingestion.payload import NoJSONError, PayloadError, decoded, rows_of
from tests.ingestion.mutations import EXPORT, answer
from tests.ingestion.rows import ASKED, CODE, FEBRUARY, MUID, OTHER, readings, row


def told(parsed: Parsed) -> tuple[Any, ...]:
    """All that parsing has to say; in which order a row names its registers says nothing."""
    return (
        sorted(readings(parsed.batch), key=lambda one: (one[-1], one[0].obis)),
        parsed.rejections,
        (parsed.outside, parsed.oldest, parsed.rows, parsed.before, parsed.after),
    )


def same(body: bytes, asked: Asked = ASKED) -> bool:
    """Compare both ways to read an answer; return whether it was read column by column."""
    alike = alike_rows(body)
    if alike is None:
        return False
    rows = rows_of(decoded(body))
    assert len(alike) == len(rows)
    assert told(parse(alike, asked)) == told(parse(rows, asked))
    assert list(alike) == rows
    assert alike[-1] == rows[-1]
    return True


def body_of(rows: list[Any]) -> bytes:
    return orjson.dumps({"data": rows})


PAGE = [row(FEBRUARY + 900 * i, i / 8) for i in range(6)]


def test_the_usual_page_is_read_by_columns() -> None:
    assert same(body_of(PAGE))
    assert same(orjson.dumps(PAGE))
    assert same(json.dumps({"data": PAGE}, indent=2).encode())


def test_what_is_large_enough_is_read_so_from_the_client_on() -> None:
    rows = [row(FEBRUARY + 900 * i, i) for i in range(WORTH // 100)]
    assert isinstance(read_rows(body_of(rows)), AlikeRows)
    assert read_rows(body_of(PAGE)) == PAGE
    for odd, error in ((b"[1" * WORTH, NoJSONError), (b'"%b"' % (b"x" * WORTH), PayloadError)):
        with pytest.raises(error):
            read_rows(odd)


def test_several_qualities_and_meters_are_told_apart() -> None:
    words = ["measured", "estimated", " Measured "]
    rows = [
        row(FEBRUARY + 900 * i, tags={"muid": str(MUID), "quality": words[i % 3]}) for i in range(9)
    ]
    assert same(body_of(rows))
    assert parse(alike_rows(body_of(rows)) or [], ASKED).batch.qualities.tolist() == [1, 2, 1] * 3
    assert same(body_of([*PAGE, row(tags={"muid": str(OTHER), "quality": "measured"})]))
    assert same(body_of([*PAGE, row(tags={"muid": str(MUID), "quality": "guessed"})]))
    assert same(body_of([*PAGE, row(tags={"muid": str(MUID)})]))
    assert same(body_of([*PAGE, row(tags=[])]))


def pairs(count: int = 6) -> list[dict[str, Any]]:
    """Make rows of a meter that takes from the grid and feeds into it."""
    return [row(FEBRUARY + 900 * i, i / 8, **{EXPORT: i / 4}) for i in range(count)]


def test_a_meter_with_several_registers_is_read_by_columns() -> None:
    assert same(body_of(pairs()))
    assert len(parse(alike_rows(body_of(pairs())) or [], ASKED).batch) == 12
    turned = [{key: one[key] for key in reversed(one)} for one in pairs()]
    assert same(body_of(pairs() + turned))
    # One of them has a gap; each row has one of them in turn; of one there is only the end.
    gap = [one | {} for one in pairs()]
    del gap[2][EXPORT], gap[4][CODE]
    assert same(body_of(gap))
    assert same(body_of([row(FEBRUARY + 900 * i, **{CODE: ..., EXPORT: 1.5}) for i in range(6)]))
    turns = [
        row(FEBRUARY + 900 * (i // 2), **({} if i % 2 else {CODE: ..., EXPORT: i}))
        for i in range(9)
    ]
    assert same(body_of(turns))


def test_a_window_leaves_the_same_rows_of_several_registers_aside() -> None:
    asked = Asked(ASKED.now, MUID, FEBRUARY + 900, FEBRUARY + 2700)
    assert same(body_of(pairs()), asked)
    parsed = parse(alike_rows(body_of(pairs())) or [], asked)
    assert (len(parsed.batch), parsed.outside, parsed.before, parsed.after) == (4, 4, 1, 2)


def test_what_several_registers_may_hide_is_left_to_dictionaries() -> None:
    both = pairs()
    assert not same(body_of([*both, row(**{CODE: ...})])), "a row without any value"
    assert not same(body_of([*both, row(value=None, **{EXPORT: 1.0})]))
    assert not same(body_of([*PAGE, row(**{"1-0:1.29.0*255": 2.0})])), "one register, two names"
    late = [row(FEBRUARY + 900 * i) for i in range(60)]
    assert not same(body_of([*late, *both])), "a register that the first rows do not know"
    spoilt = json.dumps({"data": [*both, row(value=float("nan"), **{EXPORT: 1.0})]}).encode()
    assert not same(spoilt)
    refused = parse(read_rows(spoilt), ASKED)
    assert [one.code for one in refused.rejections] == [CODE]
    assert len(refused.batch) == 13


def test_times_that_no_reading_can_have_are_refused_with_their_raw_text() -> None:
    rows = [*PAGE, row(FEBRUARY + 10**9), row(86_400)]
    assert same(body_of(rows))
    refused = parse(alike_rows(body_of(rows)) or [], ASKED).rejections
    assert [orjson.loads(one.raw) for one in refused] == rows[-2:]


@pytest.mark.parametrize(
    "odd",
    [
        row(value=None),
        row(value=True),
        row(value="1.5"),
        row(value=10**400),
        row(timestamp=5),
        row(timestamp=...),
        row(measurement="power"),
        row(measurement=...),
        row(tags=...),
        row(more=1),
        row(**{CODE: ...}),
        row(**{CODE.lower(): 1.0}),
        None,
        [],
    ],
)
def test_one_row_that_looks_otherwise_makes_dictionaries_of_all(odd: Any) -> None:
    body = json.dumps({"data": [*PAGE, odd]}).encode()
    assert alike_rows(body) is None
    assert alike_rows(json.dumps({"data": [odd, *PAGE]}).encode()) is None


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"{}",
        b"[]",
        b'{"data":[]}',
        b'{"data":[{}]}',
        body_of(PAGE)[:-1],
        body_of(PAGE) + b"x",
        b"\xef\xbb\xbf" + body_of(PAGE),
        body_of(PAGE)[:-1] + b',"next":null}',
        body_of(PAGE).replace(b'"quality"', b'"qu\xff","quality"'),
        body_of(PAGE).replace(b"0.125", b"NaN"),
        body_of(PAGE).replace(b"0.125", b"01.5"),
        body_of(PAGE).replace(b'"energy"', b'"\\ud800"'),
        body_of(PAGE).replace(b'"tags":{', b'"tags":' + b"[" * 2000 + b"{", 1),
        body_of([row(tags={"muid": str(i)}) for i in range(100)]),
    ],
)
def test_what_is_no_plain_page_is_left_alone(spoilt: bytes) -> None:
    assert alike_rows(spoilt) is None


@pytest.mark.parametrize(
    "written", [b'"x":1,"x"', b'"timestamp":"y","timestamp"', b'"tags":{},"tags"', b'"t\\u0061gs"']
)
def test_keys_that_come_twice_or_are_written_oddly_say_the_same(written: bytes) -> None:
    same(body_of(PAGE).replace(b'"tags"', written, 1))
    same(body_of(PAGE).replace(b'"timestamp"', written, 1))


numbers = st.one_of(
    st.floats(-1e9, 1e9).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["-0", "-0.0", "5e-324", "2.2250738585072011e-308", "0.1e1", "1E5", "1e400"]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=8))
def test_numbers_are_read_to_the_last_bit(texts: list[str]) -> None:
    body = body_of([row(FEBRUARY + 900 * i, f"@{i}@") for i in range(len(texts))])
    for i, text in enumerate(texts):
        body = body.replace(f'"@{i}@"'.encode(), text.encode())
    alike = alike_rows(body)
    if alike is not None:
        assert [one.hex() for one in alike.values[0]] == [
            float(one[CODE]).hex() for one in rows_of(decoded(body))
        ]
        same(body)


def test_spoilt_answers_say_the_same_or_are_left_alone() -> None:
    dice, read = random.Random(7), 0
    for _ in range(3_000):
        read += same(answer(dice, MUID, FEBRUARY), Asked(FEBRUARY + 10 * 86_400, MUID))
    assert 500 < read < 2_500
