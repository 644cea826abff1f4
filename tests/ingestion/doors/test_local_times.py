"""The repeated hour, by the order of the rows; the hour that never was."""

import numpy as np
import pytest

from ingestion.doors.localtimes import Trouble, resolve_ends, resolve_starts
from meters.zones import zone
from tests.ingestion.doors.writing import ZURICH, instant, read_text, readings, refused, walls

PLACE = zone("Europe/Zurich")
TWICE, NEVER, EITHER = Trouble.TWICE, Trouble.NEVER, Trouble.EITHER


def starts(*texts: str, day: str = "2023-10-29") -> list[str | Trouble]:
    found = resolve_starts(np.array(walls(*(f"{day} {text}" for text in texts))), PLACE)
    return _told(found.instants, found.trouble)


def ends(*texts: str, day: str = "2023-10-29", interval: int = 900) -> list[str | Trouble]:
    found = resolve_ends(np.array(walls(*(f"{day} {text}" for text in texts))), interval, PLACE)
    return _told(found.instants, found.trouble)


def _told(instants: object, trouble: object) -> list[str | Trouble]:
    return [
        Trouble(int(why)) if why else f"{PLACE.at(int(at)):%H:%M%z}"
        for at, why in zip(instants, trouble, strict=True)  # type: ignore[call-overload]
    ]


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        # Whole hours, rising and falling.
        ("01:00 02:00 02:00 03:00", "01:00+0200 02:00+0200 02:00+0100 03:00+0100"),
        ("03:00 02:00 02:00 01:00", "03:00+0100 02:00+0100 02:00+0200 01:00+0200"),
        # Half hours.
        ("02:00 02:30 02:00 02:30", "02:00+0200 02:30+0200 02:00+0100 02:30+0100"),
        ("02:30 02:00 02:30 02:00", "02:30+0100 02:00+0100 02:30+0200 02:00+0200"),
        # With gaps, but still in one way alone.
        ("01:45 02:15 02:30 02:15", "01:45+0200 02:15+0200 02:30+0200 02:15+0100"),
    ],
)
def test_the_hour_twice_in_order(texts: str, meant: str) -> None:
    assert starts(*texts.split()) == meant.split()


@pytest.mark.parametrize(
    "texts",
    [
        "02:00",
        "02:00 02:00",  # rising or falling?
        "02:15 02:00",
        "01:45 02:00 02:15 02:30 02:45 03:00",  # which of the two is missing?
        "01:45 02:30 02:15 03:00",  # two rows may have been swapped
        "02:00 02:00 02:00",
        "01:00 02:00 02:00 02:00 03:00",
        "02:00 01:00 02:00 03:00",  # no order at all
        "01:00 01:00 02:00 02:00 03:00 03:00",  # each row stands there twice
    ],
)
def test_what_the_order_does_not_tell_is_refused(texts: str) -> None:
    for text, found in zip(texts.split(), starts(*texts.split()), strict=True):
        assert (found is TWICE) == text.startswith("02"), texts


def test_a_time_that_never_was_is_refused_and_harms_no_other() -> None:
    found = starts("01:45", "02:00", "02:59", "03:00", day="2023-03-26")
    assert found == ["01:45+0100", NEVER, NEVER, "03:00+0200"]


@pytest.mark.parametrize(
    "texts",
    [
        # The last end before the change by the old clock, and by the new one.
        "01:45 02:00 02:15 02:30 02:45 03:00 02:15 02:30 02:45 03:00 03:15",
        "01:45 02:00 02:15 02:30 02:45 02:00 02:15 02:30 02:45 03:00 03:15",
    ],
)
def test_ends_in_autumn_are_understood_in_both_writings(texts: str) -> None:
    meant = (
        "01:30+0200 01:45+0200 02:00+0200 02:15+0200 02:30+0200 02:45+0200 "
        "02:00+0100 02:15+0100 02:30+0100 02:45+0100 03:00+0100"
    )
    assert ends(*texts.split()) == meant.split()
    assert ends(*texts.split()[::-1]) == meant.split()[::-1]


@pytest.mark.parametrize("boundary", ["02:00", "03:00"])
def test_ends_in_spring_are_understood_in_both_writings(boundary: str) -> None:
    found = ends("01:30", "01:45", boundary, "03:15", "03:30", day="2023-03-26")
    assert found == ["01:15+0100", "01:30+0100", "01:45+0100", "03:00+0200", "03:15+0200"]


def test_an_end_that_may_be_either_is_refused() -> None:
    assert ends("02:00", "03:05", interval=300)[0] is EITHER
    assert ends("02:30", day="2023-03-26") == [NEVER]


def test_rows_without_a_value_tell_the_order_too() -> None:
    found = read_text(
        "Zeit;Bezug [kWh]",
        "29.10.2023 01:00;1",
        "29.10.2023 02:00;",
        "29.10.2023 02:00;2",
        "29.10.2023 03:00;3",
    )
    assert readings(found)[1] == (instant("2023-10-29T02:00+01:00"), 2)
    assert (found.empty, refused(found)) == (1, [])


def test_each_register_of_a_long_file_has_an_order_of_its_own() -> None:
    hours = ["01:00", "02:00", "02:00", "03:00"]
    lines = [
        f"29.10.2023 {hour};{code};{i}"
        for i, hour in enumerate(hours)
        for code in ("1.29.0", "2.29.0")
    ]
    found = read_text("Zeit;OBIS;kWh", *lines)
    assert refused(found) == []
    for obis in ("1-0:1.29.0*255", "1-0:2.29.0*255"):
        assert [at for at, _ in readings(found, obis)] == [
            instant("2023-10-28T23:00+00:00") + 3600 * i for i in range(4)
        ]


def test_an_offset_in_the_text_settles_everything() -> None:
    found = read_text(
        "Zeit;kWh", "2023-10-29T02:15+02:00;1", "2023-10-29T02:15+01:00;2", "2023-10-29 02:15;3"
    )
    assert readings(found) == [
        (instant("2023-10-29T00:15+00:00"), 1),
        (instant("2023-10-29T01:15+00:00"), 2),
    ]
    [(row, words)] = refused(found)
    assert row == 4
    assert words == (
        "the clock of Europe/Zurich showed it twice, and the order of the rows does not tell which "
        "is meant; write the offset"
    )


def test_without_a_zone_nothing_is_guessed() -> None:
    found = read_text("Zeit;kWh", "2023-06-01T00:00Z;1", "2023-06-01T00:15Z;2", zone=None)
    assert len(readings(found)) == 2
    with pytest.raises(ValueError, match=r"The times carry no offset. Name the zone"):
        read_text("Zeit;kWh", "2023-06-01T00:00Z;1", "2023-06-01T00:15;2", zone=None)
    assert ZURICH.zone
