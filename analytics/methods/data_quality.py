"""How far a load can be trusted: what is missing, what is estimated, what was corrected."""

from dataclasses import dataclass

import numpy as np

from analytics.methods.load import Load


@dataclass(frozen=True, slots=True)
class Month:
    """One calendar month, as far as the load reaches into it.

    Attributes
    ----------
    name
        For instance ``2024-02``.
    expected, known, estimated
        How many slots there are, how many of them are known, and how many of the known ones nobody
        vouches for.
    """

    name: str
    expected: int
    known: int
    estimated: int

    @property
    def completeness(self) -> float:
        return self.known / self.expected


@dataclass(frozen=True, slots=True)
class Hole:
    """Slots in a row that are not known: ``[start, end)`` [s UTC]."""

    start: int
    end: int
    slots: int


@dataclass(frozen=True, slots=True)
class DataQuality:
    """How far a load can be trusted.

    Attributes
    ----------
    expected, known, estimated
        As of a `Month`, over all of them.
    months
        In order of time.
    holes
        The longest first.
    corrections
        How many readings were corrected after they had first come, as the caller counts them; None
        where nobody counted.
    """

    expected: int
    known: int
    estimated: int
    months: tuple[Month, ...]
    holes: tuple[Hole, ...]
    corrections: int | None

    @property
    def completeness(self) -> float | None:
        """The share of slots that are known; None of an empty load."""
        return self.known / self.expected if self.expected else None

    @property
    def estimated_share(self) -> float | None:
        """The share of known slots that nobody vouches for; None where nothing is known."""
        return self.estimated / self.known if self.known else None


def data_quality(load: Load, corrections: int | None = None) -> DataQuality:
    """Say how far a load can be trusted.

    Parameters
    ----------
    load
        Made for the range asked for (`Load.of` with start and end), or its ends are not missed.
    corrections
        What the store counts, passed through.
    """
    known, estimated = load.known, load.known & ~load.measured
    months, index = np.unique(
        load.day.astype("datetime64[D]").astype("datetime64[M]"), return_inverse=True
    )
    counts = (np.bincount(index, weights=w) for w in (np.ones(len(load)), known, estimated))
    return DataQuality(
        expected=len(load),
        known=load.count,
        estimated=int(estimated.sum()),
        months=tuple(
            Month(str(month), int(e), int(k), int(g))
            for month, e, k, g in zip(months, *counts, strict=True)
        ),
        holes=_holes(load),
        corrections=corrections,
    )


def _holes(load: Load) -> tuple[Hole, ...]:
    edges = np.diff((~load.known).astype(np.int8), prepend=0, append=0)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    longest = np.argsort(begins - ends, kind="stable")
    return tuple(
        Hole(load.start + begin * load.interval, load.start + end * load.interval, end - begin)
        for begin, end in zip(begins[longest].tolist(), ends[longest].tolist(), strict=True)
    )
