"""Readings that somebody brings, stored as a run of their own: files, uploads, pushes."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ingestion.batch import Batch, Reason, Rejection
from ingestion.erasure_record import erased_among
from ingestion.lease import Lease
from ingestion.models import LEASE, Run
from ingestion.parsing import Parsed
from ingestion.record import NOTHING, Counts
from ingestion.registers import UnknownMeterError
from ingestion.results import MeterResult, RunResult
from ingestion.retrying import retried
from ingestion.services import finish
from ingestion.store import Context, Stored, refusal, store
from meters.language import N_
from meters.models import Meter

NOT_ONE = N_("Not one reading could be stored.")


@dataclass(frozen=True)
class Delivery:
    """What somebody brings.

    Attributes
    ----------
    parsed
        The readings, and those that were refused.
    raw
        Gives the raw text of a row, by its number in the batch.
    trigger
        By which door it came.
    name, size
        Of the file; its size [bytes].
    person
        Who brings it: the name of an account, where there is one.
    asked
        The one meter that all of it is about; every meter's where None.
    only
        The meter whose readings alone were wanted.
    start, stop
        The window that alone was wanted.
    register_zone
        Make meters that are named and the tenant does not have, in this time zone; where None that
        is an error.
    """

    parsed: Parsed
    raw: Callable[[int], str]
    trigger: Run.Trigger = Run.Trigger.FILE
    name: str = ""
    size: int = 0
    person: str = ""
    asked: UUID | None = None
    only: UUID | None = None
    start: datetime | None = None
    stop: datetime | None = None
    register_zone: str | None = None

    @property
    def muids(self) -> set[UUID]:
        """The meters that its readings belong to."""
        return {key.muid for key in self.parsed.batch.keys}


def take_in(delivery: Delivery, *, worker: str, keep: bool = True) -> RunResult:
    """Store what somebody brings, under a lease that others can see.

    Parameters
    ----------
    delivery
        What is to be stored.
    worker
        Who does it.
    keep
        False for a rehearsal: everything is done, then undone.
    """
    if not keep:
        with transaction.atomic():
            result = take_in_at_once(delivery, worker=worker)
            transaction.set_rollback(True)
        return result
    run = _begin(delivery, worker)
    try:
        with Lease(run):
            return _store(run, delivery)
    except UnknownMeterError as error:
        return finish(run, error=str(error))
    except KeyboardInterrupt:
        finish(run, error="Broken off by hand. Nothing was stored.")
        raise


def take_in_at_once(delivery: Delivery, *, worker: str) -> RunResult:
    """Store what somebody brings within the transaction that the caller has begun.

    Nobody sees the run before all of it is there, so there is nothing to hold: either everything is
    on record afterwards, or nothing at all.
    """
    run = _begin(delivery, worker)
    try:
        return _store(run, delivery)
    except UnknownMeterError as error:
        return finish(run, error=str(error))


def take_in_for(run: Run, delivery: Delivery) -> RunResult:
    """Store what has waited for a worker, which holds the run of it.

    All of it belongs to the transaction that the caller has begun.

    Raises
    ------
    LostLeaseError
        Another worker has taken the run over. Nothing was stored.
    """
    Run.objects.filter(pk=run.pk, worker=run.worker).update(meters=len(delivery.muids))
    try:
        return _store(run, delivery)
    except UnknownMeterError as error:
        return finish(run, error=str(error))


def unknown_meters(delivery: Delivery) -> list[UUID]:
    """List the meters that are named and the tenant does not have."""
    muids = delivery.muids | ({delivery.only} if delivery.only else set())
    known = set(Meter.objects.filter(muid__in=muids).values_list("muid", flat=True))
    return sorted(muids - known)


def names_of_meters() -> Mapping[str, UUID]:
    """By which metering points a file may name its meters; what two meters share names none."""
    points = Meter.objects.exclude(metering_point="").values_list("metering_point", "muid")
    times = Counter(point for point, _ in points)
    return {point: muid for point, muid in points if times[point] == 1}


def shown_name(name: str) -> str:
    """Leave of a file's name what can be shown: no folders, nothing that is invisible."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip()


def _begin(delivery: Delivery, worker: str) -> Run:
    return Run.objects.create(
        trigger=delivery.trigger,
        name=shown_name(delivery.name)[:200],
        person=delivery.person,
        state=Run.State.RUNNING,
        started_at=timezone.now(),
        worker=worker,
        lease_until=timezone.now() + LEASE,
        attempts=1,
        only=[delivery.only] if delivery.only else [],
        start=delivery.start,
        stop=delivery.stop,
        meters=len(delivery.muids),
        bytes=delivery.size,
    )


def _store(run: Run, delivery: Delivery) -> RunResult:
    def work() -> Stored:
        with transaction.atomic():
            _see_to_meters(delivery)
            batch, strangers = _of_known_meters(delivery)
            return store(
                batch,
                rejections=[*delivery.parsed.rejections, *strangers],
                raw=delivery.raw,
                context=Context(run=run, asked=delivery.asked),
            )

    stored = retried(work)
    error = ""
    if stored.counts.rejected and stored.counts.total == stored.counts.rejected:
        error = _(NOT_ONE)
    results, nameless = _by_meter(stored)
    finished = finish(run, results, error=error, nameless=nameless)
    return replace(finished, refused=tuple(stored.refused))


def _see_to_meters(delivery: Delivery) -> None:
    """Make the meters that are missing, where that is wished for; but none that was erased."""
    if delivery.register_zone is not None:
        before = set(_meters_of(delivery).values_list("pk", flat=True))
        Meter.objects.bulk_create(
            [
                Meter(muid=muid, name=f"Meter {str(muid)[:8]}", timezone=delivery.register_zone)
                for muid in sorted(delivery.muids)
            ],
            ignore_conflicts=True,
        )
        made = _meters_of(delivery).exclude(pk__in=before)
        # Asked after they were made: an erasure that was under way has been waited for by then.
        made.filter(muid__in=erased_among(made.values_list("muid", flat=True))).delete()
    elif delivery.only and not Meter.objects.filter(muid=delivery.only).exists():
        words = _("There is no meter {muid} here. Register it first.")
        raise UnknownMeterError(words.format(muid=delivery.only))


def _meters_of(delivery: Delivery) -> QuerySet[Meter]:
    return Meter.objects.filter(muid__in=delivery.muids)


def _of_known_meters(delivery: Delivery) -> tuple[Batch, list[Rejection]]:
    """Refuse the readings of meters that the tenant does not have, and take the others.

    Raises
    ------
    UnknownMeterError
        All of them are such. They are not kept one by one: what is to be done is the same for all.
    """
    batch, unknown = delivery.parsed.batch, set(unknown_meters(delivery))
    if not unknown:
        return batch, []
    if unknown >= delivery.muids:
        raise UnknownMeterError(_no_meters(sorted(unknown)))
    # Registers are made for every key, so none may be left of meters that there aren't.
    kept, strange = batch.without([key.muid in unknown for key in batch.keys])
    refused = [
        refusal(batch, int(at), Reason.METER, _("there is no such meter here"), delivery.raw)
        for at in strange
    ]
    return kept, refused


def _no_meters(muids: Sequence[UUID]) -> str:
    """Say of meters that there are none such, naming the first three."""
    named, others = ", ".join(map(str, muids[:3])), len(muids) - 3
    if len(muids) == 1:
        return _("There is no meter {muid} here. Register it first.").format(muid=named)
    if others <= 0:
        return _("There is no meter {muids} here. Register them first.").format(muids=named)
    words = ngettext(
        "There is no meter {muids} and {number} other here. Register them first.",
        "There is no meter {muids} and {number} others here. Register them first.",
        others,
    )
    return words.format(muids=named, number=others)


def _by_meter(stored: Stored) -> tuple[list[MeterResult], Counts]:
    """Lay out what was stored by the meters there are, and what belongs to none of them."""
    names = dict(Meter.objects.filter(muid__in=stored.by_meter).values_list("muid", "name"))
    results = [
        MeterResult(muid, names[muid], counts, tuple(stored.warnings.get(muid, ())), is_done=True)
        for muid, counts in stored.by_meter.items()
        if muid in names
    ]
    rejected = stored.counts.rejected - sum(result.counts.rejected for result in results)
    return results, Counts(rejected=rejected) if rejected else NOTHING
