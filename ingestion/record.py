"""The record of work that is written along with readings, in the same transaction.

A run's counts and a meter's outcome grow, and what was refused is kept with its raw text.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.utils import timezone

from ingestion.batch import Rejection
from ingestion.erasure_record import erased_among
from ingestion.lease import LostLeaseError
from ingestion.models import RejectedReading, Run
from ingestion.registers import held_meters

# Of one run's rejections so many are kept with their raw text; the others are counted.
MOST_KEPT = 1_000
COUNTERS = ("new", "corrected", "unchanged", "rejected", "requests", "retries", "bytes")
# Every piece that is stored asks this; written by the ORM it took a third of the storing.
GROW = (
    f"UPDATE ingestion_run SET {', '.join(f'{name} = {name} + %s' for name in COUNTERS)}, "
    "asked_from = least(asked_from, to_timestamp(%s)), "
    "asked_to = greatest(asked_to, to_timestamp(%s)) "
    "WHERE id = %s AND worker = %s"
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many readings were new, corrected, unchanged and rejected."""

    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.new + other.new,
            self.corrected + other.corrected,
            self.unchanged + other.unchanged,
            self.rejected + other.rejected,
        )

    @property
    def total(self) -> int:
        return self.new + self.corrected + self.unchanged + self.rejected

    @property
    def is_news(self) -> bool:
        """Whether anything but unchanged readings is among them."""
        return self.total > self.unchanged


NOTHING = Counts()


# The same with where the run is. A day further than it was shows that no worker dies there.
GET_ON = GROW.replace(
    " WHERE",
    ", strikes = CASE WHEN at_feed = %s AND at_time > to_timestamp(%s) - interval '1 day' "
    "THEN strikes ELSE 0 END, at_feed = %s, at_time = to_timestamp(%s) WHERE",
)


def grow(
    run: Run,
    amounts: Mapping[str, int],
    *,
    asked: tuple[int, int] | None = None,
    place: tuple[int, int] | None = None,
) -> None:
    """Let counters of a run grow, and the window that it has asked for, while it is the worker's.

    The worker's name is the fence: one that was thought dead and comes back adds nothing to the
    work of the one that took the run over. Called within a transaction, it undoes all of that.

    Parameters
    ----------
    amounts
        By how much each grows, by the names of `COUNTERS`.
    asked
        From when to when a meter was asked for [s]; None where none was.
    place
        The feed at which the run is, and up to when that has been read [s].

    Raises
    ------
    LostLeaseError
        Another worker has taken the run over.
    """
    if place or any(amounts.values()):
        counts = [amounts.get(name, 0) for name in COUNTERS]
        values = [*counts, *(asked or (None, None)), *(place or ()) * 2, run.pk, run.worker]
        with connection.cursor() as cursor:
            cursor.execute(GET_ON if place else GROW, values)
            is_ours = bool(cursor.rowcount)
    else:
        is_ours = Run.objects.filter(pk=run.pk, worker=run.worker).exists()
    if not is_ours:
        raise LostLeaseError(run.pk)


def record_outcomes(
    run: Run, counts: Mapping[UUID, Counts], warnings: Mapping[UUID, Sequence[str]]
) -> None:
    """Add to the outcomes of those meters to which something happened."""
    worth = {
        muid: (one, list(warnings.get(muid, ())))
        for muid, one in counts.items()
        if one.is_news or warnings.get(muid)
    }
    if not worth:
        return
    rows = [
        {
            "muid": str(muid),
            "new": one.new,
            "corrected": one.corrected,
            "unchanged": one.unchanged,
            "rejected": one.rejected,
            "warnings": [storable(text) for text in told],
        }
        for muid, (one, told) in worth.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingestion_outcome AS o "
            "(run_id, meter_id, new, corrected, unchanged, rejected, warnings, error) "
            "SELECT %s, m.id, w.new, w.corrected, w.unchanged, w.rejected, w.warnings, '' "
            "FROM jsonb_to_recordset(%s::jsonb) AS w(muid uuid, new int, corrected int, "
            "unchanged int, rejected int, warnings text[]) "
            "JOIN meters_meter m ON m.muid = w.muid ORDER BY m.id FOR KEY SHARE OF m "
            "ON CONFLICT (run_id, meter_id) DO UPDATE SET new = o.new + excluded.new, "
            "corrected = o.corrected + excluded.corrected, "
            "unchanged = o.unchanged + excluded.unchanged, "
            "rejected = o.rejected + excluded.rejected, "
            "warnings = o.warnings || ARRAY(SELECT unnest(excluded.warnings) "
            "EXCEPT SELECT unnest(o.warnings))",
            [run.pk, json.dumps(rows)],
        )


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def record_rejections(refused: Sequence[Rejection], run: Run | None, asked: UUID | None) -> int:
    """Keep refused readings with their raw text; one that was refused before is counted again.

    Parameters
    ----------
    refused
        What was refused, also the same reading several times.
    run
        The run that brought them.
    asked
        The meter that was asked for; where None, each belongs to the meter that it names.

    Returns
    -------
    How many were not kept, for the run has enough of them. Nothing is kept of meters that were
    erased; of these it is not told.
    """
    if not refused:
        return 0
    times: dict[str, int] = {}
    rows: dict[str, Rejection] = {}
    for one in refused:
        text = "\0".join((one.muid, one.reason, one.code, one.raw))
        digest = hashlib.blake2b(text.encode(errors="backslashreplace"), digest_size=16).hexdigest()
        times[digest] = times.get(digest, 0) + 1
        rows.setdefault(digest, one)
    held = RejectedReading.objects.filter(run=run).count() if run else 0
    kept = list(rows)[: max(MOST_KEPT - held, 0)]
    dropped = sum(times.values()) - sum(times[digest] for digest in kept)
    named = {digest: as_uuid(rows[digest].muid) for digest in kept}
    owners = {digest: asked or named[digest] for digest in kept}
    muids = {muid for muid in (*owners.values(), *named.values()) if muid is not None}
    meters = held_meters(muids)
    if gone := erased_among(muids - meters.keys()):
        kept = [digest for digest in kept if not gone & {owners[digest], named[digest]}]
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ingestion_rejectedreading AS r (meter_id, run_id, reason, words, muid, "
            '"code", "timestamp", raw, "row", digest, times, first_seen_at, last_seen_at) '
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (digest) DO UPDATE SET times = r.times + excluded.times, "
            "run_id = coalesce(excluded.run_id, r.run_id), last_seen_at = excluded.last_seen_at, "
            '"row" = excluded."row"',
            [
                (
                    meters.get(owner) if (owner := owners[digest]) else None,
                    run.pk if run else None,
                    one.reason.value,
                    storable(one.words),
                    storable(one.muid, 64),
                    storable(one.code, 24),
                    storable(one.timestamp, 40),
                    storable(one.raw),
                    # A place in one answer of many would tell nobody anything.
                    one.row if run and run.trigger in Run.BROUGHT else None,
                    digest,
                    times[digest],
                    now,
                    now,
                )
                # In one order in every transaction, so that two of them follow each other.
                for digest, one in sorted((digest, rows[digest]) for digest in kept)
            ],
        )
    return dropped


def storable(text: str, length: int | None = None) -> str:
    """Make text storable in PostgreSQL, which has no NUL and no lone surrogates; then cut it."""
    plain = text.replace("\0", "\\u0000").encode(errors="backslashreplace").decode()
    return plain[:length]
