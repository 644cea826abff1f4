"""Tasks that tell where they ran. The worker of the tests has them as well."""

import json
import os
import signal
import time
from typing import Any

import redis
from celery import shared_task
from django.conf import settings
from django.db import connection

from tenants.tasks import OperatorsTask


def told(key: str) -> list[dict[str, Any]]:
    """Return what tasks have told under a key so far."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return [json.loads(text) for text in client.lrange(key, 0, -1)]


def tell(key: str, **more: object) -> None:
    """Say which schema this is, as the connection and as PostgreSQL have it, and who is in it."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        (path,) = cursor.fetchone()
        cursor.execute("SELECT min(email) FROM accounts_user")
        (email,) = cursor.fetchone()
    schema = connection.schema_name  # type: ignore[attr-defined]
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.rpush(key, json.dumps({"schema": schema, "path": path, "email": email, **more}))


@shared_task(name="tests.where")
def where(key: str, pause: float = 0) -> None:
    tell(key)
    if pause:
        time.sleep(pause)
        tell(key)


@shared_task(name="tests.again", bind=True, max_retries=2)
def again(self: Any, key: str) -> None:
    tell(key, retries=self.request.retries)
    if self.request.retries < 2:
        raise self.retry(countdown=0.05)


@shared_task(name="tests.fail")
def fail(key: str) -> None:
    tell(key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")


@shared_task(name="tests.die")
def die(key: str) -> None:
    """Be killed, as by a machine that has no memory left, and get through when done again."""
    again = bool(told(key))
    tell(key)
    if not again:
        os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="tests.operators", base=OperatorsTask)
def operators(key: str) -> None:
    tell(key)
