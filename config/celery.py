"""The queue: `celery -A config.celery worker` and `celery -A config.celery beat`."""

import os
from importlib import import_module
from typing import Any

import structlog
from celery.signals import setup_logging, task_postrun, task_prerun, worker_init
from django.conf import settings
from django.db import connection
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from structlog.contextvars import (
    bind_contextvars,
    get_contextvars,
    reset_contextvars,
    unbind_contextvars,
)
from tenant_schemas_celery.app import CeleryApp

import config.ending  # noqa: F401 - it listens to signals of the worker
from config.outages import redis_outage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Of a message: the request that it was sent from.
SENT_BY = "lastgang_request"


class Queue(CeleryApp):  # type: ignore[misc]
    # Each task checks that it runs in the tenant it was sent from.
    task_cls = "tenants.tasks:TenantTask"

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Send a message, or refuse where the task would have no tenant.

        Everything that is sent passes here: `delay`, chains, retries and the schedule.

        Raises
        ------
        BrokerError
            Redis does not take it, be it gone, silent, full or about to load its data. After a
            failure the next ones are refused for a while without asking it.
        """
        headers = dict(options.get("headers") or {})
        self.tasks[name].check(headers.get("_schema_name", connection.schema_name))  # type: ignore[attr-defined]
        if known := get_contextvars().get("request"):
            headers.setdefault(SENT_BY, known)
        outage = redis_outage(settings.CELERY_BROKER_URL)
        if outage.rests:
            raise BrokerError(f"{name} is not sent: Redis is gone.")
        try:
            sent = super().send_task(
                name, args=args, kwargs=kwargs, **options | {"headers": headers}
            )
        except (BrokerError, RedisError, OSError) as error:
            outage.failed(error)
            raise BrokerError(f"{name} is not sent: {error}") from error
        outage.worked()
        return sent


app = Queue("lastgang")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_kwargs: object) -> None:
    """Leave logging as the settings made it: Celery would replace it."""
    structlog.get_logger(__name__).debug("logging is configured")


@task_prerun.connect
def name_in_log(task_id: str = "", task: Any = None, **_kwargs: object) -> None:
    """Have each line of a task name it, and the request that it was sent from."""
    known = task.request.get(SENT_BY)
    names = {"task": task.name, "task_id": task_id} | ({"request": known} if known else {})
    task.request.bound = bind_contextvars(**names)


@task_postrun.connect
def forget_in_log(task: Any = None, **_kwargs: object) -> None:
    """Forget them, after Celery has told of a failure; the run is bound by the task itself."""
    unbind_contextvars("run")
    reset_contextvars(**getattr(task.request, "bound", {}))


@worker_init.connect
def count_tasks(**_kwargs: object) -> None:
    """Count what is done, in workers alone: other processes that send need none of it."""
    import_module("config.workers").begin()
