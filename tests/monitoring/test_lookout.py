"""One thread looks, over one connection: how long that is kept, and what happens when it breaks."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.utils import timezone

from monitoring.lookout import Lookout


@pytest.fixture
def lookouts(db: None) -> Iterator[Callable[..., Lookout]]:
    made: list[Lookout] = []

    def make(**options: float) -> Lookout:
        made.append(Lookout(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def backend(lookout: Lookout) -> int:
    """Return the process of PostgreSQL's that answered the last look."""
    return lookout._thread.submit(lambda: connection.connection.info.backend_pid).result()


def seen(lookout: Lookout) -> set[str]:
    look = lookout.look(timezone.now())
    assert look.tenants is not None
    return {name for name, one in look.tenants.items() if one.figures}


def test_looks_share_a_connection(lookouts: Callable[..., Lookout]) -> None:
    lookout = lookouts()
    assert {"acme", "nordwind"} <= seen(lookout)
    first = backend(lookout)
    assert {"acme", "nordwind"} <= seen(lookout)
    assert backend(lookout) == first


def test_the_connection_is_made_anew_after_a_while(lookouts: Callable[..., Lookout]) -> None:
    lookout = lookouts(kept=0)
    seen(lookout)
    first = backend(lookout)
    seen(lookout)
    assert backend(lookout) != first


def test_a_connection_that_broke_is_made_anew(lookouts: Callable[..., Lookout]) -> None:
    lookout = lookouts()
    seen(lookout)
    first = backend(lookout)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [first])
    assert {"acme", "nordwind"} <= seen(lookout)
    assert backend(lookout) != first
