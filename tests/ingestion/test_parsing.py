"""Parsing: what an upstream sends is read, left aside, or refused in words."""

import math
import time
from typing import Any

import numpy as np
import pytest

from ingestion.batch import Batch, Reason, RegisterKey
from ingestion.parsing import Asked, PayloadError, parse, raw_text, rows_of
from tests.ingestion.rows import (
    ASKED,
    CODE,
    FEBRUARY,
    IMPORT,
    MUID,
    OTHER,
    nested,
    readings,
    row,
    stamp,
)


def refused(rows: list[Any], asked: Asked = ASKED) -> tuple[Reason, str]:
    parsed = parse(rows, asked)
    assert len(parsed.batch) == len(rows) - 1
    [rejection] = parsed.rejections
    return rejection.reason, rejection.words


def test_a_page_of_readings() -> None:
    parsed = parse([row(FEBRUARY + 900, 2), row(FEBRUARY, 0.25)], ASKED)
    assert readings(parsed.batch) == [
        (IMPORT, FEBRUARY + 900, 2.0, 1, 0),
        (IMPORT, FEBRUARY, 0.25, 1, 1),
    ]
    assert (parsed.rows, parsed.outside, parsed.oldest) == (2, 0, FEBRUARY)
    assert not parsed.rejections


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({CODE: None}, Reason.VALUE, "the value None is not a number"),
        ({CODE: True}, Reason.VALUE, "the value True is not a number"),
        ({CODE: "1.5"}, Reason.VALUE, "the value '1.5' is not a number"),
        ({CODE: math.nan}, Reason.VALUE, "the value nan is not finite"),
        ({CODE: -math.inf}, Reason.VALUE, "the value -inf is not finite"),
        ({CODE: 1e9}, Reason.VALUE, "the value 1000000000.0 is absurdly large"),
        ({CODE: 10**400}, Reason.VALUE, "absurdly large"),
        ({CODE: -(10**5000)}, Reason.VALUE, "absurdly large"),
        ({CODE: ...}, Reason.SHAPE, "no value under any OBIS code"),
        ({CODE: ..., "0100011D00": 1}, Reason.CODE, "not an OBIS code"),
        ({CODE: ..., "\ud800": 1}, Reason.CODE, "not an OBIS code"),
        ({CODE: ..., "x" * 10_000: 1}, Reason.CODE, "not an OBIS code"),
        ({"timestamp": ...}, Reason.TIME, "not a text"),
        ({"timestamp": "2023-02-01T00:00:00"}, Reason.TIME, "no offset"),
        ({"timestamp": "2023-02-01T00:00:00.500Z"}, Reason.TIME, "not a whole second"),
        ({"timestamp": "2016-12-31T23:59:60Z"}, Reason.TIME, "can't be read"),
        ({"timestamp": "0000-01-01T00:00:00Z"}, Reason.TIME, "can't be read"),
        ({"timestamp": "1999-12-31T23:45:00Z"}, Reason.TIME, "before any interval meter"),
        ({"timestamp": "9999-12-31T23:45:00.000Z"}, Reason.FUTURE, "in the future"),
        ({"timestamp": "9999-12-31T23:45:00-14:00"}, Reason.FUTURE, "in the future"),
        ({"tags": []}, Reason.SHAPE, "tags are no object"),
        ({"tags": {"muid": str(OTHER)}}, Reason.METER, f"belongs to meter {OTHER}"),
        ({"tags": {"muid": "x"}}, Reason.METER, "'x' is not a UUID"),
        ({"tags": {"muid": 5}}, Reason.METER, "5 is not a UUID"),
        ({"tags": {"quality": "splendid"}}, Reason.QUALITY, "'splendid' is unknown"),
        ({"tags": {"quality": 1}}, Reason.QUALITY, "known are measured, estimated"),
        ({"measurement": None}, Reason.SHAPE, "not a short name"),
        ({"measurement": "e" * 21}, Reason.SHAPE, "not a short name"),
        ({"measurement": "en ergy"}, Reason.SHAPE, "not a short name"),
    ],
)
def test_one_bad_reading_is_refused_and_the_others_stay(
    changes: dict[str, Any], reason: Reason, words: str
) -> None:
    found = refused([row(), row(FEBRUARY + 900, **changes), row(FEBRUARY + 1800)])
    assert found[0] is reason
    assert words in found[1]


@pytest.mark.parametrize("odd", [None, [], "row", 5, True, nested(500)])
def test_a_row_that_is_no_object(odd: Any) -> None:
    reason, words = refused([row(), odd])
    assert reason is Reason.SHAPE
    assert "an object was expected" in words


EXPORT = RegisterKey(MUID, "1-0:2.29.0*255", "energy")
QUARTER = 900


def test_several_codes_in_a_row_are_several_readings() -> None:
    rows = [row(FEBRUARY, 1, **{"1-0:2.29.0*255": 2}), row(FEBRUARY + QUARTER, 3)]
    assert readings(parse(rows, ASKED).batch) == [
        (IMPORT, FEBRUARY, 1.0, 1, 0),
        (EXPORT, FEBRUARY, 2.0, 1, 0),
        (IMPORT, FEBRUARY + QUARTER, 3.0, 1, 1),
    ]


def test_one_bad_code_of_a_row_leaves_the_others() -> None:
    parsed = parse([row(FEBRUARY, 1, **{"0100021D00FF": None, "comment": 5})], ASKED)
    assert readings(parsed.batch) == [(IMPORT, FEBRUARY, 1.0, 1, 0)]
    assert [(r.reason, r.code) for r in parsed.rejections] == [
        (Reason.VALUE, "0100021D00FF"),
        (Reason.CODE, "comment"),
    ]


def test_power_beside_energy() -> None:
    rows = [row(), row(measurement="power", **{CODE: ..., "0100010700FF": 0.4})]
    assert {key for key, *_ in readings(parse(rows, ASKED).batch)} == {
        IMPORT,
        RegisterKey(MUID, "1-0:1.7.0*255", "power"),
    }


def test_notations_of_one_code_are_one_register() -> None:
    rows = [row(FEBRUARY, 1), row(FEBRUARY + QUARTER, **{CODE: ..., "1-0:1.29.0*255": 2})]
    assert parse(rows, ASKED).batch.keys == (IMPORT,)


def test_what_a_row_leaves_out_is_taken_from_what_was_asked() -> None:
    bare = {"timestamp": stamp(FEBRUARY), CODE: 1}
    parsed = parse([bare], Asked(ASKED.now, MUID, measurement="power"))
    assert readings(parsed.batch) == [(IMPORT._replace(measurement="power"), FEBRUARY, 1.0, 7, 0)]
    [rejection] = parse([bare], Asked(ASKED.now)).rejections
    assert rejection.reason is Reason.METER


def test_a_file_of_several_meters() -> None:
    rows = [row(), row(tags={"muid": str(OTHER)})]
    batch = parse(rows, Asked(ASKED.now)).batch
    assert batch.keys == (IMPORT, IMPORT._replace(muid=OTHER))


def test_the_window_is_half_open_and_rows_outside_are_counted() -> None:
    instants = [FEBRUARY - 1, FEBRUARY, FEBRUARY + 899, FEBRUARY + 900]
    asked = Asked(ASKED.now, MUID, FEBRUARY, FEBRUARY + 900)
    for extra in ({}, {"1-0:2.29.0*255": 2}):
        parsed = parse([row(at, **extra) for at in instants], asked)
        assert sorted({at for _, at, *_ in readings(parsed.batch)}) == instants[1:3]
        assert (parsed.outside, parsed.oldest, parsed.rows) == (2, FEBRUARY, 4)
        assert not parsed.rejections


def test_what_lies_outside_the_window_is_left_aside_whatever_ails_it() -> None:
    rows = [row(FEBRUARY - 900, None), row(FEBRUARY, None), row(FEBRUARY + 900)]
    parsed = parse(rows, Asked(ASKED.now, MUID, FEBRUARY))
    assert [r.timestamp for r in parsed.rejections] == [stamp(FEBRUARY)]
    # A refused row shows too how far back an answer reaches.
    assert (parsed.outside, parsed.oldest) == (1, FEBRUARY)


@pytest.mark.parametrize(("ahead", "kept"), [(0, 1), (300, 1), (301, 0)])
def test_a_clock_a_little_ahead_is_no_reason_to_refuse(ahead: int, kept: int) -> None:
    now = FEBRUARY
    assert len(parse([row(now + ahead)], Asked(now, MUID)).batch) == kept


def test_a_rejection_keeps_what_is_known_of_the_reading() -> None:
    odd = row(FEBRUARY, "much")
    [rejection] = parse([odd], ASKED).rejections
    assert rejection.raw == raw_text(odd)
    assert (rejection.muid, rejection.code) == (str(MUID), CODE)
    assert rejection.timestamp == stamp(FEBRUARY)


def test_a_row_of_many_unknown_keys_is_written_out_once() -> None:
    odd = row() | {f"key {i}": 1 for i in range(30_000)}
    began = time.perf_counter()
    parsed = parse([odd], ASKED)
    assert len(parsed.rejections) == 30_000
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ({"a": 1}, '{"a":1}'),
        ({"a": 10**30}, '{"a": ' + str(10**30) + "}"),
        ({"a": "\ud800"}, '{"a": "\\ud800"}'),
        pytest.param("x" * 9_999, '"' + "x" * 1_999, id="long text"),
        pytest.param(10**5000, "<a whole number of 16610 bits>", id="huge number"),
    ],
)
def test_raw_text(written: Any, text: str) -> None:
    assert raw_text(written) == text


def test_the_rows_of_an_answer() -> None:
    assert rows_of({"data": [1]}) == [1]
    assert rows_of({"data": [], "next": None}) == []
    assert rows_of([row()]) == [row()]


@pytest.mark.parametrize(
    "payload", [None, 5, "data", {}, {"data": None}, {"data": {}}, {"error": "x" * 999, "y": 1}]
)
def test_an_answer_of_another_shape_is_refused(payload: Any) -> None:
    with pytest.raises(PayloadError, match=r"\{\"data\": \[rows\]\} was expected") as refusal:
        rows_of(payload)
    assert len(str(refusal.value)) < 200


def test_pages_are_joined_with_their_rows_counted_on() -> None:
    first = parse([row(FEBRUARY), row(FEBRUARY + 900, measurement="power")], ASKED)
    second = parse([row(FEBRUARY, measurement="power"), None, row(FEBRUARY - 900)], ASKED)
    joined = Batch.concat([first.batch, second.batch], [first.rows, second.rows])
    power = IMPORT._replace(measurement="power")
    assert [(key, at, row) for key, at, _, _, row in readings(joined)] == [
        (IMPORT, FEBRUARY, 0),
        (power, FEBRUARY + 900, 1),
        (power, FEBRUARY, 2),
        (IMPORT, FEBRUARY - 900, 4),
    ]
    assert len(Batch.concat([Batch.empty(), second.batch], [0, 3])) == 2
    assert np.isfinite(joined.values).all()


def test_no_rows() -> None:
    parsed = parse([], ASKED)
    assert (len(parsed.batch), parsed.rows, parsed.oldest) == (0, 0, None)
