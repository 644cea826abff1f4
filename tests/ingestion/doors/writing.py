"""Files of readings, written by code that shares nothing with what reads them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from ingestion.doors.columns import Wishes
from ingestion.doors.csvfile import read_csv
from ingestion.doors.proposal import propose
from ingestion.doors.reading import TableRead, read_table
from ingestion.parsing import Asked

MUID = UUID("95ce3367-cbce-4a4d-bbe3-da082831d7bd")
OTHER = UUID("1db7649e-9342-4e04-97c7-f0ebb88ed1f8")
IMPORT, EXPORT = "1-0:1.29.0*255", "1-0:2.29.0*255"
NOW = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
ASKED = Asked(NOW)
ZURICH = Wishes(zone="Europe/Zurich", muid=MUID)

Series = list[tuple[int, float]]


@dataclass(frozen=True)
class Form:
    """How a file is written."""

    zone: str = "Europe/Zurich"
    separator: str = ";"
    decimal: str = ","
    day: str = "%d.%m.%Y"
    clock: str = "%H:%M"
    split: bool = False
    header: bool = True
    end: bool = False
    # Of an end mark: written before or after the clock is changed, where the two differ.
    old_clock: bool = False
    encoding: str = "utf-8"
    newline: str = "\r\n"


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def local(at: int, form: Form, interval: int) -> datetime:
    """What is written for a reading that starts at an instant."""
    place = ZoneInfo(form.zone)
    if not form.end:
        return datetime.fromtimestamp(at, place)
    if form.old_clock:
        return datetime.fromtimestamp(at, place).replace(tzinfo=None) + timedelta(seconds=interval)
    return datetime.fromtimestamp(at + interval, place)


def write(series: Series, form: Form, interval: int = 900) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=form.separator, lineterminator=form.newline)
    if form.header:
        writer.writerow([*(["Datum", "Uhrzeit"] if form.split else ["Zeit"]), "Bezug [kWh]"])
    for at, value in series:
        when = local(at, form, interval)
        parts = [when.strftime(form.day), when.strftime(form.clock)]
        text = f"{value:.4f}".replace(".", form.decimal)
        writer.writerow([*(parts if form.split else [" ".join(parts)]), text])
    return out.getvalue().encode(form.encoding)


def read(data: bytes, wishes: Wishes = ZURICH, asked: Asked = ASKED) -> TableRead:
    table = read_csv(data)
    return read_table(table, propose(table, wishes).settled(), asked)


def read_text(*lines: str, wishes: Wishes = ZURICH, **more: object) -> TableRead:
    return read("\n".join(lines).encode(), replace(wishes, **more))


def readings(found: TableRead, obis: str = IMPORT, muid: UUID = MUID) -> Series:
    """The readings of one register, in the order of the batch."""
    batch = found.parsed.batch
    return [
        (int(at), float(value))
        for key, at, value in zip(batch.index, batch.instants, batch.values, strict=True)
        if (batch.keys[key].obis, batch.keys[key].muid) == (obis, muid)
    ]


def refused(found: TableRead) -> list[tuple[int | None, str]]:
    return [(one.row, one.words) for one in found.parsed.rejections]


def steady(start: str, end: str, interval: int = 900) -> Series:
    first, last = instant(start), instant(end)
    return [(at, i % 50 / 8) for i, at in enumerate(range(first, last, interval))]


def walls(*texts: str) -> Sequence[int]:
    """Local times as the seconds that a clock shows."""
    return [int(datetime.fromisoformat(f"{text}+00:00").timestamp()) for text in texts]
