"""What is found out of a file, and what is said of it."""

from dataclasses import replace
from uuid import UUID

import pytest

from ingestion.doors.columns import ColumnWish, Role, Wishes, parse_mapping
from ingestion.doors.csvfile import read_csv
from ingestion.doors.proposal import Proposal, propose
from ingestion.doors.table import DoorError, column_name
from meters.qualities import Quality
from tests.ingestion.doors.writing import (
    EXPORT,
    IMPORT,
    MUID,
    OTHER,
    ZURICH,
    instant,
    read_text,
    readings,
    refused,
)

FIRST = instant("2023-06-01T00:00+02:00")
POINT = "CH1009701234500000000000000000001"


def proposed(*lines: str, wishes: Wishes = ZURICH, **more: object) -> Proposal:
    return propose(read_csv("\n".join(lines).encode()), replace(wishes, **more))


def roles(found: Proposal) -> str:
    return " ".join(column.role for column in found.plan.columns)


@pytest.mark.parametrize(
    ("header", "row", "found"),
    [
        ("Zeit;Bezug [kWh]", "01.06.2023 00:00;1,5", "time value"),
        ("Datum;Uhrzeit;kWh", "01.06.2023;00:00;1,5", "date clock value"),
        ("Von;Bis;kWh", "01.06.2023 00:00;01.06.2023 00:15;1,5", "time ignore value"),
        ("kWh;Zeit", "1,5;01.06.2023 00:00", "value time"),
        ("Zeit;kWh;Status", "01.06.2023 00:00;1,5;W", "time value quality"),
        (
            "Zeit;OBIS;Wert;Einheit",
            "01.06.2023 00:00;1-0:1.29.0;1,5;kWh",
            "time register value unit",
        ),
        ("muid;time;value", f"{MUID};2023-06-01 00:00;1,5", "meter time value"),
        ("Nr;Zeit;Bezug kWh;Temperatur", "1;01.06.2023 00:00;1,5;21", "ignore time value ignore"),
        ("Zeit;1-0:1.29.0*255;1-0:2.29.0*255", "01.06.2023 00:00;1,5;2", "time value value"),
        (f"Zeit;{MUID};{OTHER}", "01.06.2023 00:00;1,5;2", "time value value"),
        ("Zeit;Bezug;Einspeisung", "01.06.2023 00:00;1,5;2", "time value value"),
    ],
)
def test_columns(header: str, row: str, found: str) -> None:
    made = proposed(header, row, row.replace("00:00", "00:30"))
    assert roles(made) == found
    assert not made.problems
    assert read_text(header, row).parsed.rejections == []


def test_everything_assumed_is_said() -> None:
    made = proposed("Zeit;Bezug", "01.06.2023 00:00;1,5", "01.06.2023 00:15;1,25")
    assert (
        made.assumed
        == (
            "Cells are separated by semicolons.",
            "The times stand in “Zeit”.",
            "“Bezug” is taken as 1-0:1.29.0*255 (Active energy import, per interval).",
            "“Bezug” names no unit; taken as kWh.",
            "A time marks the start of its interval.",
            "Numbers are written like 1234,5.",
            "Times without offset are those of Europe/Zurich.",
        )
        or made.assumed[0] == "The text is UTF-8."
    )
    assert len(made.assumed) == 8


def test_a_file_without_headers_and_one_with_a_preamble() -> None:
    made = proposed("01.06.2023 00:00;1,5", "01.06.2023 00:15;1,5")
    assert (made.plan.first, [column.name for column in made.plan.columns]) == (0, ["A", "B"])
    made = proposed(
        "Lastgang",
        f"Zählpunkt;{POINT}",
        "erstellt;01.07.2023 12:00",
        "Zeit;Wirkarbeit;Blindarbeit",
        ";1.29.0;3.29.0",
        "01.06.2023 00:00;1,5;0,5",
        "01.06.2023 00:15;1,5;0,5",
    )
    assert [column.name for column in made.plan.columns] == [
        "Zeit",
        "Wirkarbeit 1.29.0",
        "Blindarbeit 3.29.0",
    ]
    assert made.plan.columns[2].obis == "1-0:3.29.0*255"
    assert "Readings begin in row 6; what stands before is left aside." in made.assumed


def test_no_row_is_taken_for_a_header_because_the_next_one_is_wrong() -> None:
    found = read_text("Zeit;kWh", "01.06.2023 00:00;1", "31.06.2023 00:00;1", "01.06.2023 00:15;2")
    assert readings(found) == [(FIRST, 1), (FIRST + 900, 2)]
    assert [row for row, _ in refused(found)] == [3]
    found = read_text("Zeit;kWh", "01.06.2023 00:00;", "01.06.2023 00:15;2")
    assert (readings(found), found.empty) == ([(FIRST + 900, 2)], 1)


def test_both_ends_of_an_interval() -> None:
    lines = [
        "Von;Bis;kWh",
        "01.06.2023 00:00;01.06.2023 00:15;1",
        "01.06.2023 00:15;01.06.2023 00:30;2",
    ]
    assert readings(read_text(*lines)) == [(FIRST, 1), (FIRST + 900, 2)]
    found = read_text(*lines, mark="end", interval=900)
    assert readings(found) == [(FIRST, 1), (FIRST + 900, 2)]
    made = proposed("Ende;kWh", "01.06.2023 00:15;1", "01.06.2023 00:30;1")
    assert made.plan.mark == "end"
    assert "By its header a time marks the end of its interval." in made.assumed


def test_ends_need_to_know_how_long_intervals_are() -> None:
    quarters = [f"01.06.2023 {i // 4:02}:{15 * (i % 4):02};1" for i in range(1, 9)]
    assert readings(read_text("t;kWh", *quarters, mark="end"))[0][0] == FIRST
    with pytest.raises(DoorError, match="Name the interval"):
        read_text("t;kWh", *quarters[:2], mark="end")
    hours = [f"01.06.2023 {i:02}:00;1" for i in range(3, 9)]
    with pytest.raises(DoorError, match="intervals of 15 and of 60 minutes"):
        read_text("t;kWh", *quarters, *hours, mark="end")
    assert read_text("t;kWh", *quarters, *hours, mark="end", interval=900)


def test_problems_are_told_all_at_once() -> None:
    made = proposed("Zeit;kWh", "01.06.2023 00:00;1.234", "01.06.2023 00:15;2", wishes=Wishes())
    assert [problem[:30] for problem in made.problems] == [
        "“1.234” can be read in two way",
        "The times carry no offset. Nam",
        "Nothing says of which meter th",
    ]
    with pytest.raises(DoorError, match=r"two ways.*no offset.*which meter"):
        made.settled()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["a;b", "c;d"], "no column of dates or times"),
        (["Tag;kWh", "01.06.2023;1", "02.06.2023;1"], "no time of day"),
        (["Zeit;a;b", "01.06.2023 00:00;1;2"], "Several columns hold numbers"),
        (["Zeit;a", "01.06.2023 00:00;x"], "No column holds values"),
        (["Zeit;kWh;Wh", "01.06.2023 00:00;1;2"], "would be the same register"),
        (["Zeit;kvarh", "01.06.2023 00:00;1"], "kvarh does not fit"),
    ],
)
def test_problems(lines: list[str], words: str) -> None:
    with pytest.raises(DoorError, match=words):
        read_text(*lines)


def test_wishes_hold_against_what_is_found() -> None:
    lines = ["Zeit;a;b", "01.06.2023 00:00;1;2", "01.06.2023 00:15;1;2"]
    columns = parse_mapping(["a=value unit=Wh", "C=value register=2.29.0", "1=time"])
    found = read_text(*lines, columns=columns)
    assert readings(found, IMPORT) == [(FIRST, 0.001), (FIRST + 900, 0.001)]
    assert readings(found, EXPORT) == [(FIRST, 2), (FIRST + 900, 2)]
    found = read_text(*lines, columns={"a": ColumnWish(Role.IGNORE)})
    assert readings(found, IMPORT) == [(FIRST, 2), (FIRST + 900, 2)]
    found = read_text("Zeit;x", "01.06.2023 00:00;1", obis=EXPORT, quality=Quality.MEASURED)
    assert readings(found, EXPORT) == [(FIRST, 1)]
    assert found.parsed.batch.qualities.tolist() == [1]
    with pytest.raises(DoorError, match="There is no column “d”; there are “Zeit”, “a”, “b”"):
        read_text(*lines, columns=parse_mapping(["d=value"]))
    with pytest.raises(DoorError, match="2 columns are named “a”"):
        read_text("Zeit;a;a", lines[1], columns=parse_mapping(["a=value"]))


def test_mappings_as_people_write_them() -> None:
    assert parse_mapping(["Zeit = time", "x=y=ignore", "B=value  meter=" + str(OTHER)]) == {
        "Zeit": ColumnWish(Role.TIME),
        "x=y": ColumnWish(Role.IGNORE),
        "B": ColumnWish(Role.VALUE, muid=OTHER),
    }
    for text, words in (
        ("Zeit", "is no mapping; write COLUMN=ROLE"),
        ("=time", "is no mapping"),
        ("Zeit=when", "Roles are time, date, clock"),
        ("B=value colour=red", "can't be read; of values you may add"),
        ("B=time unit=Wh", "belong to a column of values"),
        ("B=value unit=stone", "unit “stone” is unknown"),
        ("B=value register=x", "is not an OBIS code"),
        ("B=value meter=7", "is no MUID"),
    ):
        with pytest.raises(DoorError, match=words):
            parse_mapping([text])
    assert [column_name(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_meters_by_their_metering_points() -> None:
    names = {POINT: MUID}
    found = read_text(
        "Zeit;Zählpunkt;kWh",
        f"01.06.2023 00:00;{POINT};1",
        f"01.06.2023 00:00;{OTHER};2",
        "01.06.2023 00:00;nobody;3",
        wishes=Wishes(zone="Europe/Zurich", names=names),
    )
    assert readings(found) == [(FIRST, 1)]
    assert readings(found, muid=OTHER) == [(FIRST, 2)]
    assert refused(found) == [
        (4, "“nobody” is neither a MUID nor the metering point of a meter here")
    ]
    wide = read_text(f"Zeit;{POINT} [kWh]", "01.06.2023 00:00;1", names=names, muid=None)
    assert readings(wide) == [(FIRST, 1)]


def test_each_refusal_names_its_row() -> None:
    found = read_text(
        "Zeit;muid;OBIS;kWh;Status",
        f"01.06.2023 00:00;{MUID};1.29.0;1;W",
        f"31.06.2023 00:00;{MUID};1.29.0;1;W",
        "01.06.2023 00:15;x;1.29.0;1;W",
        f"01.06.2023 00:15;{MUID};1.29.0.0.0.0.0;1;W",
        f"01.06.2023 00:15;{MUID};1.29.0;x;W",
        f"01.06.2023 00:15;{MUID};1.29.0;1;?",
        f"01.06.1923 00:15;{MUID};1.29.0;1;W",
        f"01.06.2093 00:15;{MUID};1.29.0;1;W",
        f"01.06.2023 00:15;{MUID};1.29.0;1e12;W",
        "01.06.2023 00:15;;1.29.0;1;W",
        ";;;;",
        muid=None,
    )
    assert readings(found) == [(FIRST, 1)]
    assert [
        (row, one.reason)
        for (row, _), one in zip(refused(found), found.parsed.rejections, strict=True)
    ] == [
        (3, "time"),
        (4, "meter"),
        (5, "code"),
        (6, "value"),
        (7, "quality"),
        (8, "time"),
        (9, "future"),
        (10, "value"),
        (11, "meter"),
    ]
    assert found.parsed.rejections[0].timestamp == "31.06.2023 00:00"
    assert UUID(found.parsed.rejections[3].muid) == MUID


def test_bad_values_at_the_top_are_refused_and_no_headers() -> None:
    values = ["inf", "NaN?", "=1+1", "1,5", "2,5", "3,5", "4,5"]
    lines = [f"01.01.2023 {at:02}:00;{value}" for at, value in enumerate(values)]
    found = read_text("Erstellt am;01.02.2023 12:00", "Zeit;kWh", *lines)
    assert [value for _, value in readings(found)] == [1.5, 2.5, 3.5, 4.5]
    assert [row for row, _ in refused(found)] == [3, 4, 5]
