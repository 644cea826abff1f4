"""The one writer of stored readings: a batch in, one transaction, what changed out.

Killed anywhere, the old state or the new one stands. Registers are locked in order, so that writers
of the same meters follow each other; only days that changed are written.
"""

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from ingestion.batch import Batch, Reason, RegisterKey, Rejection
from ingestion.layout import Incoming
from ingestion.merge import Merged, merge
from ingestion.models import ReadingRevision, RejectedReading, Run
from meters.copybinary import WRITE_COLUMNS, encode
from meters.days import DayTable
from meters.models import Meter, Register
from meters.obis import ObisCode
from meters.profiles import read_days
from meters.zones import zone

T = TypeVar("T")

# Of one run's rejections so many are kept with their raw text; the others are counted.
MOST_KEPT = 1_000
RETRIES = 6
RETRIABLE = {"40001", "40P01"}  # serialization_failure, deadlock_detected
UPLOAD = "lastgang_day_upload"


class UnknownMeterError(ValueError):
    """Readings of a meter that the tenant does not have."""


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


@dataclass(frozen=True)
class Stored:
    """What one call of `store` did.

    Attributes
    ----------
    counts
        Over all meters.
    by_meter
        For each meter, by muid.
    warnings
        For each meter, what was odd, in words.
    rows_written
        Day rows written.
    """

    counts: Counts
    by_meter: dict[UUID, Counts] = field(default_factory=dict)
    warnings: dict[UUID, list[str]] = field(default_factory=dict)
    rows_written: int = 0


def store(
    batch: Batch,
    *,
    rejections: Sequence[Rejection] = (),
    raw: Callable[[int], str] = str,
    run: Run | None = None,
    default_interval: int = 900,
) -> Stored:
    """Merge a batch into the stored readings, in one transaction.

    Parameters
    ----------
    batch
        The readings; their registers are made where they are missing, their meters are not.
    rejections
        What parsing has refused already; recorded in the same transaction.
    raw
        Gives the raw text of a row of the payload, for readings that are refused here.
    run
        The run that brings them; its counts grow in the same transaction.
    default_interval
        Length of intervals where nothing else says it [s].

    Raises
    ------
    UnknownMeterError
        A meter of the batch does not exist here.
    """
    return retried(
        lambda: _store_once(
            batch,
            rejections=rejections,
            raw=raw,
            run=run,
            default_interval=default_interval,
        )
    )


def retried(work: Callable[[], T]) -> T:
    """Do work again that lost a deadlock or a race against another writer, a few times."""
    for attempt in range(RETRIES):
        try:
            return work()
        except OperationalError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if state not in RETRIABLE or attempt + 1 == RETRIES or connection.in_atomic_block:
                raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, no secret
    raise AssertionError("the last attempt returns or raises")


def _store_once(
    batch: Batch,
    *,
    rejections: Sequence[Rejection],
    raw: Callable[[int], str],
    run: Run | None,
    default_interval: int,
) -> Stored:
    refused = list(rejections)
    counts: dict[UUID, Counts] = {}
    warnings: dict[UUID, list[str]] = {}
    written = 0
    with transaction.atomic():
        registers = _locked_registers(batch.keys)
        version = _next_version() if len(batch) else 0
        zones = {register.meter.timezone for register in registers}
        for name in sorted(zones):
            part, where = _of_zone(batch, registers, name)
            merged = _merge_stored(part, name, registers, default_interval)
            _write(merged, registers, version, run)
            written += len(merged.changed)
            _add_up(merged, registers, counts, warnings)
            refused += [
                _refusal(batch, int(where[at]), reason, words, raw)
                for at, reason, words in merged.refused
            ]
        for rejection in refused:
            muid = _as_uuid(rejection.muid)
            if muid is not None:
                counts[muid] = counts.get(muid, Counts()) + Counts(rejected=1)
        _record_rejections(refused, run)
        total = Counts(rejected=sum(not _as_uuid(r.muid) for r in refused))
        for one in counts.values():
            total += one
        if run is not None:
            _record_outcomes(run, total, counts, warnings)
    return Stored(total, counts, warnings, written)


def _locked_registers(keys: Sequence[RegisterKey]) -> list[Register]:
    """Make the registers that are missing and lock all of them, in the order of their keys.

    Returns
    -------
    The registers in the order of `keys`, each with its meter.
    """
    meters = {
        meter.muid: meter for meter in Meter.objects.filter(muid__in={key.muid for key in keys})
    }
    unknown = sorted(str(key.muid) for key in keys if key.muid not in meters)
    if unknown:
        raise UnknownMeterError(
            f"There is no meter {unknown[0]} here"
            + (f", nor {len(unknown) - 1} others" if len(unknown) > 1 else "")
            + ". Register it first."
        )
    wanted = {(meters[key.muid].pk, key.obis): key for key in keys}
    found = set(Register.objects.filter(meter__in=meters.values()).values_list("meter_id", "obis"))
    Register.objects.bulk_create(
        [
            Register(meter_id=meter, obis=obis, measurement=wanted[meter, obis].measurement)
            for meter, obis in sorted(wanted.keys() - found)
        ],
        ignore_conflicts=True,
    )
    locked = {
        (register.meter_id, register.obis): register
        for register in Register.objects.filter(meter__in=meters.values())
        .select_for_update(no_key=True)
        .order_by("pk")
    }
    result = []
    for key in keys:
        register = locked[meters[key.muid].pk, key.obis]
        register.meter = meters[key.muid]
        result.append(register)
    return result


def _next_version() -> int:
    # Taken after the locks, so that the versions of one register rise in the order of its writes.
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('reading_version')")
        return int(cursor.fetchone()[0])


def _of_zone(batch: Batch, registers: Sequence[Register], name: str) -> tuple[Incoming, Any]:
    """Choose the readings of meters in one zone, and say where in the batch they are."""
    keys = np.array([register.pk for register in registers], dtype=np.int64)
    here = np.array([register.meter.timezone == name for register in registers])
    where = np.flatnonzero(here[batch.index])
    return (
        Incoming(
            keys[batch.index[where]],
            batch.instants[where],
            batch.values[where],
            batch.qualities[where],
        ),
        where,
    )


def _merge_stored(
    incoming: Incoming, name: str, registers: Sequence[Register], default_interval: int
) -> Merged:
    place = zone(name)
    if len(incoming):
        _, days = place.day_starts(int(incoming.instants.min()), int(incoming.instants.max()) + 1)
        numbers = days.astype(np.int64)
        stored = read_days(
            [int(pk) for pk in np.unique(incoming.register)], int(numbers[0]), int(numbers[-1])
        )
    else:
        stored = DayTable.empty()
    return merge(
        incoming,
        stored,
        place,
        known={register.pk: register.interval for register in registers},
        default_interval=default_interval,
    )


def _write(merged: Merged, registers: Sequence[Register], version: int, run: Run | None) -> None:
    changed = merged.changed
    if len(changed):
        summable_keys = [r.pk for r in registers if ObisCode.parse(r.obis).is_summable]
        summable = np.isin(changed.register, summable_keys)
        is_new = merged.is_new
        if is_new.any():
            _copy_into(
                "daily_profile",
                encode(changed.take(is_new), summable=summable[is_new], version=version),
            )
        if not is_new.all():
            _update(changed.take(~is_new), summable[~is_new], version)
        _keep_replaced(merged, version, run)
    for register, interval in merged.intervals.items():
        Register.objects.filter(pk=register).update(interval=interval)


def _copy_into(table: str, chunks: Iterator[bytes]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({WRITE_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        for chunk in chunks:
            copy.write(chunk)


def _update(table: DayTable, summable: Any, version: int) -> None:
    """Replace stored rows: they are copied beside the table and joined, not looped over."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {UPLOAD} "
            "(register_id bigint, day date, first timestamptz, interval integer, "
            '"values" float8[], qualities int2[], total float8, count integer, '
            "quality int2, version bigint) "
            "ON COMMIT DELETE ROWS"
        )
        cursor.execute(f"DELETE FROM pg_temp.{UPLOAD}")
    _copy_into(f"pg_temp.{UPLOAD}", encode(table, summable=summable, version=version))
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE daily_profile AS d SET "first" = u."first", "interval" = u."interval", '
            '"values" = u."values", qualities = u.qualities, total = u.total, count = u.count, '
            f"quality = u.quality, version = u.version FROM pg_temp.{UPLOAD} AS u "
            "WHERE d.register_id = u.register_id AND d.day = u.day"
        )
        if cursor.rowcount != len(table):
            raise RuntimeError(
                f"{len(table)} stored days were to be replaced, {cursor.rowcount} were found."
            )


def _keep_replaced(merged: Merged, version: int, run: Run | None) -> None:
    replaced = merged.replaced
    ends = np.cumsum(replaced.lengths)
    table = merged.changed
    now = timezone.now()
    rows = []
    for row, begin, end in zip(replaced.rows, ends - replaced.lengths, ends, strict=True):
        rows.append(
            ReadingRevision(
                register_id=int(table.register[row]),
                day=np.datetime64(int(table.day[row]), "D").item(),
                run=run,
                first=datetime.fromtimestamp(int(table.first[row]), UTC),
                interval=int(table.interval[row]),
                slots=replaced.slots[begin:end].tolist(),
                values=replaced.values[begin:end].tolist(),
                qualities=replaced.qualities[begin:end].tolist(),
                version=version,
                recorded_at=now,
            )
        )
    ReadingRevision.objects.bulk_create(rows, batch_size=500)


def _add_up(
    merged: Merged,
    registers: Sequence[Register],
    counts: dict[UUID, Counts],
    warnings: dict[UUID, list[str]],
) -> None:
    muids = {register.pk: register.meter.muid for register in registers}
    for i, register in enumerate(merged.registers):
        muid = muids[int(register)]
        counts[muid] = counts.get(muid, Counts()) + Counts(
            int(merged.new[i]), int(merged.corrected[i]), int(merged.unchanged[i])
        )
    if merged.conflicting and len(merged.registers):
        # A batch holds one meter in all but bulk imports; there the first one carries the warning.
        muid = muids[int(merged.registers[0])]
        warnings.setdefault(muid, []).append(
            f"{merged.conflicting} readings came twice with different values; the last one holds."
        )


def _refusal(
    batch: Batch, at: int, reason: Reason, words: str, raw: Callable[[int], str]
) -> Rejection:
    key = batch.keys[int(batch.index[at])]
    instant = np.datetime64(int(batch.instants[at]), "s")
    return Rejection(reason, words, raw(int(batch.row[at])), str(key.muid), key.obis, f"{instant}Z")


def _record_outcomes(
    run: Run, total: Counts, counts: dict[UUID, Counts], warnings: dict[UUID, list[str]]
) -> None:
    """Let the run's counts grow, and those of the meters to which something happened."""
    if total.total:
        Run.objects.filter(pk=run.pk).update(
            new=F("new") + total.new,
            corrected=F("corrected") + total.corrected,
            unchanged=F("unchanged") + total.unchanged,
            rejected=F("rejected") + total.rejected,
        )
    worth = {
        muid: one
        for muid, one in counts.items()
        if one.new or one.corrected or one.rejected or muid in warnings
    }
    if worth:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ingestion_outcome AS o "
                "(run_id, meter_id, new, corrected, unchanged, rejected, warnings, error) "
                "SELECT %s, m.id, w.new, w.corrected, w.unchanged, w.rejected, '{}', '' "
                "FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[]) "
                "AS w(muid, new, corrected, unchanged, rejected) "
                "JOIN meters_meter m ON m.muid = w.muid ORDER BY m.id "
                "ON CONFLICT (run_id, meter_id) DO UPDATE SET new = o.new + excluded.new, "
                "corrected = o.corrected + excluded.corrected, "
                "unchanged = o.unchanged + excluded.unchanged, "
                "rejected = o.rejected + excluded.rejected",
                [
                    run.pk,
                    list(worth),
                    [one.new for one in worth.values()],
                    [one.corrected for one in worth.values()],
                    [one.unchanged for one in worth.values()],
                    [one.rejected for one in worth.values()],
                ],
            )


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _record_rejections(refused: Sequence[Rejection], run: Run | None) -> None:
    """Keep refused readings; one that was refused before is counted once more."""
    if not refused:
        return
    known = dict(
        Meter.objects.filter(muid__in={m for r in refused if (m := _as_uuid(r.muid))}).values_list(
            "muid", "pk"
        )
    )
    now = timezone.now()
    rows = {}
    for rejection in refused[:MOST_KEPT]:
        text = "\0".join((rejection.muid, rejection.reason, rejection.code, rejection.raw))
        digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()
        muid = _as_uuid(rejection.muid)
        rows[digest] = RejectedReading(
            meter_id=known.get(muid) if muid else None,
            run=run,
            reason=rejection.reason.value,
            words=_storable(rejection.words),
            muid=_storable(rejection.muid),
            code=_storable(rejection.code),
            timestamp=_storable(rejection.timestamp),
            raw=_storable(rejection.raw),
            digest=digest,
            first_seen_at=now,
            last_seen_at=now,
        )
    seen = RejectedReading.objects.filter(digest__in=rows)
    again = set(seen.values_list("digest", flat=True))
    seen.update(times=F("times") + 1, last_seen_at=now, run=run)
    RejectedReading.objects.bulk_create(
        [row for digest, row in rows.items() if digest not in again], ignore_conflicts=True
    )


def _storable(text: str) -> str:
    """Make text storable in PostgreSQL, which has no NUL and no lone surrogates."""
    return text.replace("\0", "\\u0000").encode(errors="backslashreplace").decode()
