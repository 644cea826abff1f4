"""What the worker of the tests starts with: ours, with the tasks of the tests on their queue."""

import os

import django

django.setup()

from config.celery import app  # noqa: E402 - these need Django's apps
from tests.tenants import queue_tasks  # noqa: E402

# What a worker itself sends, a chain's next task say, stays on the queue of the tests.
app.conf.task_default_queue = os.environ["TEST_QUEUE"]

__all__ = ["app", "queue_tasks"]
