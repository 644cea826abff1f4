"""`manage.py ingest --file` with CSV and XLSX."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError

from ingestion.batch import Batch
from ingestion.deliveries import Delivery, take_in
from ingestion.models import RejectedReading, Run
from ingestion.parsing import Parsed
from meters.models import Meter
from tests.conftest import Customer
from tests.ingestion.commanding import TABLES, held, ingest
from tests.ingestion.doors.test_workbooks import book
from tests.ingestion.doors.writing import Form, Series, instant, steady, write
from tests.ingestion.plant import EXPORT, make_meter, stored


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "Lastgang 2023.csv"


def values(meter: Meter, obis: str = "1-0:1.29.0*255") -> Series:
    return [(at, value) for at, (value, _) in sorted(stored(meter.muid, obis).items())]


def told(beside: str) -> list[str]:
    return [line.partition(": ")[2] for line in beside.splitlines()]


def test_a_csv_file_over_a_change_of_the_clock(in_acme: Customer, file: Path) -> None:
    meter = make_meter("Bäckerei")
    series = steady("2023-10-28T22:00+00:00", "2023-10-29T23:00+00:00")
    file.write_bytes(write(series, Form(encoding="cp1252")))
    arguments = ["--tenant", "acme", "--file", file, "--meter", meter.muid]
    lines, beside = ingest(*arguments, "--timezone", "Europe/Zurich")
    assert lines[2].split() == ["Bäckerei", "100", "0", "0", "0"]
    assert values(meter) == series
    assert told(beside) == [
        "The text is UTF-8.",
        "Cells are separated by semicolons.",
        "The times stand in “Zeit”.",
        "“Bezug [kWh]” is taken as 1-0:1.29.0*255 (Active energy import, per interval).",
        "A time marks the start of its interval.",
        "Numbers are written like 1234,5.",
        "Times without offset are those of Europe/Zurich.",
    ]
    run = Run.objects.get()
    assert (run.name, run.trigger, run.bytes) == (file.name, "file", file.stat().st_size)
    assert run.origin == file.name
    # The same again, from another writing, changes nothing.
    form = Form(decimal=".", day="%Y-%m-%d", split=True, end=True, separator="\t")
    file.write_bytes(write(series, form))
    lines, _ = ingest(*arguments, "--timezone", "Europe/Zurich", "--interval-mark", "end")
    assert lines[2].split() == ["Bäckerei", "0", "0", "100", "0"]


def test_a_workbook_with_two_meters(in_acme: Customer, file: Path) -> None:
    one, other = make_meter("One"), make_meter("Other", zone="Asia/Kathmandu")
    Meter.objects.filter(pk=other.pk).update(metering_point="CH-7")
    file.write_bytes(
        book(
            [
                ["Zeit", f"{one.muid} [Wh]", "CH-7 Einspeisung [kWh]"],
                ["2023-06-01T00:00Z", 1500, 2],
                ["2023-06-01T00:15Z", 2500, None],
            ]
        )
    )
    lines, _ = ingest("--tenant", "acme", "--file", file)
    first = instant("2023-06-01T00:00+00:00")
    assert values(one) == [(first, 1.5), (first + 900, 2.5)]
    assert values(other, EXPORT) == [(first, 2)]
    assert lines[-2].split() == ["2", "meters", "in", "all", "3", "0", "0", "0"]


def test_options(in_acme: Customer, file: Path) -> None:
    meter = make_meter()
    file.write_text("when,what,why\n06/01/2023 00:15,4.000,ok\n06/01/2023 00:30,8.000,ok\n")
    ingest(
        *("--tenant", "acme", "--file", file, "--meter", meter.muid, "--timezone", "UTC"),
        *("--mapping", "when=time", "--mapping", "B=value", "--mapping", "3=quality"),
        *("--interval-mark", "end", "--interval", "15", "--decimal", "point", "--dates", "mdy"),
        *("--separator", "comma", "--obis", "2.29.0", "--unit", "kW", "--power-as-energy"),
    )
    first = instant("2023-06-01T00:00+00:00")
    assert stored(meter.muid, EXPORT) == {first: (1, 1), first + 900: (2, 1)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "The times carry no offset. Name the zone"),
        (["--timezone", "Europe/Zürich"], "is not a time zone of the IANA database; did you mean"),
        (["--mapping", "Zeit"], "is no mapping; write COLUMN=ROLE"),
        (["--mapping", "d=time"], "There is no column “d”"),
        (["--interval", "7"], "intervals are 1, 2, 3"),
        (["--obis", "x"], "is not an OBIS code"),
        (["--unit", "stone"], "is unknown"),
        (["--timezone", "UTC", "--unit", "kvarh"], "kvarh does not fit"),
        (["--timezone", "UTC", "--sheet", "x", "--separator", "tab"], "no column of dates"),
    ],
)
def test_what_can_not_be_settled(
    in_acme: Customer, file: Path, arguments: list[str], words: str
) -> None:
    file.write_text("Zeit;Wert\n01.06.2023 00:00;1\n")
    with pytest.raises(CommandError, match=words):
        ingest("--tenant", "acme", "--file", file, "--meter", uuid4(), *arguments)
    assert held() == [0] * len(TABLES)


def test_options_of_tables_go_with_tables(in_acme: Customer, file: Path) -> None:
    file.write_text("[]")
    with pytest.raises(CommandError, match="--timezone goes with CSV and XLSX; this file is JSON"):
        ingest("--tenant", "acme", "--file", file, "--timezone", "UTC")
    with pytest.raises(CommandError, match="--interval-mark goes with --file"):
        ingest("--tenant", "acme", "--interval-mark", "end")


def test_refused_rows_are_kept_with_their_lines(in_acme: Customer, file: Path) -> None:
    meter = make_meter("Mine")
    lines: list[Any] = [
        "Zeit;kWh",
        "26.03.2023 01:45;1",
        "26.03.2023 02:15;2",
        "26.03.2023 03:00;drei",
        "26.03.2023 03:07;4",
        *(f"26.03.2023 04:{minute:02};1" for minute in (0, 15, 30, 45)),
    ]
    file.write_text("\n".join(lines))
    arguments = ["--tenant", "acme", "--file", file, "--meter", meter.muid]
    shown, _ = ingest(*arguments, "--timezone", "Europe/Zurich")
    assert shown[2].split() == ["Mine", "5", "0", "0", "3"]
    kept = RejectedReading.objects.order_by("row").values_list("row", "reason", "raw", "timestamp")
    assert list(kept) == [
        (3, "time", "26.03.2023 02:15;2", "26.03.2023 02:15"),
        (4, "value", "26.03.2023 03:00;drei", "26.03.2023 03:00"),
        (5, "misaligned", "26.03.2023 03:07;4", "2023-03-26T01:07:00Z"),
    ]


def test_of_a_name_what_can_be_shown_is_kept(in_acme: Customer) -> None:
    named = Delivery(Parsed(Batch.empty(), []), str, name="..\\..\\etc/pass\0wd\n\u202egnp.csv")
    assert take_in(named, worker="test").run.name == "passwdgnp.csv"


def test_a_rehearsal_keeps_nothing(in_acme: Customer, file: Path) -> None:
    muid = uuid4()
    file.write_bytes(write(steady("2023-06-01T00:00+00:00", "2023-06-02T00:00+00:00"), Form()))
    arguments = ["--tenant", "acme", "--file", file, "--meter", muid, "--timezone", "Europe/Zurich"]
    lines, _ = ingest(*arguments, "--register", "--dry-run")
    assert lines[2].split()[-4:] == ["96", "0", "0", "0"]
    assert held() == [0] * len(TABLES)
