"""Gaps, looked up and added up."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from ingestion.models import Gap


@dataclass(frozen=True, slots=True)
class GapsWanted:
    """Which gaps are looked for; None means any.

    Attributes
    ----------
    states
        In which of these states.
    """

    states: Sequence[str] | None = None
    meter: UUID | None = None

    def find(self) -> QuerySet[Gap]:
        """Find them: those that lack something first, by their beginning."""
        found = Gap.objects.select_related("register__meter")
        if self.states is not None:
            found = found.filter(state__in=self.states)
        if self.meter is not None:
            found = found.filter(register__meter__muid=self.meter)
        return found


@dataclass(frozen=True, slots=True)
class GapSums:
    """How many gaps there are, how many intervals they lack, and how many have come."""

    open: int
    given_up: int
    missing: int
    came: int


def gap_sums(meter: UUID | None = None) -> GapSums:
    """Add up the gaps of the tenant, or of one meter; those that were dropped are left out."""
    found = GapsWanted(meter=meter).find().exclude(state=Gap.State.DROPPED)
    sums = found.aggregate(
        open=Count("pk", filter=Q(state=Gap.State.OPEN)),
        given_up=Count("pk", filter=Q(state=Gap.State.GIVEN_UP)),
        # Named before the sum of the same name, which would hide the column.
        came=Coalesce(Sum(F("at_first") - F("missing")), 0),
        missing=Coalesce(Sum("missing"), 0),
    )
    return GapSums(**sums)
