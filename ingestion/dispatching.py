"""Which work is offered to workers next: the share of each tenant, the longest waiting first.

A message in Redis only wakes a worker. So that the runs of one tenant don't fill the queue before
another's, a tenant has at most a few of them offered or under way at a time; a worker does a slice
of one, and what is left goes behind the others. Whatever happens to a message, its run is offered
again half a minute later.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from ingestion.models import OFFER, Run

log = structlog.get_logger(__name__)

# So many tenants are asked in one query. Measured with 1,000: 0.3 s; one by one 1.1 s, 100 at once
# 0.4 s, for PostgreSQL plans long queries slowly.
AT_ONCE = 20
ASK = (
    "SELECT %s WHERE EXISTS (SELECT FROM {schema}.ingestion_run "
    "WHERE state IN ('queued', 'running')) "
    "OR EXISTS (SELECT FROM {schema}.ingestion_source WHERE is_active AND next_sweep_at <= %s)"
)


def with_work(schemas: Sequence[str], now: datetime) -> Iterator[str]:
    """Choose the tenants in which a sweep is due or a run is open, asking many in one query.

    The question stands in no table of public: that would be a second record of what is due, written
    by each tenant's work, which can disagree with the first.
    """
    for begin in range(0, len(schemas), AT_ONCE):
        some = schemas[begin : begin + AT_ONCE]
        try:
            yield from _ask(some, now)
        except DatabaseError:
            # A tenant whose schema is not in order keeps nobody else waiting.
            for schema in some:
                try:
                    yield from _ask([schema], now)
                except DatabaseError:
                    log.exception("tenant can't be asked what is due", tenant=schema)


def _ask(schemas: Sequence[str], now: datetime) -> list[str]:
    quote = connection.ops.quote_name
    sql = " UNION ALL ".join(ASK.format(schema=quote(schema)) for schema in schemas)
    values = [value for schema in schemas for value in (schema, now)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def offers(now: datetime, share: int) -> list[tuple[datetime, int]]:
    """Choose the runs of this tenant to offer now; of several dispatchers each gets others.

    Parameters
    ----------
    now
        The present.
    share
        The most runs of one tenant that are offered or under way at a time.

    Returns
    -------
    Since when each has been waiting, and its primary key; the longest waiting first.
    """
    waiting = Run.objects.waiting(now)
    offered = Q(offered_at__gt=now - OFFER)
    # What a command or a web process does takes no worker of the queue.
    by_workers = Run.objects.filter(
        state=Run.State.RUNNING,
        lease_until__gte=now,
        trigger__in=(*Run.AUTOMATIC, Run.Trigger.ADMIN, Run.Trigger.UPLOAD),
    )
    free = share - by_workers.count() - waiting.filter(offered).count()
    if free <= 0:
        return []
    with transaction.atomic():
        # Locked by its own table alone: a run's source may be missing.
        rows = waiting.exclude(offered & Q(offered_at__isnull=False))
        rows = rows.order_by("queued_at", "pk").select_for_update(skip_locked=True, of=("self",))
        chosen = list(rows.values_list("queued_at", "pk")[:free])
        Run.objects.filter(pk__in=[pk for _, pk in chosen]).update(offered_at=now)
    return chosen


def in_turn(offered: dict[str, list[tuple[datetime, int]]]) -> list[tuple[str, int]]:
    """Order what several tenants have to do: the first of each tenant, then the second, and so on.

    Among those of one round whoever has been waiting longest comes first, so that nobody is always
    last where there is more to do than workers can.
    """
    ranked = [
        (rank, since, schema, run)
        for schema, runs in offered.items()
        for rank, (since, run) in enumerate(runs)
    ]
    return [(schema, run) for _, _, schema, run in sorted(ranked)]
