"""Python's cyclic garbage collector, kept away from pages of readings.

It looks at what has lately been made each time that some hundreds of objects have come together. A
page of 5,000 rows is 10,000 objects, none of them garbage and all gone when the page is stored; to
look through them costs more than to parse them.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def collected_between() -> Iterator[Callable[[], None]]:
    """Collect nothing within the `with` block but where the function that it gives is called.

    Call it where little is held: then there is little to look through. Nested or in another thread
    it leaves the collector to whoever was first.
    """
    if not gc.isenabled():
        yield _nothing
        return
    gc.disable()
    try:
        yield _collect_young
    finally:
        gc.enable()


def _collect_young() -> None:
    gc.collect(1)


def _nothing() -> None:
    pass
