"""Instants written as local ISO 8601 text with offset, whole arrays at a time."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from meters.days import Ints
from meters.zones import DAY, Zone

# 2023-02-01T00:00:00+01:00, put together from what many instants share.
LENGTH = 25
PARTS = [("date", "V10"), ("minute", "V6"), ("second", "V3"), ("offset", "V6")]
MINUTES = np.array([b"T%02d:%02d" % divmod(minute, 60) for minute in range(1440)]).view("V6")
SECONDS = np.array([b":%02d" % second for second in range(60)]).view("V3")
Texts = npt.NDArray[np.bytes_]


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
    text = iso_texts(instants, zone).tobytes().decode()
    return [text[at : at + LENGTH] for at in range(0, len(text), LENGTH)]


def quoted(instants: Ints, zone: Zone) -> Texts:
    """Write instants as `iso` does, each as JSON with a comma after it, ``"…",``."""
    return iso_texts(instants, zone, before=b'"', after=b'",')


def iso_texts(instants: Ints, zone: Zone, *, before: bytes = b"", after: bytes = b"") -> Texts:
    """Write instants as `iso` does, as an array of bytes, each between what is before and after."""
    around = {"before": before, "after": after}
    first, last = ([(name, f"V{len(text)}")] if text else [] for name, text in around.items())
    parts = np.empty(len(instants), dtype=[*first, *PARTS, *last])
    for name, _ in (*first, *last):
        parts[name] = np.void(around[name])
    offsets = zone.offsets(instants)
    local = instants + offsets
    days = local // DAY
    seconds = local - days * DAY
    minutes = seconds // 60
    # Of a year there are 366 dates and two offsets: each is written where it begins, and repeated.
    begins, lengths = stretches(days)
    dates = np.datetime_as_string(days[begins].astype("datetime64[D]"))
    parts["date"] = np.repeat(dates.astype("S10").view("V10"), lengths)
    parts["minute"] = MINUTES[minutes]
    parts["second"] = SECONDS[seconds - 60 * minutes]
    begins, lengths = stretches(offsets)
    written = [_offset(offset) for offset in offsets[begins].tolist()]
    parts["offset"] = np.repeat(np.array(written, dtype="S6").view("V6"), lengths)
    return parts.view(f"S{len(before) + LENGTH + len(after)}")


def stretches(numbers: Ints) -> tuple[Ints, Ints]:
    """Say where each stretch of equal numbers begins, and how long it is."""
    begins = np.flatnonzero(np.concatenate(([True], numbers[1:] != numbers[:-1]))[: len(numbers)])
    return begins, np.diff(begins, append=len(numbers))


@lru_cache(maxsize=1024)
def _offset(seconds: int) -> bytes:
    return offset_text(seconds).encode()


def offset_text(seconds: int) -> str:
    """Write an offset from UTC, for instance ``+05:45``."""
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    return f"{sign}{hours:02}:{rest // 60:02}"


def wall(instants: Ints, zone: Zone) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """Return local wall time without zone, ``datetime64[s]``: what a chart's axis shows."""
    return (instants + zone.offsets(instants)).astype("datetime64[s]")
