"""A stretch of a page's range, seen closer: ``zoom=<start>/<end>`` in the address."""

from dataclasses import replace
from datetime import timedelta

from django.utils.translation import gettext as _

from analytics.period import MOST_POINTS, Period
from meters.grid import finest_for
from meters.ranges import MomentError, parse_moment

# A stretch holds at least so many of the meter's intervals: fewer make no curve.
FEWEST = 4


def read_zoom(text: str, period: Period, finest: int) -> tuple[Period, str]:
    """Read which stretch of the period the curve shows, and how finely.

    The resolution is the finest that fits, unless the reader has chosen one. A stretch ends where
    intervals do, and where days do if it is shown by the day.

    Parameters
    ----------
    text
        ``<start>/<end>``: dates, or times with their offset; empty for the whole period.
    finest
        The meter's shortest interval [s].

    Returns
    -------
    view
        The stretch; `period` itself where all of it is shown.
    warning
        What could not be taken, in words; empty where all is well.
    """
    if not text:
        return period, ""
    try:
        start, end = (parse_moment(part, period.zone) for part in text.split("/"))
    except MomentError as error:
        return period, " ".join((str(error), _("The whole range is shown.")))
    except ValueError:
        return period, _("A stretch is written as <start>/<end>; the whole range is shown.")
    if end <= start:
        return period, _("The stretch ends before it begins; the whole range is shown.")
    if end <= period.start or start >= period.end:
        return period, _("The stretch lies outside the range; the whole range is shown.")
    view = stretch(period, start, end, finest)
    return (period if is_whole(view, period) else view), ""


def stretch(period: Period, start: int, end: int, finest: int) -> Period:
    """Cut ``[start, end)`` [s] out of a period, at the edges of intervals."""
    missing = FEWEST * finest - (end - start)
    if missing > 0:
        start, end = start - missing // 2, end + missing // 2
    start, end = start // finest * finest, -(-end // finest) * finest
    resolution = (
        period.resolution if period.chosen else finest_for(finest, end - start, MOST_POINTS)
    )
    zone = period.zone
    if resolution.is_calendar:
        start = zone.midnight(zone.date_at(start))
        end = zone.midnight(zone.date_at(end - 1) + timedelta(days=1))
    start, end = max(start, period.start), min(end, period.end)
    return replace(period, start=start, end=end, resolution=resolution, preset="")


def is_whole(view: Period, period: Period) -> bool:
    return (view.start, view.end) == (period.start, period.end)


def controls(view: Period, period: Period, finest: int) -> list[dict[str, str]]:
    """List the steps from here, for those who have no pointer to draw a stretch with.

    Returns
    -------
    For each step its ``id``, its ``label`` and ``zoom``, what then stands in the address: empty for
    the whole range. A step that leads nowhere is ``off``.
    """
    length, middle = view.end - view.start, (view.start + view.end) // 2
    half = length // 2
    steps = [
        ("in", _("Zoom in"), middle - half // 2, middle + half // 2),
        ("out", _("Zoom out"), middle - length, middle + length),
        ("earlier", _("Earlier"), view.start - half, view.end - half),
        ("later", _("Later"), view.start + half, view.end + half),
        ("whole", _("Whole range"), period.start, period.end),
    ]
    found = []
    for key, label, start, end in steps:
        if key in {"earlier", "later"}:
            # At an edge the stretch stops and keeps its length.
            back = min(max(start, period.start), period.end - length) - start
            start, end = start + back, end + back
        there = stretch(period, max(start, period.start), min(end, period.end), finest)
        off = (there.start, there.end) == (view.start, view.end)
        text = "" if is_whole(there, period) else zoom_text(there)
        found.append({"id": key, "label": label, "zoom": text, "off": "1" if off else ""})
    return found


def zoom_text(view: Period) -> str:
    """Write a stretch as it stands in the address."""
    return "/".join(view.zone.at(at).isoformat() for at in (view.start, view.end))
