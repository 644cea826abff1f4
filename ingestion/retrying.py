"""Work of one transaction that lost against another one, done again."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection

T = TypeVar("T")

RETRIES = 6
RETRIABLE = {"40001", "40P01"}  # serialization_failure, deadlock_detected


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
