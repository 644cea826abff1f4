"""The next piece is asked for while the last one is stored, by one thread, one piece ahead.

An upstream that takes its time and a database that takes its time then take it together: a window
lasts as long as the slower of the two, not as long as both.
"""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from structlog.contextvars import bind_contextvars

from tenants.schema import current_schema

T = TypeVar("T")
# How often whoever waits for an answer looks whether it is still wanted [s].
LOOK = 1.0


def ahead(
    items: Iterator[T], *, hang_up: Callable[[], None], check: Callable[[], None] | None = None
) -> Generator[T, None, None]:
    """Yield what an iterator gives, while a thread already reads the item after it.

    Errors come in their place, after all items before them. What the iterator calls runs in the
    thread, so it must not use Django's connection: there it is another one, in no tenant.

    Parameters
    ----------
    items
        Read by the thread, one item ahead and no further.
    hang_up
        Breaks off what the thread waits for; called where nobody wants it any more.
    check
        Called each second while an item is waited for; what it raises ends the waiting.
    """
    end = object()
    # What the thread logs is about the tenant, run and task of whoever waits for it.
    context = copy_context()
    context.run(bind_contextvars, tenant=current_schema())

    def following() -> T | object:
        return context.run(lambda: next(items, end))

    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as thread:
        coming: Future[T | object] | None = None
        try:
            coming = thread.submit(following)
            while (item := _awaited(coming, check)) is not end:
                coming = thread.submit(following)
                yield item  # type: ignore[misc]
        finally:
            if coming is not None and not coming.done():
                hang_up()


def _awaited(coming: Future[T], check: Callable[[], None] | None) -> T:
    while True:
        try:
            return coming.result(LOOK if check else None)
        except TimeoutError:
            # The item's own error may be one, too.
            if coming.done() or check is None:
                raise
            check()
