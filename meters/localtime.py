"""Instants written as local ISO 8601 text with offset, whole arrays at a time."""

import numpy as np

from meters.days import Ints
from meters.zones import DAY, Zone

# Offsets [s] lie within this number, on both sides of 0.
HALF = 1 << 19


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
    if not len(instants):
        return []
    # A year of quarter-hours has 366 dates and 96 times of day, each with one offset or two: those
    # are written once, and every instant is one of each put together.
    offsets = zone.offsets(instants)
    days, seconds = np.divmod(instants + offsets, DAY)
    first = int(days.min())
    dates = np.datetime_as_string(
        np.arange(first, int(days.max()) + 1).astype("datetime64[D]")
    ).tolist()
    times, which = np.unique((seconds << 20) + offsets + HALF, return_inverse=True)
    clock = [_clock(int(one) >> 20, (int(one) & (2 * HALF - 1)) - HALF) for one in times]
    return [
        date + time
        for date, time in zip(
            map(dates.__getitem__, (days - first).tolist()),
            map(clock.__getitem__, which.tolist()),
            strict=True,
        )
    ]


def _clock(second: int, offset: int) -> str:
    """Write a time of day with its offset, ``T00:15:00+01:00``."""
    minutes, seconds = divmod(second, 60)
    return f"T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{offset_text(offset)}"


def offset_text(seconds: int) -> str:
    """Write an offset from UTC, for instance ``+05:45``."""
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    return f"{sign}{hours:02}:{rest // 60:02}"


def wall(instants: Ints, zone: Zone) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """Return local wall time without zone, ``datetime64[s]``: what a chart's axis shows."""
    return (instants + zone.offsets(instants)).astype("datetime64[s]")
