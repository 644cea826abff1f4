"""How far a run has come, and how long it may take still."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from ingestion.jobs import FIRST_BACKFILL
from ingestion.models import Feed, Run
from meters.models import Meter
from meters.wording import figure

# Before so much is done nothing can be said of the rest.
TELLING = 0.02


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes
    ----------
    share
        Of its work [0, 1], each meter counted alike.
    done, meters
        How many meters it has finished, of how many.
    meter, until
        At which it is, and up to when that has been read; None between two meters.
    left
        How much longer it takes at the pace so far, waiting in the queue included; None where that
        can't be told yet.
    """

    share: float
    done: int
    meters: int
    meter: Meter | None
    until: datetime | None
    left: timedelta | None

    @property
    def percent(self) -> int:
        """The share as it is shown: a hundred when all is done, not before [%]."""
        return int(self.share * 100)


def progress_of(run: Run, now: datetime) -> Progress | None:
    """Say how far a run has come; None where it has not begun, is over, or was brought to us."""
    if run.state not in Run.OPEN or run.started_at is None or not run.meters:
        return None
    done = Feed.objects.filter(last_run=run).count()
    feed = Feed.objects.filter(pk=run.at_feed).exclude(last_run=run).select_related("meter").first()
    until = run.at_time if feed else None
    share = min((done + _part(run, until, now)) / run.meters, 1.0)
    left = None
    if TELLING <= share < 1:
        left = (now - run.started_at) / share * (1 - share)
    return Progress(share, done, run.meters, feed.meter if feed else None, until, left)


def _part(run: Run, until: datetime | None, now: datetime) -> float:
    """Say how much of the meter at which the run is has been read [0, 1]."""
    if until is None:
        return 0.0
    begin = run.start or (run.source and run.source.backfill_from) or now - FIRST_BACKFILL
    end = min(run.stop or now, now)
    begin = max(begin, datetime(2000, 1, 1, tzinfo=UTC))
    return min(max((until - begin) / (end - begin), 0.0), 1.0) if end > begin else 0.0


def left_in_words(left: timedelta | None) -> str:
    """Write how long something takes still, as roughly as it is known."""
    if left is None:
        return ""
    minutes = left.total_seconds() / 60
    if minutes < 1.5:
        return _("about a minute left")
    if minutes < 90:
        return _("about {number} minutes left").format(number=figure(minutes))
    hours = minutes / 60
    if hours < 36:
        return _("about {number} hours left").format(number=figure(hours))
    return _("about {number} days left").format(number=figure(hours / 24))
