"""The next piece is asked for while the last one is stored, by one thread, one piece ahead.

An upstream that takes its time and a database that takes its time then take it together: a window
lasts as long as the slower of the two, not as long as both.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, TypeVar

from structlog.contextvars import bind_contextvars

from tenants.schema import current_schema

T = TypeVar("T")
# How often whoever waits for an answer looks whether it is still wanted [s].
LOOK = 1.0
_END = object()


class Ahead(Iterator[T], Generic[T]):
    """What an iterator gives, while a thread already reads the item after it; it begins at once.

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

    def __init__(
        self,
        items: Iterator[T],
        *,
        hang_up: Callable[[], None],
        check: Callable[[], None] | None = None,
    ) -> None:
        self._items, self._hang_up, self._check = items, hang_up, check
        # What the thread logs is about the tenant, run and task of whoever waits for it.
        self._context = copy_context()
        self._context.run(bind_contextvars, tenant=current_schema())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self._coming = self._thread.submit(self._following)

    def _following(self) -> T | object:
        return self._context.run(lambda: next(self._items, _END))

    def __next__(self) -> T:
        try:
            item = _awaited(self._coming, self._check)
        except BaseException:
            self.close()
            raise
        if item is _END:
            self.close()
            raise StopIteration
        self._coming = self._thread.submit(self._following)
        return item  # type: ignore[return-value]

    def close(self) -> None:
        """Break off what is awaited, and wait for the thread to end."""
        if not self._coming.done():
            self._hang_up()
        self._thread.shutdown()


def _awaited(coming: Future[T], check: Callable[[], None] | None) -> T:
    while True:
        try:
            return coming.result(LOOK if check else None)
        except TimeoutError:
            # The item's own error may be one, too.
            if coming.done() or check is None:
                raise
            check()
