"""A circuit breaker for each source: one that keeps failing is left alone for a while.

PostgreSQL keeps its state, on the source's row, and not Redis: nothing can be stored without
PostgreSQL anyway, so there is no moment in which workers disagree; the pages read it where they
read the source; and clearing Redis does not send every worker to an upstream that is down. It is
written only when something fails or recovers.

Closed, questions go out. After `TRIES` that failed in a row, whichever worker asked them, it opens:
nothing is asked until a moment that lies further off with each failure. Past it, it is half open:
one worker may ask for one meter, and what becomes of that decides.
"""

import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from ingestion.models import Source
from ingestion.record import storable
from meters.dates import dated

log = structlog.get_logger(__name__)

TRIES = 5
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(hours=1)
# How long one question may take at most, after which whoever asked it has died: see `Limits`.
PROBE = timedelta(minutes=5)
# How often a worker looks whether another one has met failures, or mended them [s].
LOOK = 5.0
MOST_WORDS = 500
FIELDS = ("failures", "rests_until", "last_failure")


class Breaker:
    """The breaker of one source, as one worker sees it.

    Parameters
    ----------
    source
        Whom it protects.
    by_hand
        Whether somebody waits for the answer: then one question may go out at any time, for whoever
        mends a source wants to see it work.
    """

    def __init__(self, source: Source, *, by_hand: bool = False) -> None:
        self._source, self._by_hand = source, by_hand
        # It has just been read.
        self._looked = time.monotonic()
        self._is_probing = False

    @property
    def is_closed(self) -> bool:
        """Whether anything may be asked without further ado."""
        self._look()
        return self._source.failures == 0 and self._source.rests_until is None

    def objection(self) -> str:
        """Say in words why nothing may be asked now; empty where it may."""
        self._look()
        source = self._source
        if source.rests_until is None or self._is_probing or self._take_probe():
            return ""
        self._refresh()
        return told(source, connection.tenant.timezone)  # type: ignore[attr-defined]

    def heard(self, error: str, *, of_source: bool) -> None:
        """Note what became of a question: where the meter failed, the source has answered."""
        self._is_probing = False
        if error and of_source:
            self._failed(error)
        else:
            self._answered()

    def _answered(self) -> None:
        self._look()
        source = self._source
        if source.failures == 0 and source.rests_until is None:
            return
        if close(source) and source.rests_until is not None:
            log.info("source answers again", source=source.pk)
        source.failures, source.rests_until, source.last_failure = 0, None, ""

    def _failed(self, words: str) -> None:
        source = self._source
        Source.objects.filter(pk=source.pk).update(
            failures=F("failures") + 1, last_failure=storable(words)[:MOST_WORDS]
        )
        self._refresh()
        if source.failures >= TRIES:
            source.rests_until = timezone.now() + pause_after(source.failures)
            Source.objects.filter(pk=source.pk, failures=source.failures).update(
                rests_until=source.rests_until
            )
            log.warning("source left alone", source=source.pk, until=source.rests_until.isoformat())

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked > LOOK:
            self._refresh()
            self._looked = now

    def _refresh(self) -> None:
        # A source that has been deleted in the meantime stays as it was last seen.
        for held in Source.objects.filter(pk=self._source.pk).values(*FIELDS):
            vars(self._source).update(held)

    def _take_probe(self) -> bool:
        """Be the one that asks; until it is known how that went, the others wait."""
        free = Q(rests_until__lte=Now())
        if self._by_hand:
            # Once: what comes after it waits like everybody else.
            free, self._by_hand = Q(rests_until__isnull=False), False
        taken = Source.objects.filter(free, pk=self._source.pk)
        self._is_probing = bool(taken.update(rests_until=Now() + PROBE))
        return self._is_probing


def pause_after(failures: int) -> timedelta:
    """Say how long a source is left alone after so many failures in a row."""
    doublings = min(max(failures - TRIES, 0), 10)
    return min(SHORTEST * int(2**doublings), LONGEST)


def close(source: Source) -> bool:
    """Let a source be asked again as if nothing had happened; whether anything had."""
    had = Q(failures__gt=0) | Q(rests_until__isnull=False)
    held = Source.objects.filter(had, pk=source.pk)
    return bool(held.update(failures=0, rests_until=None, last_failure=""))


def told(source: Source, zone: str, now: datetime | None = None) -> str:
    """Say in a sentence that a source is left alone, until when and why; empty where it is not."""
    words = resting(source, zone, now)
    return f"{words} {source.last_failure}" if words else ""


def resting(source: Source, zone: str, now: datetime | None = None) -> str:
    """Begin that sentence, up to what failed last, which is on record in English."""
    now = now or timezone.now()
    if source.rests_until is None:
        return ""
    if source.rests_until <= now:
        words = _("Asked again with the next sweep, since {failures} answers in a row failed:")
        return words.format(failures=source.failures)
    until = source.rests_until.astimezone(ZoneInfo(zone))
    is_today = until.date() == now.astimezone(ZoneInfo(zone)).date()
    moment = f"{until:%H:%M}" if is_today else f"{dated(until, 'no_year')} {until:%H:%M}"
    words = _("Not asked until {moment} ({zone}) since {failures} answers in a row failed:")
    return words.format(moment=moment, zone=zone, failures=source.failures)
