"""What is missing, against a plain set of what should be there."""

import itertools
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.gaps import Gap, expected_instants, gaps
from meters.grid import Cadence
from meters.series import Series
from meters.zones import zone
from tests.meters.clocks import DAY, HOUR


def series_of(instants: list[int], cadence: Cadence) -> Series:
    n = len(instants)
    return Series(
        np.array(instants, dtype=np.int64),
        np.full(n, 900),
        np.ones(n),
        np.ones(n, dtype=np.int16),
        cadence,
    )


@given(
    st.sets(st.integers(0, 60)),
    st.sets(st.integers(0, 60)),
    st.integers(0, 60 * 900),
    st.integers(0, 60 * 900),
    st.integers(0, 899),
)
def test_gaps_are_what_is_missing(
    there: set[int], excused: set[int], start: int, length: int, phase: int
) -> None:
    end = start + length
    stored = [phase + 900 * n for n in sorted(there)]
    let_be = np.array([phase + 900 * n for n in excused], dtype=np.int64)
    found = gaps(series_of(stored, Cadence.steady(900, phase)), start, end, let_be)
    missing = {
        phase + 900 * n
        for n in range(-1, 200)
        if start <= phase + 900 * n and phase + 900 * (n + 1) <= end
    }
    missing -= {*stored, *let_be.tolist()}
    told = [at for gap in found for at in range(gap.start, gap.end, 900)]
    assert told == sorted(missing)
    assert [gap.missing for gap in found] == [(gap.end - gap.start) // 900 for gap in found]
    # Neighbours are one gap.
    assert all(one.end < other.start for one, other in itertools.pairwise(found))


def test_days_on_which_the_clocks_change_have_as_many_intervals_as_they_last() -> None:
    place = zone("Europe/Zurich")
    for day, hours in ((date(2023, 3, 26), 23), (date(2023, 10, 29), 25)):
        start, end = place.midnight(day), place.midnight(date.fromordinal(day.toordinal() + 1))
        found = gaps(series_of([], Cadence.steady(900)), start, end)
        assert found == [Gap(start, end, 4 * hours)]


def test_a_cadence_that_changes_expects_the_intervals_of_each_time() -> None:
    cadence = Cadence(np.array([0, DAY]), np.array([900, 3600]), np.array([0, 1800]))
    instants, lengths = expected_instants(cadence, DAY - 1800, DAY + 2 * HOUR)
    assert instants.tolist() == [DAY - 1800, DAY - 900, DAY + 1800]
    assert lengths.tolist() == [900, 900, 3600]
