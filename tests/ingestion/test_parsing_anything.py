"""Parsing against whatever may come in: both paths say the same, and nothing raises."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.batch import Reason
from ingestion.parsing import Asked, Parsed, PayloadError, _row_by_row, _same_shape, parse, rows_of
from tests.ingestion.rows import ASKED, CODE, FEBRUARY, MUID, OTHER, nested, readings, row, stamp

value_of = st.one_of(
    st.floats(-1e8, 1e8),
    st.integers(-5, 5),
    st.sampled_from([None, True, "1.5", math.nan, math.inf, 1e9, -1e9, 10**18, 10**400, [], {}]),
)


@st.composite
def pages(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Pages of the usual shape, some of them with something odd in them."""
    odd = draw(st.booleans())
    instants = st.integers(-4, 8).map(lambda i: FEBRUARY + 900 * i)
    values: Any = st.floats(-1e8, 1e8) | st.integers(-5, 5)
    muids, qualities = [str(MUID)], ["measured", " Estimated", None]
    if odd:
        instants |= st.sampled_from([0, FEBRUARY + 10**9])
        values |= value_of
        muids = [str(MUID)] * 9 + [str(MUID).upper(), str(OTHER), "x"]
        qualities += ["?"]
    tags = st.fixed_dictionaries(
        {"muid": st.sampled_from(muids)}, optional={"quality": st.sampled_from(qualities)}
    )
    return draw(st.lists(st.builds(row, instants, values, tags=tags), min_size=1, max_size=12))


windows = st.sampled_from([(None, None), (FEBRUARY, FEBRUARY + 3600), (FEBRUARY + 1, None)])


@settings(max_examples=300, deadline=None)
@given(pages(), windows)
def test_both_paths_say_the_same(
    rows: list[dict[str, Any]], window: tuple[int | None, int | None]
) -> None:
    asked = Asked(ASKED.now, MUID, *window)
    slow = _row_by_row(rows, asked).finish(rows, asked)
    check_accounts(slow, rows)
    fast = _same_shape(rows, asked)
    if fast is not None:
        found = fast.finish(rows, asked)
        assert readings(found.batch) == readings(slow.batch)
        assert found.rejections == slow.rejections
        assert (found.outside, found.oldest) == (slow.outside, slow.oldest)


def check_accounts(parsed: Parsed, rows: list[Any]) -> None:
    """Every row is read, refused or outside; every refusal says why and keeps the raw text."""
    assert parsed.rows == len(rows)
    assert len(set(parsed.batch.row.tolist())) + len(parsed.rejections) + parsed.outside >= len(
        rows
    )
    assert np.isfinite(parsed.batch.values).all()
    assert (parsed.batch.qualities > 0).all()
    for rejection in parsed.rejections:
        assert rejection.reason in Reason
        assert 0 < len(rejection.words) < 400
        assert 0 < len(rejection.raw) <= 2_000
        assert len(rejection.code) <= 24
        assert len(rejection.muid) <= 64
        assert len(rejection.timestamp) <= 40


def test_the_usual_page_takes_the_fast_path() -> None:
    assert _same_shape([row(FEBRUARY + 900 * i, i) for i in range(5)], ASKED) is not None


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.sampled_from([2_500, 5_000]).map(lambda digits: -(10**digits))
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "\0", "x" * 5_000, stamp(FEBRUARY), str(MUID), "measured"])
)
names = st.sampled_from(
    ["measurement", "timestamp", "tags", "muid", "quality", CODE, "1-0:2.29.0*255", "\ud800", ""]
) | st.text(max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(anything, max_size=4))
def test_any_json_is_read_or_refused(rows: list[Any]) -> None:
    for muid in (MUID, None):
        check_accounts(parse(rows, Asked(ASKED.now, muid)), rows)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["measurement", "timestamp", "tags", CODE, "new"]), anything)
def test_any_json_within_a_row_is_read_or_refused(key: str, value: Any) -> None:
    rows = [row(), row(FEBRUARY + 900, **{key: value})]
    check_accounts(parse(rows, ASKED), rows)


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_answer_is_rows_or_refused(payload: Any) -> None:
    try:
        rows = rows_of(payload)
    except PayloadError as refusal:
        assert len(str(refusal)) < 200  # noqa: PT017
    else:
        check_accounts(parse(rows, ASKED), rows)


@pytest.mark.parametrize("depth", [100, 500, 950, 100_000])
@pytest.mark.parametrize("key", ["measurement", "timestamp", "tags", CODE, "quality", "muid"])
def test_deep_nesting_is_refused_in_words(depth: int, key: str) -> None:
    deep = nested(depth)
    odd = row(FEBRUARY + 900)
    (odd["tags"] if key in {"quality", "muid"} else odd)[key] = deep
    parsed = parse([row(), odd], ASKED)
    assert len(parsed.batch) == 1
    [rejection] = parsed.rejections
    assert len(rejection.words) < 300
    assert rejection.raw
