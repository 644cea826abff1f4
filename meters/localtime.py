"""Instants written as local ISO 8601 text with offset, whole arrays at a time."""

import numpy as np

from meters.days import Ints
from meters.zones import Zone


def iso(instants: Ints, zone: Zone) -> list[str]:
    """Write instants as ``2023-02-01T00:00:00+01:00``.

    Parameters
    ----------
    instants
        Seconds since 1970, shape ``(n,)``.

    Returns
    -------
    n texts.
    """
    offsets = zone.offsets(instants)
    local = np.datetime_as_string((instants + offsets).astype("datetime64[s]"))
    texts = np.empty(len(instants), dtype="U25")
    for offset in np.unique(offsets):
        here = offsets == offset
        texts[here] = np.char.add(local[here], offset_text(int(offset)))
    found: list[str] = texts.tolist()
    return found


def offset_text(seconds: int) -> str:
    """Write an offset from UTC, for instance ``+05:45``."""
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    return f"{sign}{hours:02}:{rest // 60:02}"


def wall(instants: Ints, zone: Zone) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """Return local wall time without zone, ``datetime64[s]``: what a chart's axis shows."""
    return (instants + zone.offsets(instants)).astype("datetime64[s]")
