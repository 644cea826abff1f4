"""Readings corrected, deleted and restored by hand: by staff, with a reason, through the one store.

Each act is one write: it locks the register, merges, keeps what stood there before as a revision
with its author and reason, and can be taken back from that revision. What it does to a source that
goes on sending the old value stands in `ingestion.lookback`.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from ingestion.batch import Batch, RegisterKey
from ingestion.hand import ByHand, MisfitError
from ingestion.layout import Incoming
from ingestion.models import ReadingRevision
from ingestion.parsing import ABSURD, EARLIEST
from ingestion.registers import locked_registers
from ingestion.retrying import retried
from ingestion.slots import slots_of
from ingestion.store import Context, store
from meters.models import Register
from meters.qualities import Quality
from meters.zones import DAY

Act = ReadingRevision.Act
# A leap year and a day of local time: more than that is no correction by hand but an import.
MOST_DAYS = 367
REASON_LENGTH = 200


class CorrectionError(ValueError):
    """Something can't be done by hand. Nothing was changed; `field` says what is at fault."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


class ChangedMeanwhileError(CorrectionError):
    """The readings are not those any more that the person has looked at."""


@dataclass(frozen=True, slots=True)
class Range:
    """The intervals of a register that start in ``[start, end)`` [s].

    Attributes
    ----------
    seen
        The newest version of the rows concerned that the person has looked at, 0 where there were
        none; where they are newer by now, nothing is done. None where it does not matter.
    """

    register: Register
    start: int
    end: int
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """What an act by hand did.

    Attributes
    ----------
    changed, unchanged
        Intervals that hold something else now, and those that held that already.
    revisions
        What stood there before, one for each day; none where nothing changed.
    """

    changed: int
    unchanged: int
    revisions: tuple[ReadingRevision, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """What an act would do, interval by interval; shapes ``(n,)``, 0 and NaN for none."""

    before: Incoming
    after: Incoming
    version: int

    def __len__(self) -> int:
        return len(self.before)


def set_readings(
    *,
    where: Range,
    value: float | None,
    quality: Quality | None,
    author: User,
    reason: str,
) -> Corrected:
    """Set the value or the quality of intervals, or both.

    Parameters
    ----------
    where
        Which intervals.
    value
        In the register's unit; None keeps each interval's own, and leaves alone those without.
    quality
        None keeps each interval's own; those without are then `SUBSTITUTED`.
    author, reason
        Who does it, and why.

    Raises
    ------
    CorrectionError
        It can't be done; nothing was changed.
    """
    _check_set(where, value, quality)
    act = ByHand(Act.SET, author, _checked(reason))
    return _do(where.register, lambda: planned_set(where=where, value=value, quality=quality), act)


def delete_readings(*, where: Range, author: User, reason: str) -> Corrected:
    """Delete the readings of intervals, which are missing from then on; for errors see above."""
    act = ByHand(Act.DELETE, author, _checked(reason))
    return _do(where.register, lambda: planned_delete(where=where), act)


def restore_readings(
    *, revision: ReadingRevision, author: User, reason: str, seen: int | None = None
) -> Corrected:
    """Put back what stood in a revision's slots before it, also that nothing did."""
    act = ByHand(Act.RESTORE, author, _checked(reason))
    return _do(revision.register, lambda: planned_restore(revision=revision, seen=seen), act)


def planned_set(*, where: Range, value: float | None, quality: Quality | None) -> Planned:
    """Say what `set_readings` would do, without doing it."""
    _check_set(where, value, quality)
    before, version = _found(where, empty_too=value is not None)
    values, qualities = before.values.copy(), before.qualities.copy()
    if value is not None:
        values[:] = value
    if quality is not None:
        qualities[:] = quality
    qualities[qualities == 0] = Quality.SUBSTITUTED
    return Planned(before, Incoming(before.register, before.instants, values, qualities), version)


def planned_delete(*, where: Range) -> Planned:
    """Say what `delete_readings` would do, without doing it."""
    before, version = _found(where, empty_too=False)
    n = len(before)
    nothing = Incoming(
        before.register, before.instants, np.full(n, np.nan), np.zeros(n, dtype=np.int16)
    )
    return Planned(before, nothing, version)


def planned_restore(*, revision: ReadingRevision, seen: int | None = None) -> Planned:
    """Say what `restore_readings` would do, without doing it."""
    first, interval = int(revision.first.timestamp()), revision.interval
    instants = first + np.array(revision.slots, dtype=np.int64) * interval
    start, end = int(instants.min()), int(instants.max()) + 1
    found = slots_of(revision.register, start, end)
    _check_seen(found.version, seen)
    place = np.searchsorted(found.instants, instants)
    there = place < len(found.instants)
    there[there] = found.instants[place[there]] == instants[there]
    if not there.all():
        raise MisfitError(
            _("The day is cut into other intervals by now, in which what stood there has no place.")
        )
    register = np.full(len(instants), revision.register_id, dtype=np.int64)
    qualities = np.array(revision.qualities, dtype=np.int16)
    values = np.where(qualities > 0, np.array(revision.values, dtype=np.float64), np.nan)
    return Planned(
        Incoming(register, instants, found.values[place], found.qualities[place]),
        Incoming(register, instants, values, qualities),
        found.version,
    )


def _do(register: Register, plan: Callable[[], Planned], act: ByHand) -> Corrected:
    """Carry an act out; it is planned once the register is locked, so nothing comes between."""
    key = RegisterKey(register.meter.muid, register.obis, register.measurement)

    def work() -> Corrected:
        with transaction.atomic():
            locked_registers([key])
            planned = plan()
            after = planned.after
            batch = Batch(
                (key,),
                np.zeros(len(after), dtype=np.int64),
                after.instants,
                after.values,
                after.qualities,
                np.arange(len(after), dtype=np.int64),
            )
            done = store(
                batch,
                default_interval=register.interval or 900,
                context=Context(by_hand=act),
            )
            changed = done.counts.new + done.counts.corrected
            revisions = _written(register) if changed else ()
            return Corrected(changed, done.counts.unchanged, tuple(revisions))

    try:
        return retried(work)
    except MisfitError as error:
        raise CorrectionError(str(error)) from None


def _written(register: Register) -> Iterator[ReadingRevision]:
    """Find the revisions that the write just made has left."""
    own = ReadingRevision.objects.filter(register=register)
    newest = own.order_by("-version").values_list("version", flat=True)[:1]
    yield from own.filter(version=newest).select_related("register__meter", "author")


def _found(where: Range, *, empty_too: bool) -> tuple[Incoming, int]:
    """Read the intervals of a range."""
    if where.start >= where.end:
        raise CorrectionError(_("The end lies after the start."), "end")
    if where.end - where.start > MOST_DAYS * DAY:
        words = _("At most {most} days are corrected at once.")
        raise CorrectionError(words.format(most=MOST_DAYS), "end")
    if where.start < EARLIEST:
        raise CorrectionError(_("Nothing is kept of the time before 2000."), "start")
    found = slots_of(where.register, where.start, where.end)
    _check_seen(found.version, where.seen)
    chosen = found if empty_too else found.only(found.qualities > 0)
    if not len(chosen):
        words = (
            _("There is no reading between these two times.")
            if len(found)
            else _("No interval starts between these two times.")
        )
        raise CorrectionError(words, "start")
    register = np.full(len(chosen), where.register.pk, dtype=np.int64)
    if empty_too and int(chosen.instants[-1] + chosen.interval[-1]) > time.time():
        raise CorrectionError(_("The last of these intervals is not over yet."), "end")
    return Incoming(register, chosen.instants, chosen.values, chosen.qualities), found.version


def _check_set(where: Range, value: float | None, quality: Quality | None) -> None:
    if value is None and quality is None:
        raise CorrectionError(_("Give a value, a quality or both."), "value")
    if value is not None and not abs(value) < ABSURD:
        raise CorrectionError(
            _("The value is no number that a meter could have measured."), "value"
        )
    if quality is Quality.MISSING:
        raise CorrectionError(_("A reading has no such quality; delete it instead."), "quality")


def _check_seen(version: int, seen: int | None) -> None:
    if seen is not None and seen != version:
        raise ChangedMeanwhileError(
            _("These readings have changed since you looked at them. Nothing was done; look again.")
        )


def _checked(reason: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise CorrectionError(_("Say why, for whoever wonders later."), "reason")
    if len(reason) > REASON_LENGTH or "\0" in reason:
        words = _("The reason has at most {most} characters.")
        raise CorrectionError(words.format(most=REASON_LENGTH), "reason")
    return reason
