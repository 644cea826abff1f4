"""One local day of a register, interval by interval, as the pages of the record show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from ingestion.models import ReadingRevision
from ingestion.slots import Slots, slots_of
from meters.localtime import offset_text
from meters.models import Meter, Register
from meters.profiles import last_reading_ends
from meters.qualities import Quality
from meters.wording import figure
from meters.zones import FIRST_YEAR, LAST_YEAR, Zone


@dataclass(frozen=True, slots=True)
class Interval:
    """One line of the table.

    Attributes
    ----------
    start, end
        Local times with their offsets.
    label
        The times at which it begins and ends; with offset on days on which the clocks change.
    changes
        How often something was written over here.
    """

    start: datetime
    end: datetime
    label: str
    value: float | None
    quality: str
    changes: int
    by_hand: bool

    @property
    def begin(self) -> str:
        """When it begins, with the offset where the label has one."""
        times, _, offset = self.label.partition(" ")
        return f"{times.partition('–')[0]} {offset}".strip()

    @property
    def finish(self) -> str:
        """When it ends, likewise."""
        shows_offset = " " in self.label
        return f"{self.end:%H:%M}" + (f" {self.end:%:z}" if shows_offset else "")

    @property
    def iso(self) -> str:
        return self.start.isoformat()

    @property
    def times(self) -> str:
        """How often it was changed, in words."""
        if self.changes <= 2:
            return _("once") if self.changes == 1 else _("twice")
        return _("{number} times").format(number=figure(self.changes))


@dataclass(frozen=True)
class RegisterDay:
    """A day of a register; `before` and `after` are its neighbours."""

    register: Register
    day: date
    intervals: Sequence[Interval]

    @property
    def before(self) -> date:
        return self.day - timedelta(days=1)

    @property
    def after(self) -> date:
        return self.day + timedelta(days=1)

    @property
    def count(self) -> int:
        return sum(one.value is not None for one in self.intervals)

    @property
    def total(self) -> float | None:
        values = [one.value for one in self.intervals if one.value is not None]
        return sum(values) if values and self.register.code.is_summable else None


def chosen_register(meter: Meter, parameters: Mapping[str, str]) -> Register | None:
    """Choose the register that an address names, or the first."""
    registers = list(meter.registers.all())
    for register in registers:
        register.meter = meter
    named = [one for one in registers if one.obis == parameters.get("register")]
    return next(iter(named or registers), None)


def chosen_day(register: Register, parameters: Mapping[str, str], now: int) -> date:
    """Choose the day that an address names, or that of the latest reading, or today."""
    try:
        day = date.fromisoformat(parameters.get("day", ""))
        if FIRST_YEAR < day.year < LAST_YEAR:
            return day
    except ValueError:
        pass
    latest = last_reading_ends([register.pk]).get(register.pk)
    return register.meter.zone.date_at(latest - 1 if latest else now)


def register_day(register: Register, day: date) -> RegisterDay:
    """Lay a local day out."""
    place = register.meter.zone
    begins, ends = place.midnight(day), place.midnight(day + timedelta(days=1))
    if begins >= ends:
        # A date that this zone has skipped.
        return RegisterDay(register, day, ())
    slots = slots_of(register, begins, ends)
    return RegisterDay(register, day, _intervals(slots, place, _written_over(register, day)))


def _written_over(register: Register, day: date) -> dict[int, list[bool]]:
    """Say of each instant of a day which writes replaced something, by hand or not."""
    found: dict[int, list[bool]] = {}
    for revision in ReadingRevision.objects.filter(register=register, day=day).order_by("version"):
        for when, value, _quality in revision.readings():
            # What arrived late replaced nothing.
            if value is not None or revision.act:
                found.setdefault(int(when.timestamp()), []).append(bool(revision.act))
    return found


def _intervals(slots: Slots, place: Zone, written: dict[int, list[bool]]) -> list[Interval]:
    instants = slots.instants.tolist()
    if not instants:
        return []
    same = place.offset_at(instants[0]) == place.offset_at(instants[-1])
    rows = zip(
        instants,
        slots.interval.tolist(),
        slots.values.tolist(),
        slots.qualities.tolist(),
        strict=True,
    )
    return [
        Interval(
            place.at(instant),
            place.at(instant + interval),
            label(instant, interval, place, with_offset=not same),
            value if quality else None,
            Quality(quality).label,
            len(written.get(instant, ())),
            by_hand=written.get(instant, [False])[-1],
        )
        for instant, interval, value, quality in rows
    ]


def label(instant: int, interval: int, place: Zone, *, with_offset: bool) -> str:
    """Write the times between which an interval lies, for instance 02:15–02:30."""
    text = f"{place.at(instant):%H:%M}–{place.at(instant + interval):%H:%M}"
    return f"{text} {offset_text(place.offset_at(instant))}" if with_offset else text
