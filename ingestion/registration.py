"""Many meters registered at once, from a file: all of them, or none with every line's reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from ingestion.doors.brought import open_file
from ingestion.doors.kinds import Kind
from ingestion.doors.table import DoorError, Table, cell_text, quoted
from ingestion.models import Feed, Source
from meters.models import Meter, Site
from meters.muids import MuidError, read_muid
from meters.wording import counted
from meters.zones import ZoneError, zone

MOST_LINES = 20_000
# What a header may be called; the first one is ours.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "muid": ("muid", "meter", "meter id", "id"),
    "name": ("name", "bezeichnung", "meter name"),
    "metering_point": ("metering_point", "metering point", "zählpunkt", "messpunkt", "mpan"),
    "site": ("site", "standort", "objekt"),
    "timezone": ("timezone", "time zone", "zone", "zeitzone"),
    "source": ("source", "quelle"),
}
REQUIRED = ("muid", "name")


class Became(StrEnum):
    """What became of a line."""

    REGISTERED = "registered"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    WRONG = "wrong"


@dataclass(frozen=True)
class Line:
    """One line of the file.

    Attributes
    ----------
    number
        Where people find it, from 1.
    words
        What was changed, or what is wrong.
    """

    number: int
    muid: str
    name: str
    became: Became
    words: str = ""


@dataclass(frozen=True)
class Registration:
    """What a file of meters did.

    Attributes
    ----------
    remarks
        What was taken for granted, in words.
    is_kept
        Whether it was stored; not where a line is wrong, or in a rehearsal.
    """

    lines: tuple[Line, ...]
    remarks: tuple[str, ...] = ()
    is_kept: bool = False

    def count(self, became: Became) -> int:
        return sum(line.became is became for line in self.lines)

    @property
    def wrong(self) -> int:
        return self.count(Became.WRONG)


@dataclass(frozen=True, slots=True)
class _Change:
    """What a field of a meter held before its line changed it."""

    field: str
    before: str

    def __str__(self) -> str:
        if not self.before:
            return _("{field} was empty").format(field=self.field)
        return _("{field} was {before}").format(field=self.field, before=self.before)


class _WrongError(Exception):
    """A line can't be taken; the text says why."""


def register_meters(
    data: bytes, *, default_zone: str, person: User | None = None, keep: bool = True
) -> Registration:
    """Register the meters of a CSV or XLSX file, in one transaction.

    A meter that is there is brought to what its line says; an empty cell leaves it as it is. So the
    same file again changes nothing.

    Parameters
    ----------
    data
        The file: a row of headers, then a line for each meter.
    default_zone
        Of meters to be made whose line names no zone.
    person
        Who does it, for the log of the admin.
    keep
        False for a rehearsal.

    Raises
    ------
    DoorError
        The file as a whole can't be read.
    """
    opened = open_file(data)
    if opened.kind is Kind.JSON or opened.table is None:
        raise DoorError(_("Meters are registered from CSV or XLSX; this file is JSON."))
    table = opened.table
    places = _places(table)
    if len(table.rows) - 1 > MOST_LINES:
        words = _("The file has more than {most} lines. Split it.")
        raise DoorError(words.format(most=counted(MOST_LINES)))
    try:
        return _register(table, places, default_zone, person, keep=keep)
    except IntegrityError:
        words = _(
            "Somebody registered one of these meters at the same moment. Send the file again."
        )
        raise DoorError(words) from None


def _register(
    table: Table, places: Mapping[str, int], default_zone: str, person: User | None, *, keep: bool
) -> Registration:
    with transaction.atomic():
        work = _Registering(default_zone)
        lines = tuple(
            work.take(table.numbers[at], _cells(table, at, places))
            for at in range(1, len(table.rows))
        )
        found = Registration(lines, tuple(work.remarks(places)))
        if found.wrong or not keep:
            transaction.set_rollback(True)
            return found
        if person is not None:
            work.log(person)
    return Registration(found.lines, found.remarks, is_kept=True)


def _places(table: Table) -> dict[str, int]:
    """Find the columns by their headers."""
    headers = [" ".join(cell_text(cell).casefold().split()) for cell in table.rows[0]]
    places: dict[str, int] = {}
    for at, header in enumerate(headers):
        field_of = next((name for name, words in HEADERS.items() if header in words), None)
        if field_of in places:
            words = _("Two columns hold the {field}; the second is “{header}”.")
            raise DoorError(words.format(field=field_of, header=header[:40]))
        if field_of is not None:
            places[field_of] = at
    lacking = [name for name in REQUIRED if name not in places]
    if lacking:
        words = (
            _(
                "The first row names no column {one}. Columns are muid, name and, where wanted, "
                "metering_point, site, timezone and source."
            )
            if len(lacking) == 1
            else _(
                "The first row names no column {one} and none {other}. Columns are muid, name and, "
                "where wanted, metering_point, site, timezone and source."
            )
        )
        raise DoorError(words.format(one=lacking[0], other=lacking[-1]))
    if len(table.rows) == 1:
        raise DoorError(_("There is no line below the headers."))
    return places


def _cells(table: Table, row: int, places: Mapping[str, int]) -> dict[str, str]:
    cells = table.rows[row]
    return {
        name: cell_text(cells[at]).strip() if at < len(cells) else "" for name, at in places.items()
    }


@dataclass
class _Registering:
    """Takes line after line; what there is already is read once."""

    default_zone: str
    seen: dict[UUID, int] = field(default_factory=dict)
    made: list[Meter] = field(default_factory=list)
    changed: list[tuple[Meter, Sequence[_Change]]] = field(default_factory=list)
    without_zone: int = 0

    def __post_init__(self) -> None:
        self.meters = {meter.muid: meter for meter in Meter.objects.select_related("site")}
        self.sites = {site.name: site for site in Site.objects.all()}
        self.sources = {source.name: source for source in Source.objects.all()}
        self.feeds = {feed.meter_id: feed for feed in Feed.objects.select_related("source")}

    def take(self, number: int, said: dict[str, str]) -> Line:
        try:
            became, words = self._take(number, said)
        except _WrongError as error:
            became, words = Became.WRONG, str(error)
        return Line(number, said["muid"][:64], said["name"][:100], became, words)

    def _take(self, number: int, said: dict[str, str]) -> tuple[Became, str]:
        for name, text in said.items():
            if "\0" in text:
                raise _WrongError(_("the {field} holds a NUL character").format(field=name))
        muid = self._muid(number, said["muid"])
        place = self._zone(said.get("timezone", ""))
        source = self._source(said.get("source", ""))
        meter = self.meters.get(muid)
        is_new = meter is None
        if meter is None:
            if not said["name"]:
                raise _WrongError(_("the name is missing"))
            self.without_zone += not place
            meter = Meter(muid=muid, timezone=place or self.default_zone)
        changes = [
            *self._set(meter, "name", said["name"]),
            *self._set(meter, "metering_point", said.get("metering_point", "")),
            *self._set(meter, "timezone", place),
            *self._set_site(meter, said.get("site", "")),
        ]
        if is_new or changes:
            self._save(meter)
        changes += self._feed(meter, source)
        if is_new:
            self.made.append(meter)
            return Became.REGISTERED, ""
        if not changes:
            return Became.UNCHANGED, ""
        self.changed.append((meter, changes))
        return Became.CHANGED, "; ".join(map(str, changes))

    def _muid(self, number: int, text: str) -> UUID:
        try:
            muid = read_muid(text)
        except MuidError as error:
            words = str(error).rstrip(".") if text else _("the MUID is missing")
            raise _WrongError(words) from None
        before = self.seen.setdefault(muid, number)
        if before != number:
            words = _("line {line} names the same meter")
            raise _WrongError(words.format(line=counted(before)))
        return muid

    def _zone(self, text: str) -> str:
        try:
            return zone(text).name if text else ""
        except ZoneError as error:
            raise _WrongError(str(error).rstrip(".")) from None

    def _source(self, text: str) -> Source | None:
        if not text:
            return None
        if text not in self.sources:
            words = _("there is no source “{name}”; there are {sources}")
            there = ", ".join(quoted(name[:40]) for name in sorted(self.sources)[:8])
            raise _WrongError(words.format(name=text[:40], sources=there or _("none")))
        return self.sources[text]

    def _set(self, meter: Meter, name: str, text: str) -> Sequence[_Change]:
        before = getattr(meter, name)
        if not text or before == text:
            return ()
        setattr(meter, name, text)
        return (_Change(name, before),) if meter.pk else ()

    def _set_site(self, meter: Meter, text: str) -> Sequence[_Change]:
        before = meter.site.name if meter.site else ""
        if not text or before == text:
            return ()
        if text not in self.sites:
            site = Site(name=text)
            _checked(site.full_clean)
            site.save()
            self.sites[text] = site
        meter.site = self.sites[text]
        return (_Change("site", before),) if meter.pk else ()

    def _save(self, meter: Meter) -> None:
        _checked(lambda: meter.clean_fields())
        _checked(meter.clean)
        meter.save()
        self.meters[meter.muid] = meter

    def _feed(self, meter: Meter, source: Source | None) -> Sequence[_Change]:
        feed = self.feeds.get(meter.pk)
        if source is None or (feed is not None and feed.source_id == source.pk):
            return ()
        if feed is None:
            self.feeds[meter.pk] = Feed.objects.create(meter=meter, source=source)
            return (_Change("source", ""),)
        before = feed.source.name
        feed.source = source
        feed.save(update_fields=["source"])
        return (_Change("source", before),)

    def remarks(self, places: Mapping[str, int]) -> Sequence[str]:
        if not self.without_zone:
            return ()
        words = (
            ngettext(
                "{number} meter without a zone: kept in {zone}.",
                "{number} meters without a zone: kept in {zone}.",
                self.without_zone,
            )
            if "timezone" in places
            else ngettext(
                "{number} meter without a zone, for there is no such column: kept in {zone}.",
                "{number} meters without a zone, for there is no such column: kept in {zone}.",
                self.without_zone,
            )
        )
        return (words.format(number=counted(self.without_zone), zone=self.default_zone),)

    def log(self, person: User) -> None:
        """Put it down where the admin looks for who did what; that is in English."""
        kind = ContentType.objects.get_for_model(Meter)
        entries = [(meter, ADDITION, "Registered from a file.") for meter in self.made]
        with translation.override("en"):
            for meter, changes in self.changed:
                words = "; ".join(map(str, changes))
                entries.append((meter, CHANGE, f"From a file: {words}."))
        LogEntry.objects.bulk_create(
            LogEntry(
                user=person,
                content_type=kind,
                object_id=str(meter.pk),
                object_repr=str(meter)[:200],
                action_flag=flag,
                change_message=words,
            )
            for meter, flag, words in entries
        )


def _checked(check: Callable[[], Any]) -> None:
    try:
        check()
    except ValidationError as error:
        words = "; ".join(
            f"{name}: {', '.join(texts)}" if name != "__all__" else ", ".join(texts)
            for name, texts in error.message_dict.items()
        )
        raise _WrongError(words.rstrip(".")) from None
