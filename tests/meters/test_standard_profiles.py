"""The standard load profiles, against what their publisher says of them."""

import numpy as np
import pytest

from meters.standard_profiles import PROFILES, SUMMER, WINTER, expected, seasons, week, weekdays

DAY = 86_400
YEAR = np.arange(19_358, 19_358 + 365) * DAY  # midnights of 2023


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_one_on_the_years_average(profile: str) -> None:
    local = (YEAR[:, None] + np.arange(96) * 900).ravel()
    assert expected(profile, local).mean() == pytest.approx(1.0, abs=0.005)


def test_seasons_change_on_their_published_days() -> None:
    names = seasons(YEAR // DAY)
    # 21 March, 15 May, 15 September, 1 November.
    assert (np.flatnonzero(np.diff(names)) + 1).tolist() == [79, 134, 257, 304]
    assert names[0] == names[-1] == WINTER
    assert names[200] == SUMMER


def test_households_peak_in_the_evening_and_offices_rest_on_sundays() -> None:
    household, office = week("h0", WINTER), week("g1", WINTER)
    assert 18 * 4 <= household[2].argmax() <= 20 * 4
    assert office[2, 40:48].mean() > 5 * office[6, 40:48].mean()
    # 28 January 2023 was a Saturday; a holiday counts as a Sunday.
    saturday = np.array([19_385 * DAY + 12 * 3600])
    assert weekdays(saturday // DAY).tolist() == [5]
    assert expected("h0", saturday) == week("h0", WINTER)[5, 48]
    assert expected("h0", saturday, as_sunday=np.array([True])) == week("h0", WINTER)[6, 48]
