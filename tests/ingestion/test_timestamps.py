"""Timestamps of an upstream: one at a time and a page at once say the same."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.timestamps import TimestampError, parse_instant, parse_page


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())


FEBRUARY = utc(2023, 2, 1)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2023-02-01T00:00:00Z", FEBRUARY),
        ("2023-02-01T00:00:00.000Z", FEBRUARY),
        ("2023-02-01T00:00:00.000000000Z", FEBRUARY),
        ("2023-02-01T00:00:00,0Z", FEBRUARY),
        ("2023-02-01t00:00:00z", FEBRUARY),
        ("2023-02-01 00:00:00Z", FEBRUARY),
        ("2023-02-01T00:00Z", FEBRUARY),
        ("20230201T000000Z", FEBRUARY),
        ("2023-02-01T01:00:00+01:00", FEBRUARY),
        ("2023-02-01T01:00:00+0100", FEBRUARY),
        ("2023-02-01T01:00:00+01", FEBRUARY),
        ("2023-01-31T14:00:00-10:00", FEBRUARY),
        ("2023-02-01T05:45:00+05:45", FEBRUARY),
        ("2023-02-01T00:00:00-00:00", FEBRUARY),
        ("2023-W05-3T00:00:00Z", FEBRUARY),
        ("2024-02-29T00:00:00Z", utc(2024, 2, 29)),
        ("1969-12-31T23:59:59Z", -1),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200),
        ("9999-12-31T23:59:59.000Z", utc(9999, 12, 31, 23, 59, 59)),
        ("9999-12-31T23:59:59-14:00", utc(9999, 12, 31, 23, 59, 59) + 14 * 3600),
    ],
)
def test_instants(text: str, instant: int) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2023-02-01T00:00:00", "has no offset"),
        ("2023-02-01", "has no offset"),
        ("2023-02-01T00:00:00.500Z", "not a whole second"),
        ("2023-02-01T00:00:00.0000001Z", "not a whole second"),
        ("2016-12-31T23:59:60Z", "can't be read"),
        ("2023-02-29T00:00:00Z", "can't be read"),
        ("2023-02-01T24:00:00Z", "can't be read"),
        ("0000-01-01T00:00:00Z", "can't be read"),
        ("10000-01-01T00:00:00Z", "can't be read"),
        ("2023-02-01T00:00:00 Z", "can't be read"),
        ("2023-02-01T00:00:00Z ", "can't be read"),
        ("20230201T0000009Z", "can't be read"),
        ("2023-02-01\ud80000:00:00Z", "can't be read"),
        ("2023-02-01T00:00:00Z\0", "can't be read"),
        ("٢٠٢٣-02-01T00:00:00Z", "can't be read"),
        ("", "can't be read"),
        pytest.param("x" * 1_000_000, "can't be read", id="long text"),
        pytest.param(
            "2023-02-01T00:00:00." + "1" * 1_000_000 + "Z", "not a whole second", id="long fraction"
        ),
        (None, "not a text"),
        (1_675_209_600, "not a text"),
        pytest.param(10**5000, "not a text", id="huge number"),
        (True, "not a text"),
        (float("nan"), "not a text"),
        ([], "not a text"),
        ({"at": "2023-02-01T00:00:00Z"}, "not a text"),
    ],
)
def test_what_names_no_instant_is_told_why(text: Any, words: str) -> None:
    with pytest.raises(TimestampError, match=words) as refusal:
        parse_instant(text)
    assert "2023-02-01T00:15:00Z" in str(refusal.value)
    assert len(str(refusal.value)) < 200


usual = st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.000Z"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)), min_size=1), usual)  # noqa: DTZ001
def test_a_page_in_the_usual_form_is_read_at_once(moments: list[datetime], form: str) -> None:
    texts = [moment.strftime(form) for moment in moments]
    instants, read = parse_page(texts)
    assert read.all()
    assert instants.tolist() == [
        int(m.replace(tzinfo=UTC, microsecond=0).timestamp()) for m in moments
    ]


@st.composite
def nearly_usual(draw: st.DrawFn) -> list[str]:
    """Pages of the usual form in which some characters are others."""
    moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 12, 31))  # noqa: DTZ001
    form = draw(usual)
    texts = []
    for moment in draw(st.lists(moments, min_size=1, max_size=6)):
        text = list(moment.strftime(form))
        for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
            text[draw(st.integers(0, len(text) - 1))] = draw(
                st.sampled_from("0123456789TZ:-.+z é\0")
            )
        texts.append("".join(text))
    return texts


@settings(max_examples=400, deadline=None)
@given(nearly_usual())
def test_what_a_page_reads_is_what_each_says_alone(texts: list[str]) -> None:
    instants, read = parse_page(texts)
    for text, instant in zip(
        [t for t, r in zip(texts, read, strict=True) if r], instants[read], strict=True
    ):
        assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [None],
        [5, 6],
        ["short"],
        ["2023-02-01T00:00:00Z", None],
        ["2023-02-01T00:00:00Z", "2023-02-01T00:00:00.000Z"],
        ["2023-02-01T00:00:00ZZ", "2023-02-01T00:00:00"],
        ["2023-02-01T00:00:00Z2", "023-02-01T00:00:00Z"],
        ["2023-02-01T00:00:00Z", "2023-02-01\n00:00:00Z"],
        ["2023-02-01T00:00:00Z", "2023-02-01T00:00:00é"],
        ["2023-02-01T00:00:00\ud800"],
        ["1969-12-31T23:59:59Z"],
        ["2023-02-29T00:00:00Z"],
        ["2016-12-31T23:59:60Z"],
        ["2023-02-01T00:00:00.500Z"],
    ],
)
def test_a_page_that_is_not_in_the_usual_form_is_left_to_be_read_one_by_one(
    texts: list[Any],
) -> None:
    _, read = parse_page(texts)
    assert len(read) == len(texts)
    assert not read.all() or not texts


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.integers() | st.none() | st.floats())
def test_anything_else_is_refused_in_words(value: Any) -> None:
    with pytest.raises(TimestampError, match=r"write|such as"):
        parse_instant(value)
