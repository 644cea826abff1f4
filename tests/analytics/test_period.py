"""Which range a page shows, from what stands in its address."""

from datetime import UTC, date, datetime

import pytest

from analytics.period import Period, read_period
from meters.zones import zone

ZURICH = zone("Europe/Zurich")
NOW = int(datetime(2024, 11, 5, 9, 30, tzinfo=UTC).timestamp())
OLD = int(datetime(2023, 3, 1, tzinfo=UTC).timestamp())  # 01:00 local on 1 March


def period(last_end: int | None = NOW, first: int | None = None, **parameters: str) -> Period:
    return read_period(parameters, zone=ZURICH, now=NOW, first=first, last_end=last_end)


def test_without_anything_the_last_28_local_days_are_shown() -> None:
    found = period()
    assert (found.first_day, found.last_day, found.days) == (
        date(2024, 10, 9),
        date(2024, 11, 5),
        28,
    )
    assert found.words == "9 October to 5 November 2024"
    assert [p["label"] for p in found.presets if p["active"]] == ["Month"]


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
    assert not [p for p in found.presets if p["active"]]
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
