"""Whether this worker is to end: its parent is told, the processes that it has forked need to know.

Celery's warm shutdown waits for what is under way, however long that takes; whoever keeps the
worker waits for a while and kills it then. So what takes long looks here, and leaves off in time.
"""

import mmap
import struct
import time

from celery.signals import worker_init, worker_shutting_down

_AT = struct.Struct("d")


class _Told:
    """The moment of the request to end, on the machine's monotonic clock; 0 where there is none."""

    # Made before the parent forks, so that all of its processes share it.
    at: mmap.mmap | None = None


@worker_init.connect
def begin(**_kwargs: object) -> None:
    """Begin to listen, in the parent, before it forks."""
    _Told.at = mmap.mmap(-1, _AT.size)


@worker_shutting_down.connect
def note(**_kwargs: object) -> None:
    """Let all processes of this worker know that it is to end."""
    if _Told.at is not None:
        _AT.pack_into(_Told.at, 0, time.monotonic())


def told_ago() -> float | None:
    """Return how long ago this worker was told to end [s]; None where it wasn't."""
    if _Told.at is None:
        return None
    [at] = _AT.unpack_from(_Told.at)
    return time.monotonic() - at if at else None
