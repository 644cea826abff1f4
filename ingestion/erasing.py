"""A person's meter erased: everything that was kept of it, in one transaction, and that on record.

The meter's registers and the meter itself are locked first, as the store locks them. Whoever is
storing its readings at that moment is waited for, and what was stored goes as well; whoever comes
later finds no meter, and stores nothing (see `ingestion.registers`); files that are brought later
don't make it anew, and what is refused of it is counted, but not kept. Whatever refers to a meter
by a foreign key goes with it. What else may hold something of it, such as texts or kept requests,
says how that is erased by a function of its own, registered with `erases`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from ingestion.erasure_record import digest_of
from ingestion.models import Erasure
from ingestion.registers import UnknownMeterError
from ingestion.retrying import retried
from meters.models import Meter, Register

log = structlog.get_logger(__name__)

REASON_LENGTH = 200
INSTEAD = "[erased meter]"
# A metering point's designation that is shorter could be a part of anything.
SHORTEST_POINT = 6


@dataclass(frozen=True, slots=True)
class Subject:
    """The meter that is erased, and by what it could be known elsewhere."""

    pk: int
    muid: UUID
    metering_point: str = ""

    @property
    def marks(self) -> list[str]:
        """What names the meter in a text, in small letters."""
        point = self.metering_point.lower()
        named = [point] if len(point) >= SHORTEST_POINT else []
        return [str(self.muid), self.muid.hex, *named]

    @property
    def patterns(self) -> list[str]:
        """The same for SQL's LIKE, anywhere in a text."""
        plain = (
            mark.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") for mark in self.marks
        )
        return [f"%{mark}%" for mark in plain]

    def scrubbed(self, text: str) -> str:
        """Write a text without what names the meter."""
        return re.sub("|".join(map(re.escape, self.marks)), INSTEAD, text, flags=re.IGNORECASE)


Eraser = Callable[[Subject], int]
ERASERS: dict[str, Eraser] = {}


class ErasureError(ValueError):
    """A meter can't be erased like that. Nothing was changed; `field` says what is at fault."""

    def __init__(self, words: str, field: str = "reason") -> None:
        super().__init__(words)
        self.field = field


def erases(what: str) -> Callable[[Eraser], Eraser]:
    """Register a function that erases what it knows of a meter and returns how much that was.

    It runs inside the transaction that erases the meter, before the meter itself is gone.

    Parameters
    ----------
    what
        What it erases, in the plural, as the record is to say it: in English, marked by `N_`, for
        pages translate it.
    """

    def registered(eraser: Eraser) -> Eraser:
        ERASERS[what] = eraser
        return eraser

    return registered


def erase_meter(*, muid: UUID, person: str, reason: str, keep: bool = True) -> Erasure:
    """Erase a meter and everything that is kept of it. It can't be undone.

    Parameters
    ----------
    muid
        The meter.
    person
        Who does it: the name of an account.
    reason
        Why; it stays, so it must not name the meter.
    keep
        False for a rehearsal: everything is done, then undone.

    Returns
    -------
    What was put on record; without a number where it was a rehearsal.

    Raises
    ------
    UnknownMeterError
        There is no such meter.
    ErasureError
        The reason won't do.
    """

    def work() -> Erasure:
        with transaction.atomic():
            erasure = _erase(muid, person, " ".join(reason.split()))
            if not keep:
                transaction.set_rollback(True)
                erasure.pk = None
            return erasure

    erasure = retried(work)
    if keep:
        log.info("meter erased", erasure=erasure.pk, **erasure.counts)
    return erasure


def _erase(muid: UUID, person: str, reason: str) -> Erasure:
    meter = _locked(muid)
    subject = Subject(meter.pk, meter.muid, meter.metering_point)
    _check_reason(reason, meter, subject)
    counts = {what: eraser(subject) for what, eraser in ERASERS.items()}
    _, others = meter.delete()
    for label, n in others.items():
        # What refers to a meter and has no eraser of its own.
        if label != Meter._meta.label:  # noqa: SLF001 - its documented name
            counts[label] = counts.get(label, 0) + n
    digest = digest_of(muid)
    return Erasure.objects.create(person=person, reason=reason, counts=counts, digest=digest)


def _locked(muid: UUID) -> Meter:
    """Lock registers and meter in the store's order, so that the two never wait for each other.

    Locked so strongly, nobody can put anything to the meter until it is gone.
    """
    list(
        Register.objects.filter(meter__muid=muid)
        .select_related("meter")
        .select_for_update(of=("self", "meter"))
        .order_by("pk")
    )
    meter = Meter.objects.select_for_update().filter(muid=muid).first()
    if meter is None:
        raise UnknownMeterError(_("There is no meter {muid} here.").format(muid=muid))
    return meter


def _check_reason(reason: str, meter: Meter, subject: Subject) -> None:
    if not reason:
        raise ErasureError(_("Say why, for example by the number of the request."))
    if len(reason) > REASON_LENGTH or "\0" in reason:
        raise ErasureError(
            _("The reason has at most {most} characters.").format(most=REASON_LENGTH)
        )
    names = [*subject.marks, meter.name.lower()]
    if any(name in reason.lower() for name in names):
        raise ErasureError(_("The reason stays, so leave out what names the meter."))
