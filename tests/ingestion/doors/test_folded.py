"""Files with a row for each day and a column for each time of day."""

from dataclasses import replace
from datetime import date, time, timedelta
from uuid import UUID

import pytest

from ingestion.doors.brought import Brought, open_file, take_out
from ingestion.doors.columns import Wishes
from ingestion.doors.proposal import propose
from tests.ingestion.doors.test_workbooks import book
from tests.ingestion.doors.writing import ASKED, MUID, OTHER, instant

LONDON = Wishes(zone="Europe/London", muid=MUID, order="dmy")
STARTS = [f"{at // 2:02}:{at % 2 * 30:02}" for at in range(48)]
ENDS = [*STARTS[1:], "24:00"]
DAY = [at / 4 for at in range(48)]


def take(data: bytes, wishes: Wishes = LONDON) -> Brought:
    opened = open_file(data)
    assert opened.table is not None
    return take_out(opened, propose(opened.table, wishes).settled(), ASKED)


def lines(times: list[str], *days: tuple[object, ...], first: str = "MPAN,Date") -> bytes:
    rows = [f"{first},{','.join(times)}"] + [",".join(map(str, day)) for day in days]
    return "\n".join(rows).encode()


def series(found: Brought, muid: UUID = MUID) -> list[tuple[int, float]]:
    batch = found.parsed.batch
    of = [key.muid for key in batch.keys]
    return sorted(
        (int(at), float(value))
        for key, at, value in zip(batch.index, batch.instants, batch.values, strict=True)
        if of[key] == muid
    )


def half_hours(start: str, values: list[float]) -> list[tuple[int, float]]:
    return [(instant(start) + 1800 * at, value) for at, value in enumerate(values)]


@pytest.mark.parametrize(
    "times",
    [
        STARTS,
        ENDS,
        [*ENDS[:-1], "00:00"],
        [f"{start}-{end}" for start, end in zip(STARTS, ENDS, strict=True)],
        [f"{start}:00" for start in STARTS],
    ],
    ids=["starts", "ends", "midnight", "spans", "seconds"],
)
def test_half_hours_of_a_summer_day(times: list[str]) -> None:
    found = take(lines(times, (1200012345678, "13/06/2023", *DAY)))
    assert series(found) == half_hours("2023-06-13T00:00+01:00", DAY)
    assert not found.parsed.rejections


def test_meters_by_their_metering_points() -> None:
    wishes = replace(LONDON, muid=None, names={"12": MUID, "13": OTHER})
    data = lines(STARTS, (12, "13/06/2023", *DAY), (13, "13/06/2023", *reversed(DAY)))
    found = take(data, wishes)
    assert series(found) == half_hours("2023-06-13T00:00+01:00", DAY)
    assert series(found, OTHER) == half_hours("2023-06-13T00:00+01:00", DAY[::-1])


def test_days_on_which_the_clock_changes() -> None:
    spring = [*DAY[:2], "", "", *DAY[4:]]
    found = take(lines(STARTS, (1, "26/03/2023", *spring)))
    assert len(series(found)) == 46
    assert not found.parsed.rejections
    # 48 columns can't hold 25 hours: which of the two hours is meant, nobody can tell.
    found = take(lines(STARTS, (1, "29/10/2023", *DAY)))
    assert len(series(found)) == 46
    assert [one.timestamp for one in found.parsed.rejections] == [
        "29/10/2023 01:00",
        "29/10/2023 01:30",
    ]
    assert all(one.row == 2 for one in found.parsed.rejections)
    # A time that spring leaves out, with a value.
    found = take(lines(STARTS, (1, "26/03/2023", *DAY)))
    assert [one.row for one in found.parsed.rejections] == [2, 2]


def test_a_workbook_with_times_and_days() -> None:
    clocks = [(time(at // 4, at % 4 * 15)) for at in range(96)]
    day = date(2023, 6, 13)
    rows = [["Lastgang"], ["Tag", *clocks], *([day + timedelta(at), *[0.5] * 96] for at in (0, 1))]
    found = take(book(rows), replace(LONDON, zone="Europe/Zurich"))
    assert len(series(found)) == 192
    assert series(found)[0] == (instant("2023-06-13T00:00+02:00"), 0.5)


def test_empty_cells_and_wrong_ones() -> None:
    values = ["x", "", *DAY[2:]]
    found = take(lines(STARTS, (1, "13/06/2023", *values)))
    assert found.empty == 1
    [refused] = found.parsed.rejections
    assert (refused.row, refused.raw) == (2, "1,13/06/2023,00:00,x")
    assert found.raw(1).startswith("1,13/06/2023,x,,0.5,")


def test_other_tables_stay_as_they_are() -> None:
    for times in (STARTS[:20], STARTS[::-1], [*STARTS[:30], "00:10", *STARTS[31:]]):
        opened = open_file(lines(times, (1, "13/06/2023", *DAY[: len(times)])))
        assert opened.table is not None
        assert opened.table.folded is None
