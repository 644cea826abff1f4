"""One meter within a run: asked piece by piece, stored, put on record.

It may be begun, which asks for its first piece, while other meters are still worked on.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import Error, InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from ingestion.client import Client, UnreachableError, UpstreamError, Usage
from ingestion.failing import failed_again, went_well
from ingestion.lease import HandOverError, Lease, LeavingError, LostLeaseError
from ingestion.meterlock import PATIENCE, MeterBusyError, alone_with
from ingestion.models import PLACE, Feed, Outcome, Run, Source
from ingestion.parsing import EARLIEST, Asked
from ingestion.prefetch import Ahead
from ingestion.record import NOTHING, Counts, grow, storable
from ingestion.registers import UnknownMeterError, hold_meter
from ingestion.results import MeterResult
from ingestion.store import Context, store
from ingestion.windows import STRAYS, Window, portions, windows

log = structlog.get_logger(__name__)

FIRST_BACKFILL = timedelta(days=31)
# Nothing is read of the future; a day more covers every clock that is a little ahead.
AHEAD = 86_400


@dataclass
class Job:
    """One meter within a run.

    Parameters
    ----------
    run, source, feed
        What is done, and of which meter.
    stored_until
        Up to when the meter's readings are stored [s]; None where none are.
    lease
        The hold on the run; None where it is a rehearsal, of which nothing is kept.
    read_until
        Up to when this run has read the meter already, before it was handed over or since [s].

    Attributes
    ----------
    is_begun, client
        Whether it has been asked for, and who asks.
    unreachable
        Whether nobody answered for the source at all.
    of_source
        Whether the source failed, not the meter.
    excused
        Whether the meter failed through no fault of its own.
    """

    run: Run
    source: Source
    feed: Feed
    stored_until: int | None
    lease: Lease | None
    read_until: int | None = None
    result: MeterResult = field(init=False)
    is_begun: bool = False
    client: Client | None = None
    unreachable: bool = False
    of_source: bool = False
    excused: bool = False
    _first: Usage = field(default_factory=Usage)
    _told: Usage = field(default_factory=Usage)
    _alone: ExitStack = field(default_factory=ExitStack)
    _coming: Ahead[tuple[Window, Usage]] | None = None
    _asked: tuple[int, int] | None = None
    _untold: Counts = NOTHING

    def __post_init__(self) -> None:
        self.result = MeterResult(self.feed.meter.muid, self.feed.meter.name)

    @property
    def requests(self) -> int:
        """How often the source has been asked for it by now."""
        return self.client.usage.requests - self._first.requests if self.client else 0

    def begin(self, client: Client, *, patience: float = PATIENCE) -> None:
        """Keep other runs from asking for this meter, and have a thread ask for its first piece.

        Parameters
        ----------
        client
            Asks the source, for nothing else until the job is done.
        patience
            How long to wait for another run that reads the meter [s].

        Raises
        ------
        MeterBusyError
            One has been reading it all that time.
        """
        start, stop = self._window()
        meter, check = self.feed.meter, self.lease.check if self.lease else None
        if check and start < stop:
            # Until the answers are stored.
            self._alone.enter_context(alone_with(meter.pk, check=check, patience=patience))
        self.client, self.is_begun = client, True
        self._first = self._told = replace(client.usage)
        if start < stop:
            self._asked = start, stop
            asked = Asked(now(), meter.muid, measurement=self.source.measurement)
            pieces = portions(windows(client, asked, meter.muid, start, stop, self.source.interval))
            self._coming = Ahead(_with_usage(client, pieces), hang_up=client.abandon, check=check)

    def drop(self) -> None:
        """Give up what has been begun; what asking has cost goes on record."""
        if self._coming:
            self._coming.close()
        self._alone.close()
        # Where the run is no longer ours, or the database is gone, nothing is put down.
        with suppress(Error, LostLeaseError):
            if self.lease and self.client:
                self._break()

    def work(self, client: Client) -> Iterator[tuple[MeterResult, float]]:
        """Ask and store piece by piece; yield the result so far and the share that is done.

        Parameters
        ----------
        client
            Asks the source, where that has not begun yet.
        """
        try:
            with self._alone:
                if not self.is_begun:
                    self.begin(client)
                yield from self._pieces()
        except UnreachableError as error:
            self.unreachable = self.of_source = self.excused = True
            self._fail(str(error))
        except MeterBusyError as error:
            self.excused = True
            self._fail(str(error))
        except UpstreamError as error:
            self.of_source = error.of_source
            self._fail(str(error))
        except UnknownMeterError as error:
            self._fail(str(error))
        except SoftTimeLimitExceeded:
            self._fail(
                "One piece of this meter took longer than a worker's time limit. "
                "Lower the source's limit, so that the pieces get smaller."
            )
        except HandOverError:
            self._break()
            raise
        except LeavingError:
            self._break()
            raise HandOverError(self.feed.pk, self.read_until) from None
        except (OperationalError, InterfaceError, LostLeaseError):
            # No fault of this meter: the database is gone, or the run is somebody else's.
            raise
        except Exception as error:
            # A fault of ours must not keep the other meters from being read, now and at each
            # further attempt.
            log.exception("meter failed", run=self.run.pk, meter=str(self.result.muid))
            kind = type(error).__name__
            self._fail(f"An unexpected error ({kind}); the worker's log tells more.")
        yield self.close(), 1.0

    def _pieces(self) -> Iterator[tuple[MeterResult, float]]:
        """Store each piece while the next one is asked for."""
        if self._coming is None or self._asked is None:
            return
        start, stop = self._asked
        with closing(self._coming):
            for piece, usage in self._coming:
                if self.lease:
                    self.lease.check()
                self._store(piece, usage)
                self.read_until = piece.stop
                yield self.result, (piece.stop - start) / (stop - start)
                if self.lease and self.lease.is_over and piece.stop < stop:
                    # What is asked ahead by now is asked again by whoever goes on.
                    raise HandOverError(self.feed.pk, piece.stop)

    def _store(self, piece: Window, usage: Usage) -> None:
        stored = store(
            piece.batch,
            rejections=piece.rejections,
            raw=piece.raw,
            default_interval=self.source.interval,
            context=Context(
                run=self.run if self.lease else None,
                asked=self.result.muid,
                remarks=self._remarks(piece),
                untold=self._untold,
                window=self._asked,
                spent=self._spent(usage),
                place=(self.feed.pk, piece.stop),
                keep=self.lease is not None,
            ),
        )
        self._told = usage
        warnings = stored.warnings.get(self.result.muid, [])
        is_told = stored.counts.is_news or bool(warnings)
        self._untold = NOTHING if is_told else self._untold + stored.counts
        self.result = replace(
            self.result,
            counts=self.result.counts + stored.counts,
            warnings=tuple(dict.fromkeys([*self.result.warnings, *warnings])),
        )

    def _remarks(self, piece: Window) -> list[str]:
        # A file has the window that it has; an API was asked for this one.
        is_file = PLACE in self.source.address
        return [*piece.warnings, *([STRAYS] if piece.has_strays and not is_file else [])]

    def _spent(self, usage: Usage | None = None) -> dict[str, int]:
        """Say what asking has cost since it was last put on record, by now or by some moment."""
        told = self._told
        if usage is None:
            usage = self.client.usage if self.client else told
        return {
            "requests": usage.requests - told.requests,
            "bytes": usage.bytes - told.bytes,
            "retries": usage.retries - told.retries,
        }

    def _window(self) -> tuple[int, int]:
        """Say what to ask for, in whole seconds: the run's window, or from what is stored on."""
        meter, source, run = self.feed.meter, self.source, self.run
        latest = now() + AHEAD
        stop = min(int(run.stop.timestamp()), latest) if run.stop else now()
        reached = EARLIEST if self.read_until is None else max(self.read_until, EARLIEST)
        if run.start:
            return max(int(run.start.timestamp()), reached), stop
        begin = source.backfill_from or timezone.now() - FIRST_BACKFILL
        start = int(begin.timestamp())
        if self.stored_until is not None:
            again = self.stored_until - source.reread_hours * 3600
            # Looking back never reaches behind where the source is to begin; what came from
            # elsewhere and ends before that is gone on from.
            goes_on = source.backfill_from is not None and self.stored_until > start
            start = max(again, start) if goes_on else again
        start = max(start, reached, meter.validity.since)
        return start, min(stop, meter.validity.until)

    def _fail(self, words: str) -> None:
        # Some of the words may be the upstream's own.
        self.result = replace(self.result, error=storable(words))

    def skip(self, words: str, *, excused: bool = True) -> MeterResult:
        """Put the meter down as failed without asking."""
        self.excused = excused
        self._fail(words)
        return self.close()

    def _break(self) -> None:
        """Put on record what is not yet, of a meter that is gone on with later."""
        spent, untold = self._spent(), self._untold.unchanged
        with transaction.atomic():
            # The run comes last, as in `_close`.
            if untold:
                held = Outcome.objects.filter(run=self.run, meter=self.feed.meter)
                held.update(unchanged=F("unchanged") + untold)
            grow(self.run, spent)

    def close(self) -> MeterResult:
        """Say on the feed how it went, and keep the outcome where it failed."""
        self.result = replace(self.result, is_done=True)
        if self.lease:
            with transaction.atomic():
                self._close(self.result.error)
        return self.result

    def _close(self, error: str) -> None:
        # In the order in which an erasure locks: the meter, its feed, the runs that name it.
        spent, untold = self._spent(), self._untold.unchanged
        has_outcome = self.result.counts.is_news or self.result.warnings
        # Of a meter that was erased in the meantime nothing is put down.
        if (error or (untold and has_outcome)) and hold_meter(self.result.muid):
            Outcome.objects.update_or_create(
                run=self.run,
                meter=self.feed.meter,
                defaults={"error": error, "unchanged": F("unchanged") + untold},
                create_defaults={"error": error, "unchanged": untold},
            )
        changes: dict[str, object] = {"last_run": self.run, "last_error": error}
        if not error:
            changes |= went_well(timezone.now())
        elif self.run.trigger == Run.Trigger.SCHEDULE and not self.excused:
            changes |= failed_again(self.feed, self.source, timezone.now())
        Feed.objects.filter(pk=self.feed.pk).update(**changes)
        if any(spent.values()):
            grow(self.run, spent, asked=self._asked)


def _with_usage(client: Client, pieces: Iterator[Window]) -> Iterator[tuple[Window, Usage]]:
    """Say with each piece what asking has cost by then: the next one is asked for meanwhile."""
    for piece in pieces:
        yield piece, replace(client.usage)


def now() -> int:
    """Return the present in whole seconds."""
    return int(datetime.now(UTC).timestamp())
