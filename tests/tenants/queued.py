"""The queue's messages, taken from Redis and worked on here as a worker works on them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis
from celery.app.trace import trace_task_ret
from django.conf import settings

from config.celery import app
from tests.tenants.unpacking import words_in

# More than any walk sends: who gets here goes round in circles.
MOST = 300


@dataclass(frozen=True)
class Message:
    """One message as it lay in Redis.

    Attributes
    ----------
    tenant
        The schema that it was sent from, as its header says.
    text
        All of it, header and body.
    """

    task: str
    tenant: str
    text: str
    body: Any
    headers: dict[str, Any]
    kind: tuple[str, str]

    def work(self) -> Any:
        """Do it, through all that a worker lays around a task; return what it returned.

        Raises
        ------
        AssertionError
            It failed.
        """
        failed, result, _ = trace_task_ret(
            self.task, self.headers["id"], dict(self.headers), self.body, *self.kind, app=app
        )
        assert not failed, f"{self.task} in {self.tenant}: {result}"
        return result


def clear() -> None:
    """Take away what other tests have sent and nobody has worked on."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter("lastgang:celery*"):
            client.delete(key)


def taken() -> Message | None:
    """Take the message whose turn it is; None where none waits."""
    with app.connection_for_read() as broker:
        queue = app.amqp.queues[app.conf.task_default_queue].bind(broker.default_channel)
        found = queue.get(no_ack=True)
    if found is None:
        return None
    body = found.body if isinstance(found.body, bytes) else str(found.body).encode()
    head = json.dumps([found.headers, found.properties], default=str, ensure_ascii=False)
    return Message(
        task=found.headers["task"],
        tenant=found.headers.get("_schema_name", ""),
        text=f"{head}\n{words_in(body)}",
        body=found.body,
        headers=dict(found.headers),
        kind=(found.content_type, found.content_encoding),
    )


def worked_off() -> Iterator[tuple[Message, Any]]:
    """Work until nothing waits, what is sent meanwhile included; yield each with its result."""
    for _ in range(MOST):
        message = taken()
        if message is None:
            return
        yield message, message.work()
    raise AssertionError(f"after {MOST} messages there are still more")
