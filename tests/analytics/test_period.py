"""Which range a page shows, from what stands in its address."""

from datetime import UTC, date, datetime

import pytest

from analytics.period import MONTH, WEEK, Period, read_period
from meters.zones import zone

ZURICH = zone("Europe/Zurich")
NOW = int(datetime(2024, 11, 5, 9, 30, tzinfo=UTC).timestamp())
OLD = int(datetime(2023, 3, 1, tzinfo=UTC).timestamp())  # 01:00 local on 1 March


def period(last_end: int | None = NOW, first: int | None = None, **parameters: str) -> Period:
    return read_period(parameters, zone=ZURICH, now=NOW, first=first, last_end=last_end)


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def labels(found: Period) -> list[object]:
    return [preset["label"] for preset in found.presets]


def active(found: Period) -> list[object]:
    return [preset["label"] for preset in found.presets if preset["active"]]


def test_without_anything_the_last_28_local_days_are_shown() -> None:
    found = period()
    assert (found.first_day, found.last_day, found.days) == (
        date(2024, 10, 9),
        date(2024, 11, 5),
        28,
    )
    assert found.words == "9 October to 5 November 2024"
    assert active(found) == ["Month"]
    assert labels(found) == ["Yesterday", "7 days", "Month", "Year", "All"]


@pytest.mark.parametrize(
    ("now", "quarters", "words"),
    [
        ("2024-04-01T00:00:00+02:00", 92, "31 March 2024"),
        ("2024-10-28T23:59:59+01:00", 100, "27 October 2024"),
        ("2024-10-27T23:59:59+01:00", 96, "26 October 2024"),
    ],
)
def test_yesterday_is_the_local_day_before_the_present_one(
    now: str, quarters: int, words: str
) -> None:
    at = instant(now)
    for last_end in (at, at - 3 * 3600):
        found = read_period(
            {"range": "yesterday"}, zone=ZURICH, now=at, first=None, last_end=last_end
        )
        assert (found.end - found.start) // 900 == quarters
        assert (found.words, active(found), found.warnings) == (words, ["Yesterday"], ())
        assert found.is_whole_days


def test_yesterday_is_another_day_elsewhere() -> None:
    # At half past eleven in Zurich it is a quarter past midnight on the Chatham Islands.
    now = instant("2024-11-05T11:30:00+01:00")
    found = read_period(
        {"range": "yesterday"}, zone=zone("Pacific/Chatham"), now=now, first=None, last_end=now
    )
    assert found.words == "5 November 2024"
    found = read_period({"range": "yesterday"}, zone=ZURICH, now=now, first=None, last_end=now)
    assert found.words == "4 November 2024"


def test_a_date_that_was_left_out_is_nobodys_yesterday() -> None:
    # Samoa went from 29 to 31 December 2011.
    now = instant("2011-12-31T12:00:00+14:00")
    found = read_period(
        {"range": "yesterday"}, zone=zone("Pacific/Apia"), now=now, first=None, last_end=now
    )
    assert (found.words, found.end - found.start) == ("29 December 2011", 86_400)


def test_where_readings_are_old_their_latest_day_is_offered_instead() -> None:
    found = period(last_end=OLD, range="day")
    assert (found.words, active(found)) == ("1 March 2023", ["Latest day"])
    assert labels(period(last_end=OLD)) == ["Latest day", "7 days", "Month", "Year", "All"]
    # Who asks for yesterday all the same sees it, and is told.
    found = period(last_end=OLD, range="yesterday")
    assert (found.words, active(found)) == ("4 November 2024", ["Yesterday"])
    assert found.warnings == (
        "There are no readings of yesterday; the latest are of 1 March 2023.",
    )


def test_a_page_offers_what_makes_sense_there() -> None:
    found = read_period(
        {"range": "day"}, zone=ZURICH, now=NOW, first=None, last_end=NOW, offered=(WEEK, MONTH)
    )
    assert labels(found) == ["7 days", "Month"]
    # What stood in an address once is still shown.
    assert (found.words, active(found)) == ("5 November 2024", [])


def test_old_readings_are_shown_where_they_are() -> None:
    found = period(last_end=OLD, range="week")
    assert (found.first_day, found.last_day) == (date(2023, 2, 23), date(2023, 3, 1))
    whole = period(last_end=OLD, first=OLD - 28 * 86_400, range="all")
    assert (whole.first_day, whole.last_day) == (date(2023, 2, 1), date(2023, 3, 1))


def test_two_dates_are_a_range_whose_end_is_excluded() -> None:
    found = period(start="2024-10-27", end="2024-10-28")
    assert found.end - found.start == 25 * 3600
    assert found.words == "27 October 2024"
    assert found.end_day == date(2024, 10, 28)
    assert active(found) == []
    assert found.before == (ZURICH.midnight(date(2024, 10, 26)), found.start)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"start": "2024-10-28"}, "two dates"),
        ({"start": "2024-10-28", "end": "2024-10-28"}, "ends before"),
        ({"start": "2024-10-29", "end": "2024-10-28"}, "ends before"),
        ({"start": "yesterday", "end": "2024-10-28"}, "no date or time"),
        ({"start": "2024-02-30", "end": "2024-10-28"}, "no date or time"),
        ({"start": "1991-01-01", "end": "2099-01-01"}, "40 years"),
        ({"start": "2024-10-01T00:00:00", "end": "2024-10-28"}, "no offset"),
        ({"resolution": "PT7M"}, "not a resolution"),
        ({"resolution": "PT5M"}, "every 15 minutes"),
        ({"start": "2004-01-01", "end": "2024-01-01", "resolution": "PT15M"}, "too many points"),
    ],
)
def test_what_cant_be_shown_is_said_and_something_else_is(
    parameters: dict[str, str], words: str
) -> None:
    found = period(**parameters)
    assert any(words in warning for warning in found.warnings), found.warnings
    assert found.end > found.start
    assert found.chosen == ""


def test_the_resolution_fits_the_range_unless_one_is_chosen() -> None:
    assert str(period().resolution) == "PT15M"
    assert str(period(range="year").resolution) == "P1D"
    chosen = period(range="year", resolution="P1M")
    assert (str(chosen.resolution), chosen.chosen) == ("P1M", "P1M")
    assert "resolution=P1M" in str(chosen.presets[0]["url"])


def test_unknown_presets_are_the_usual_one() -> None:
    assert period(range="<script>").preset == "month"
