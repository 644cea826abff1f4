"""A day's digest: the same for the same readings, another one for all others."""

import struct
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.digests import SIZE, digests

INSTANT = 1_700_000_000
# Register, day, and readings: instant [s], value, quality.
Day = tuple[int, int, tuple[tuple[int, float, int], ...]]

readings = st.lists(
    st.tuples(
        st.sampled_from([INSTANT, INSTANT + 900, INSTANT + 1800]),
        st.sampled_from([0.0, -0.0, 0.1, 5e-324, 1e9]),
        st.integers(1, 7),
    ),
    max_size=3,
    unique_by=lambda one: one[0],
).map(lambda found: tuple(sorted(found)))
days = st.tuples(st.integers(1, 2), st.integers(19_000, 19_001), readings)


def named(told: list[Day]) -> list[bytes]:
    columns = list(zip(*(one for *_, day in told for one in day), strict=True)) or [()] * 3
    kinds = (np.int64, np.float64, np.int16)
    found = digests(
        np.array([register for register, *_ in told], dtype=np.int64),
        np.array([day for _, day, _ in told], dtype=np.int64),
        np.array([len(day) for *_, day in told], dtype=np.int64),
        *(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)),
    )
    return [one.tobytes() for one in found]


def bits(one: Day) -> object:
    """What tells days apart: a zero with a sign is another value than one without."""
    return one[0], one[1], [(at, struct.pack("d", v), q) for at, v, q in one[2]]


@given(st.lists(days, max_size=6))
def test_two_days_have_one_digest_where_they_are_the_same(told: list[Day]) -> None:
    found = named(told)
    assert all(len(one) == SIZE for one in found)
    for one, its in zip(told, found, strict=True):
        assert named([one]) == [its], "beside others as alone"
        for other, theirs in zip(told, found, strict=True):
            assert (its == theirs) == (bits(one) == bits(other))


def test_it_is_what_the_description_says() -> None:
    [found] = named([(7, 19_000, ((INSTANT, 0.25, 2), (INSTANT + 900, -1.5, 1)))])
    told = struct.pack("<qq", 7, 19_000)
    told += struct.pack("<qd", INSTANT << 16 | 2, 0.25)
    told += struct.pack("<qd", INSTANT + 900 << 16 | 1, -1.5)
    assert found == sha256(told).digest()[:16]


def test_no_days_have_no_digests() -> None:
    assert named([]) == []


@pytest.mark.parametrize("step", [1, -1])
def test_columns_may_be_views(step: int) -> None:
    n = 24
    at, values, qualities = np.arange(n) * 900, np.arange(float(n)), np.ones(n, dtype=np.int16)
    one = np.array([1])
    whole = digests(one, one, np.array([n]), at[::step], values[::step], qualities)
    again = digests(one, one, np.array([n]), at[::step].copy(), values[::step].copy(), qualities)
    assert whole.tobytes() == again.tobytes()
