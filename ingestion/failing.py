"""Meters that keep failing: asked again ever less often, then given up in sight of everybody.

What counts is a failure in a scheduled sweep in which the source answered and other meters were
read: an upstream that is down is no fault of its meters. A meter that is given up is still asked
once a day, so that it comes back by itself where the upstream has been mended.
"""

from datetime import datetime, timedelta

from django.db.models import F

from ingestion.models import Feed, Run, Source

# So many failures in a row, and the meter is given up: with a sweep every 15 minutes after six and
# a half hours.
TRIES = 6
LONGEST = timedelta(hours=6)
PROBE = timedelta(days=1)


def failed_again(feed: Feed, source: Source, now: datetime) -> dict[str, object]:
    """Say what to write on a feed whose meter has failed: when it is asked again."""
    failures = feed.failures + 1
    if failures >= TRIES:
        return {
            "failures": failures,
            "retry_at": now + PROBE,
            "given_up_at": feed.given_up_at or now,
        }
    sweeps = 2 ** (failures - 1) - 1
    pause = min(sweeps * timedelta(minutes=source.sweep_minutes), LONGEST)
    return {"failures": failures, "retry_at": now + pause if sweeps else None}


def went_well(now: datetime) -> dict[str, object]:
    """Say what to write on a feed whose meter was read."""
    return {"last_success_at": now, "failures": 0, "retry_at": None, "given_up_at": None}


def all_excused(run: Run) -> None:
    """Take back the failures of a sweep in which no meter at all could be read."""
    if run.trigger != Run.Trigger.SCHEDULE:
        return
    counted = Feed.objects.filter(last_run=run, failures__gt=0).exclude(last_error="")
    counted.filter(failures__lte=TRIES).update(given_up_at=None)
    counted.update(failures=F("failures") - 1, retry_at=None)
