"""What somebody does by hand: who, what and why, and how it is put on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from accounts.models import User
from ingestion.merge import Merged
from ingestion.models import ReadingRevision
from ingestion.registers import LockedRegister


class MisfitError(ValueError):
    """Something done by hand doesn't fit the intervals of its day; the text says why."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Who does what, and why."""

    act: ReadingRevision.Act
    author: User | None
    reason: str

    def check(self, merged: Merged) -> None:
        """Refuse everything where a part of it would be refused.

        Raises
        ------
        MisfitError
            Something doesn't fit.
        """
        if merged.refused:
            words = _("That does not fit the intervals of the day: {why}.")
            raise MisfitError(words.format(why=merged.refused[0][2]))


def sign(version: int, registers: Sequence[LockedRegister], by_hand: ByHand) -> None:
    """Put the author and the reason to the revisions of one write.

    A version belongs to one write alone, so it says which they are; the registers only find them by
    an index.
    """
    own = ReadingRevision.objects.filter(register__in=[one.pk for one in registers])
    own.filter(version=version).update(
        act=by_hand.act, author=by_hand.author, reason=by_hand.reason
    )


def as_moment(instant: int) -> datetime:
    """Return an instant [s] as the ORM takes it."""
    return datetime.fromtimestamp(instant, UTC)
