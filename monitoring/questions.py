"""What is asked of tenants, many in one query: how far behind they are, what waits, what failed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction

from ingestion.models import Run
from notices.models import UNWANTED

log = structlog.get_logger(__name__)

# Tenants in one query. Planning is what costs, and of this long question it grows faster than the
# number of tenants: see `benchmarks/watching.py`.
AT_ONCE = 2
# How long one query may wait for a tenant's tables, say while they are migrated, and take at all.
LOCK_TIMEOUT, STATEMENT_TIMEOUT = "500ms", "5s"
# After so long whoever is left is told as not asked: Prometheus waits no longer than 20 s [s].
PATIENCE = 10.0

# What runs count up, in this order.
SUMS = (
    "new",
    "corrected",
    "unchanged",
    "rejected",
    "requests",
    "retries",
    "bytes",
    "meters",
    "failed",
)
ENDED = (Run.State.SUCCEEDED, Run.State.PARTIAL, Run.State.FAILED, Run.State.CANCELLED)


def _counts(condition: str) -> str:
    """Return the SQL of an array of all that runs have counted, over some of them."""
    sums = [f"coalesce(sum(run.{name}) FILTER (WHERE {condition}), 0)" for name in SUMS]
    ended = [
        f"count(run.id) FILTER (WHERE run.state = '{state.value}' AND {condition})"
        for state in ENDED
    ]
    return f"ARRAY[{', '.join(f'({one})::bigint' for one in sums + ended)}]"


# A run that is no longer open counts no further. Those below `edge` have all ended; the youngest
# count as open, for one of a smaller number may just be being written.
QUESTION = f"""
SELECT %s::text, feed.*, source.*, work.*, gap.*, letter.*, watch.*, run.*
FROM (
  SELECT count(*) FILTER (WHERE state = 'paused'), count(*) FILTER (WHERE state = 'given_up'),
    count(*) FILTER (WHERE state = 'failing'), count(*) FILTER (WHERE state = 'unread'),
    count(*) FILTER (WHERE state = 'well'),
    max(age) FILTER (WHERE state IN ('failing', 'well')),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY age) FILTER (WHERE state IN ('failing', 'well'))
  FROM (
    SELECT extract(epoch FROM %s - feed.last_success_at)::float8 AS age, CASE
      WHEN NOT (feed.is_active AND source.is_active) THEN 'paused'
      WHEN feed.given_up_at IS NOT NULL THEN 'given_up'
      WHEN feed.failures > 0 OR feed.last_error <> '' THEN 'failing'
      WHEN feed.last_success_at IS NULL THEN 'unread' ELSE 'well' END AS state
    FROM {{schema}}.ingestion_feed feed
    JOIN {{schema}}.ingestion_source source ON source.id = feed.source_id
  ) feeds
) feed, (
  SELECT count(*) FILTER (WHERE NOT is_active),
    count(*) FILTER (WHERE is_active AND rests_until > %s),
    count(*) FILTER (WHERE is_active AND failures > 0 AND (rests_until > %s) IS NOT TRUE),
    count(*) FILTER (WHERE is_active AND failures = 0 AND (rests_until > %s) IS NOT TRUE)
  FROM {{schema}}.ingestion_source
) source, (
  SELECT count(*) FILTER (WHERE is_waiting AND NOT is_paused),
    count(*) FILTER (WHERE NOT is_waiting), count(*) FILTER (WHERE is_waiting AND is_paused),
    extract(epoch FROM %s - min(queued_at) FILTER (WHERE is_waiting AND NOT is_paused))::float8
  FROM (
    SELECT run.queued_at, run.state = 'queued' OR run.lease_until < %s AS is_waiting,
      run.trigger IN ('schedule', 'repair') AND source.is_active IS FALSE AS is_paused
    FROM {{schema}}.ingestion_run run
    LEFT JOIN {{schema}}.ingestion_source source ON source.id = run.source_id
    WHERE run.state IN ('queued', 'running')
  ) open_runs
) work, (
  SELECT count(*) FROM {{schema}}.ingestion_gap WHERE state = 'open'
) gap, (
  SELECT count(*) FILTER (WHERE sent_at IS NULL AND given_up_at IS NULL AND due_at <= %s),
    count(*) FILTER (WHERE given_up_at > %s - interval '1 day' AND error <> %s)
  FROM {{schema}}.notices_letter
) letter, (
  SELECT extract(epoch FROM %s - max(looked_at))::float8 FROM {{schema}}.notices_watch
) watch, (
  SELECT edge.id, {_counts("run.id < edge.id")}, {_counts("true")}
  FROM (
    SELECT least(
      (SELECT min(id) FROM {{schema}}.ingestion_run WHERE state IN ('queued', 'running')),
      (SELECT min(id) FROM {{schema}}.ingestion_run WHERE created_at > %s - interval '10 min'),
      (SELECT coalesce(max(id), 0) + 1 FROM {{schema}}.ingestion_run)
    ) AS id
  ) edge
  LEFT JOIN {{schema}}.ingestion_run run ON run.id >= coalesce(%s::bigint, edge.id)
  GROUP BY edge.id
) run"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one tenant answered.

    Attributes
    ----------
    feeds
        Meters by how their source answers for them: paused, given up, failing, never read, well.
    oldest, median
        Age of the last success of the meters that are asked, neither paused nor given up [s].
    sources
        Paused, resting (left alone after failures), failing, well.
    runs
        Waiting, under way, paused.
    waited
        Of the run that has been waiting longest [s].
    gaps
        Open ones.
    letters
        Due, given up within a day.
    watched
        Since the tenant was last looked at on schedule [s].
    edge
        The smallest number of a run that may still count on.
    done, counted
        What runs from a given number on have counted, in the order of `SUMS` and then `ENDED`:
        those below `edge`, and all.
    """

    feeds: tuple[int, ...]
    oldest: float | None
    median: float | None
    sources: tuple[int, ...]
    runs: tuple[int, ...]
    waited: float | None
    gaps: int
    letters: tuple[int, ...]
    watched: float | None
    edge: int
    done: tuple[int, ...]
    counted: tuple[int, ...]

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Figures":
        return cls(
            feeds=tuple(row[0:5]),
            oldest=row[5],
            median=row[6],
            sources=tuple(row[7:11]),
            runs=tuple(row[11:14]),
            waited=row[14],
            gaps=row[15],
            letters=tuple(row[16:18]),
            watched=row[18],
            edge=row[19],
            done=tuple(row[20]),
            counted=tuple(row[21]),
        )


def ask(edges: dict[str, int | None], now: datetime) -> Iterator[tuple[str, Figures | None]]:
    """Ask tenants, many in one query; None for one that can't be asked.

    Parameters
    ----------
    edges
        Schemas, each with the number of the run from which on is counted; None for no run that
        has ended.
    """
    schemas, until = list(edges), monotonic() + PATIENCE
    for begin in range(0, len(schemas), AT_ONCE):
        some = schemas[begin : begin + AT_ONCE]
        try:
            yield from _ask(some, edges, now)
        except DatabaseError:
            # A tenant whose schema is not in order keeps nobody else from being told.
            for schema in some:
                yield schema, _ask_alone(schema, edges, now) if monotonic() < until else None


def _ask_alone(schema: str, edges: dict[str, int | None], now: datetime) -> Figures | None:
    try:
        return dict(_ask([schema], edges, now))[schema]
    except DatabaseError as error:
        log.warning("tenant can't be asked for its figures", tenant=schema, words=str(error))
        return None


def _ask(
    schemas: Sequence[str], edges: dict[str, int | None], now: datetime
) -> list[tuple[str, Figures]]:
    quote = connection.ops.quote_name
    sql = " UNION ALL ".join(f"({QUESTION.format(schema=quote(one))})" for one in schemas)
    values: list[Any] = []
    for schema in schemas:
        values += [schema, *[now] * 8, UNWANTED, now, now, edges[schema]]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
        cursor.execute(sql, values)
        return [(schema, Figures.of(row)) for schema, *row in cursor.fetchall()]
