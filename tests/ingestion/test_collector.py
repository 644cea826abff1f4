"""The collector rests while pages are read, and what is garbage goes nevertheless."""

import gc
import weakref

import pytest

from ingestion.collector import collected_between


class Knot:
    """Refers to itself, so that only the collector can let go of it."""

    def __init__(self) -> None:
        self.itself = self


def test_it_collects_where_it_is_told_to_and_nowhere_else() -> None:
    with collected_between() as collect:
        assert not gc.isenabled()
        knot = weakref.ref(Knot())
        for _ in range(2000):
            Knot()
        assert knot() is not None
        collect()
        assert knot() is None
    assert gc.isenabled()


def test_it_is_on_again_after_an_error() -> None:
    with pytest.raises(KeyboardInterrupt), collected_between():
        raise KeyboardInterrupt
    assert gc.isenabled()


def test_whoever_was_first_decides() -> None:
    with collected_between():
        with collected_between() as collect:
            collect()
        assert not gc.isenabled()
    assert gc.isenabled()
