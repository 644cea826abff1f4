"""The record of work, looked up: runs, what they did to meters, and what was refused."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db.models import Case, Count, Q, QuerySet, Value, When

from ingestion.models import Outcome, ReadingRevision, RejectedReading, Run, Source

MOST_REMARKS = 20


@dataclass(frozen=True, slots=True)
class RunsWanted:
    """Which runs are looked for; None means any.

    Attributes
    ----------
    meter
        To which something happened in the run.
    since, until
        When the run was planned, ``[since, until)``.
    """

    state: str | None = None
    trigger: str | None = None
    source: str | None = None
    meter: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def find(self) -> QuerySet[Run]:
        """Find them, the latest first."""
        found = Run.objects.select_related("source")
        if self.state is not None:
            found = found.filter(state=self.state)
        if self.trigger is not None:
            found = found.filter(trigger=self.trigger)
        if self.source is not None:
            found = found.filter(source__name=self.source)
        if self.meter is not None:
            own = Outcome.objects.filter(meter__muid=self.meter)
            found = found.filter(pk__in=own.values("run"))
        if self.since is not None:
            found = found.filter(created_at__gte=self.since)
        if self.until is not None:
            found = found.filter(created_at__lt=self.until)
        return found


@dataclass(frozen=True, slots=True)
class RejectionsWanted:
    """Which refused readings are looked for; None means any.

    Attributes
    ----------
    meter
        The one they were asked of, or that they name where it is none of ours.
    run
        The one that met them last.
    since, until
        When they were last met, ``[since, until)``.
    """

    reason: str | None = None
    meter: UUID | None = None
    run: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def find(self) -> QuerySet[RejectedReading]:
        """Find them, the latest first."""
        found = RejectedReading.objects.select_related("meter")
        if self.reason is not None:
            found = found.filter(reason=self.reason)
        if self.meter is not None:
            unknown = Q(meter__isnull=True, muid__iexact=str(self.meter))
            found = found.filter(Q(meter__muid=self.meter) | unknown)
        if self.run is not None:
            found = found.filter(run=self.run)
        if self.since is not None:
            found = found.filter(last_seen_at__gte=self.since)
        if self.until is not None:
            found = found.filter(last_seen_at__lt=self.until)
        return found

    @property
    def is_narrowed(self) -> bool:
        return any(getattr(self, one.name) is not None for one in fields(self))


@dataclass(frozen=True, slots=True)
class RevisionsWanted:
    """Which replaced readings are looked for; None means any.

    Attributes
    ----------
    by
        ``source``, ``hand`` for anything by hand, or one act.
    since, until
        When they were replaced, ``[since, until)``.
    """

    by: str | None = None
    meter: UUID | None = None
    run: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def find(self) -> QuerySet[ReadingRevision]:
        """Find them, the latest first: their numbers rise as they are recorded."""
        found = ReadingRevision.objects.select_related("register__meter", "author")
        if self.by == "source":
            found = found.filter(act="")
        elif self.by == "hand":
            found = found.exclude(act="")
        elif self.by is not None:
            found = found.filter(act=self.by)
        if self.meter is not None:
            found = found.filter(register__meter__muid=self.meter)
        if self.run is not None:
            found = found.filter(run=self.run)
        if self.since is not None:
            found = found.filter(recorded_at__gte=self.since)
        if self.until is not None:
            found = found.filter(recorded_at__lt=self.until)
        return found.order_by("-pk")

    @property
    def is_narrowed(self) -> bool:
        return any(getattr(self, one.name) is not None for one in fields(self))


@dataclass(frozen=True, slots=True)
class SourcesWanted:
    """Which sources are looked for; None means any.

    Attributes
    ----------
    search
        Part of the name.
    state
        One of `STATES`.
    """

    STATES: ClassVar[tuple[str, ...]] = ("swept", "paused", "resting")

    search: str | None = None
    state: str | None = None

    def find(self, now: datetime) -> QuerySet[Source]:
        """Find them by name, each with its `state`, and how many `meters` and `given_up` it has."""
        found = Source.objects.annotate(
            meters=Count("feeds"),
            given_up=Count(
                "feeds", filter=Q(feeds__given_up_at__isnull=False, feeds__is_active=True)
            ),
            state=Case(
                When(is_active=False, then=Value("paused")),
                When(rests_until__gt=now, then=Value("resting")),
                default=Value("swept"),
            ),
        )
        if self.search is not None:
            found = found.filter(name__icontains=self.search)
        if self.state is not None:
            found = found.filter(state=self.state)
        return found.order_by("name", "pk")


def in_pieces(wanted: RejectionsWanted, size: int = 1_000) -> Iterator[list[RejectedReading]]:
    """Find refused readings piece by piece, each with a short query of its own.

    They come by their number, the latest made first: what is counted again meanwhile moves in the
    other order, and would be told twice or not at all.
    """
    found, below = wanted.find().order_by("-pk"), None
    while True:
        piece = list(found.filter(pk__lt=below)[:size] if below else found[:size])
        if piece:
            yield piece
        if len(piece) < size:
            return
        below = piece[-1].pk


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning or an error, and how many meters of a run it was about."""

    words: str
    meters: int


def remarks(run: Run) -> tuple[list[Remark], list[Remark]]:
    """Gather what a run warned of and what failed, each sentence once, the commonest first.

    Returns
    -------
    Warnings and errors, at most `MOST_REMARKS` of each.
    """
    warnings: dict[str, int] = {}
    errors: dict[str, int] = {}
    told = Outcome.objects.filter(run=run).exclude(error="", warnings=[])
    for found, error in told.order_by("pk").values_list("warnings", "error"):
        for words in found:
            warnings[words] = warnings.get(words, 0) + 1
        if error:
            errors[error] = errors.get(error, 0) + 1
    return _commonest(warnings), _commonest(errors)


def _commonest(counted: dict[str, int]) -> list[Remark]:
    ordered = sorted(counted.items(), key=lambda one: -one[1])
    return [Remark(words, meters) for words, meters in ordered[:MOST_REMARKS]]
