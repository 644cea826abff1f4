"""Buckets written straight as JSON are what lists and dictionaries would be, byte for byte."""

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.api.answers import BucketsBody, Marks
from meters.api.query import ReadingsQuery
from meters.api.renderers import OrjsonRenderer
from meters.grid import Grid, Resolution
from meters.qualities import Quality
from meters.readings import Query
from meters.series import Buckets, Statistic
from meters.zones import zone
from tests.meters.clocks import odd_ranges
from tests.meters.stored import at

VALUES = st.one_of(
    st.floats(allow_infinity=False, allow_nan=False),
    st.sampled_from(
        [0.0, -0.0, 1.0, -2.0, 0.1 + 0.2, 1e16, 1e-7, 5e-324, -1.7e308, 1.8298999999999999]
    ),
    st.floats(-1e-5, 1e-5),
)


@st.composite
def buckets(draw: st.DrawFn) -> tuple[Buckets, str]:
    """Buckets of all sizes around changes of the clock, some of them empty."""
    name, start, end = draw(odd_ranges())
    resolution = Resolution.parse(draw(st.sampled_from(["PT1H", "PT6H", "P1D", "P1W"])))
    edges = Grid(start, end, resolution, zone(name)).edges
    n = len(edges) - 1
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    named = draw(st.lists(st.sampled_from(list(Quality)[1:]), max_size=3, unique=True))
    most = draw(st.sampled_from([2, 5, 10**7]))
    qualities = {quality.label: rng.integers(0, most, n) for quality in named}
    count = sum(qualities.values(), np.zeros(n, dtype=np.int64))
    some = draw(st.lists(VALUES, min_size=1, max_size=20))
    values = np.where(count > 0, rng.choice(some, n), np.nan)
    # Of readings in another unit there may be no value although there are readings.
    values[rng.random(n) < 0.05] = np.nan
    expected = count + rng.integers(0, 2, n)
    is_computed = draw(st.booleans())
    found = Buckets(
        edges, values, count, expected, qualities, Statistic.SUM, is_computed=is_computed
    )
    return found, name


def body_of(found: Buckets, name: str, fill: str, layout: str) -> BucketsBody:
    query = Query(0, 1, Resolution.parse("P1D"), zone(name), 0)
    return BucketsBody(
        found, Marks(found.edges, zone(name)), ReadingsQuery([], query, fill, layout, "")
    )


@settings(max_examples=150, deadline=None)
@given(buckets(), st.sampled_from(["null", "none", "zero"]), st.sampled_from(["rows", "columns"]))
def test_the_text_is_what_orjson_makes_of_objects(
    made: tuple[Buckets, str], fill: str, layout: str
) -> None:
    found, name = made
    with np.errstate(over="ignore"):
        body = body_of(found, name, fill, layout)
        assert body.json() == orjson.dumps(body.plain())


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_more_than_is_written_at_a_time(layout: str) -> None:
    edges = np.arange(10_001) * 900 + at("2024-03-01", "Europe/Zurich")
    count = (np.arange(10_000) % 7 > 0).astype(np.int64)
    values = np.where(count > 0, np.arange(10_000) / 8, np.nan)
    found = Buckets(edges, values, count, count, {"measured": count}, Statistic.SUM)
    body = body_of(found, "Europe/Zurich", "null", layout)
    assert body.json() == orjson.dumps(body.plain())


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_all_empty_buckets_may_be_left_out(layout: str) -> None:
    none = np.zeros(2, dtype=np.int64)
    found = Buckets(np.array([0, 900, 1800]), np.full(2, np.nan), none, none + 1, {}, Statistic.SUM)
    body = body_of(found, "Europe/Zurich", "none", layout)
    assert body.json() == orjson.dumps(body.plain())


def test_indented_it_is_the_same() -> None:
    count = np.array([1, 0])
    values, qualities = np.array([0.5, np.nan]), {"measured": count}
    found = Buckets(np.array([0, 900, 1800]), values, count, count + 1, qualities, Statistic.SUM)
    data = {"series": [body_of(found, "Europe/Zurich", "null", "rows")]}
    compact = OrjsonRenderer().render(data)
    indented = OrjsonRenderer().render(data, "application/json; indent=4")
    assert b"\n" in indented
    assert orjson.loads(indented) == orjson.loads(compact)
    assert orjson.loads(compact)["series"][0][0] == {
        "start": "1970-01-01T01:00:00+01:00",
        "end": "1970-01-01T01:15:00+01:00",
        "value": 0.5,
        "count": 1,
        "expected": 2,
        "quality": {"measured": 1},
    }
