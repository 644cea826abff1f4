"""A run that somebody asks for: checked in words before it is put on record."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from ingestion.models import Feed, Run, Source
from ingestion.services import plan_run
from meters.journal import ADDITION, note
from meters.models import Meter
from meters.registering import ConflictError, RefusedError

MOST_METERS = 10_000
MOST_NAMED = 10


def plan_asked(
    *,
    source: Source | None,
    meters: Sequence[UUID],
    start: datetime | None,
    stop: datetime | None,
    person: User,
) -> Run:
    """Plan a run of a source, or of some meters of one source. A run has one source.

    Parameters
    ----------
    source
        None where the meters tell it.
    meters
        All that the source feeds where empty.
    start, stop
        The window; where None each meter goes on from what is stored, up to the present.

    Raises
    ------
    RefusedError
        There is no such meter, or the window is none; `ConflictError` where the meters have no
        source, or not the same.
    """
    _check_window(start, stop)
    only = list(dict.fromkeys(meters))
    if only:
        source = _their_source(only, source)
    if source is None:
        raise RefusedError({"source": "Say which source to ask, or which meters."})
    if not only and not Feed.objects.filter(source=source, is_active=True).exists():
        raise ConflictError({"source": f"“{source.name}” feeds no meter that is asked for."})
    with transaction.atomic():
        run = plan_run(source=source, trigger=Run.Trigger.ADMIN, only=only, start=start, stop=stop)
        note(person=person, what=run, act=ADDITION, words="Planned over the API.")
    return run


def _check_window(start: datetime | None, stop: datetime | None) -> None:
    if start is not None and stop is not None and stop <= start:
        raise RefusedError({"stop": "The window ends before it begins: “stop” lies after “start”."})
    if start is not None and start > timezone.now():
        raise RefusedError({"start": "There are no readings of the future: “start” lies there."})


def _their_source(only: Sequence[UUID], source: Source | None) -> Source:
    if len(only) > MOST_METERS:
        raise RefusedError(
            {"meters": f"A run names {MOST_METERS:,} meters at most; plan several, or name none."}
        )
    known = dict(
        Meter.objects.filter(muid__in=only).values_list("muid", "feed__source", named=False)
    )
    if unknown := [muid for muid in only if muid not in known]:
        raise RefusedError({"meters": f"There is no meter {_named(unknown)} here."})
    if unfed := [muid for muid in only if known[muid] is None]:
        raise ConflictError(
            {
                "meters": f"No source feeds the meter {_named(unfed)}. Set it with "
                "PUT /api/v1/meters/{muid}/source/."
            }
        )
    if source is not None:
        if others := [muid for muid in only if known[muid] != source.pk]:
            raise ConflictError(
                {"meters": f"“{source.name}” does not feed the meter {_named(others)}."}
            )
        return source
    found = list(Source.objects.filter(pk__in=set(known.values())).order_by("name"))
    if len(found) != 1:
        names = ", ".join(f"“{one.name}”" for one in found[:MOST_NAMED])
        raise ConflictError(
            {"meters": f"These meters have different sources: {names}. Plan a run for each."}
        )
    return found[0]


def _named(muids: Sequence[UUID]) -> str:
    more = len(muids) - MOST_NAMED
    return ", ".join(map(str, muids[:MOST_NAMED])) + (f" and {more:,} more" if more > 0 else "")
