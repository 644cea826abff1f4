"""One look at the whole installation: its tenants, its queue, and whether either can be asked."""

from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

import structlog
from django.db import Error
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from config.celery import app
from monitoring.questions import Figures, ask
from monitoring.totals import Totals
from tenants.models import Tenant
from tenants.schema import in_public

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """One tenant at a look.

    Attributes
    ----------
    figures
        None where the tenant is suspended, and so not asked, or could not be.
    totals
        What its runs have counted since the first look.
    """

    is_suspended: bool
    figures: Figures | None = None
    totals: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen; `tenants` is None where the database, `messages` where Redis is gone."""

    seconds: float
    tenants: dict[str, Seen] | None
    messages: int | None


class Observer:
    """Looks again and again, and remembers how far each tenant had counted."""

    def __init__(self) -> None:
        # By primary key: a tenant that is deleted and made again under its name begins anew.
        self._totals: dict[int, Totals] = {}

    def look(self, now: datetime) -> Look:
        began = perf_counter()
        try:
            with in_public():
                tenants: dict[str, Seen] | None = self._tenants(now)
        except Error as error:
            log.warning("the database can't be asked for its figures", words=str(error))
            tenants = None
        return Look(seconds=perf_counter() - began, tenants=tenants, messages=messages())

    def _tenants(self, now: datetime) -> dict[str, Seen]:
        known = {tenant.schema_name: tenant for tenant in Tenant.objects.order_by("schema_name")}
        seen = {name: Seen(is_suspended=tenant.is_suspended) for name, tenant in known.items()}
        self._totals = {
            one.pk: self._totals.get(one.pk) or Totals()
            for one in known.values()
            if not one.is_suspended
        }
        edges = {
            name: self._totals[tenant.pk].edge
            for name, tenant in known.items()
            if not tenant.is_suspended
        }
        for name, figures in ask(edges, now):
            if figures:
                totals = self._totals[known[name].pk].advance(
                    figures.edge, figures.done, figures.counted
                )
                seen[name] = Seen(is_suspended=False, figures=figures, totals=totals)
        return seen


def messages() -> int | None:
    """Count the messages that no worker has taken yet; None where Redis does not answer."""
    try:
        with app.connection_for_read() as broker:
            queue = app.conf.task_default_queue
            # It writes nothing to Redis; asked passively, kombu forgets the prefix of our keys.
            return int(broker.default_channel.queue_declare(queue=queue).message_count)
    except (BrokerError, RedisError, OSError) as error:
        log.warning("the queue can't be asked for its length", words=str(error))
        return None
