"""When trouble is told and when its end is: late enough that nothing flaps. *Pure.*

A trouble begins when it is seen, is ripe when it has lasted for a while, is told once, and ends
when all has been well for a while. Between bad and good there is neither: a meter that is late
after it was silent is not well yet, and one that was well is not yet silent.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited.

    Attributes
    ----------
    before
        How long trouble lasts before it is ripe to be told.
    after
        How long all is well before that is ripe to be told.
    """

    before: timedelta
    after: timedelta


@dataclass(frozen=True, slots=True)
class Course:
    """How far one trouble has come.

    Attributes
    ----------
    seen_at
        When it was first seen.
    told_at
        When it was told; None while it has not been.
    well_at
        Since when all has been well again; None while it is not.
    """

    seen_at: datetime
    told_at: datetime | None = None
    well_at: datetime | None = None

    def ripe_at(self, patience: Patience) -> datetime | None:
        """Say from when on there is something to tell: the trouble or its end; None for neither."""
        if self.told_at is None:
            return self.seen_at + patience.before
        return None if self.well_at is None else self.well_at + patience.after


def look(course: Course | None, *, bad: bool, well: bool, now: datetime) -> Course | None:
    """Say how a trouble stands after a look at it; None where there is none (any more).

    Parameters
    ----------
    bad, well
        What the look has shown; both are False in between.
    """
    if course is None:
        return Course(now) if bad else None
    if course.told_at is None:
        # Nobody has heard of it, so nobody need hear that it is over.
        return course if bad else None
    if well:
        return course if course.well_at else replace(course, well_at=now)
    return replace(course, well_at=None)


def is_time(
    ripe: list[datetime],
    *,
    now: datetime,
    last_told: datetime | None,
    gather: timedelta,
    gap: timedelta,
) -> bool:
    """Say whether it is time to tell all that is ripe, in one message.

    Parameters
    ----------
    ripe
        Since when each thing to tell has been ripe; those of the future are not.
    last_told
        When something was told before.
    gather
        How long the first waits for others of the same cause.
    gap
        The least time between two messages.
    """
    due = [one for one in ripe if one <= now]
    if not due or (last_told is not None and now - last_told < gap):
        return False
    return now - min(due) >= gather
