"""The range and resolution that a page shows, from what stands in its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from meters.grid import Resolution, ResolutionError, finest_for
from meters.ranges import MomentError, parse_moment
from meters.readings import Query
from meters.zones import DAY, Zone

LATEST_DAY, YESTERDAY = "day", "yesterday"
WEEK, MONTH, YEAR, ALL = "week", "month", "year", "all"
# How each is called, and of how many local days it is; "all" is of as many as there are.
PRESETS = {
    LATEST_DAY: ("Latest day", 1),
    YESTERDAY: ("Yesterday", 1),
    WEEK: ("7 days", 7),
    MONTH: ("Month", 28),
    YEAR: ("Year", 365),
    ALL: ("All", 0),
}
# What pages offer, unless they say otherwise.
OFFERED = (YESTERDAY, WEEK, MONTH, YEAR, ALL)
USUAL = MONTH
# More points than a screen has columns make a chart slow and no clearer.
MOST_POINTS = 3_000
CHOICES = {
    "": "Automatic",
    "PT15M": "15 minutes",
    "PT30M": "30 minutes",
    "PT1H": "Hour",
    "P1D": "Day",
    "P1W": "Week",
    "P1M": "Month",
}


@dataclass(frozen=True)
class Period:
    """A range of whole local days, and how finely it is shown.

    Attributes
    ----------
    start, end
        The range ``[start, end)`` [s].
    preset
        Which preset it is; empty for a free range.
    resolution
        What is shown.
    chosen
        What was asked for; empty where the page decides.
    warnings
        What could not be taken as it was asked, in words.
    offered
        The presets among which one chooses.
    kept
        What else of the address the presets keep: names and values.
    """

    start: int
    end: int
    zone: Zone
    preset: str
    resolution: Resolution
    chosen: str
    now: int
    warnings: tuple[str, ...] = ()
    offered: tuple[str, ...] = OFFERED
    kept: tuple[tuple[str, str], ...] = ()

    @property
    def query(self) -> Query:
        return Query(self.start, self.end, self.resolution, self.zone, self.now)

    def with_resolution(self, text: str) -> Query:
        return Query(self.start, self.end, Resolution.parse(text), self.zone, self.now)

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @property
    def first_day(self) -> date:
        return self.zone.date_at(self.start)

    @property
    def last_day(self) -> date:
        return self.zone.date_at(self.end - 1)

    @property
    def end_day(self) -> date:
        """The first day after the range."""
        return self.zone.date_at(self.end)

    @property
    def before(self) -> tuple[int, int]:
        """The range of as many days just before this one [s]."""
        return self.zone.midnight(self.first_day - timedelta(days=self.days)), self.start

    @property
    def is_whole_days(self) -> bool:
        edges = (self.start, self.end)
        return all(self.zone.midnight(self.zone.date_at(at)) == at for at in edges)

    @property
    def words(self) -> str:
        """Say the range: 1 to 28 February 2023; with the time of day where it ends within a day."""
        first, last = self.first_day, self.last_day
        if not self.is_whole_days:
            start, end = self.zone.at(self.start), self.zone.at(self.end)
            until = f"{end:%H:%M}" if first == end.date() else _moment(end)
            return f"{_moment(start)} to {until}"
        if first == last:
            return f"{first.day} {first:%B %Y}"
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day} to {last.day} {last:%B %Y}"
        if first.year == last.year:
            return f"{first.day} {first:%B} to {last.day} {last:%B %Y}"
        return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"

    @property
    def stamp(self) -> str:
        """The range for the name of a file; with the time of day where it ends within a day."""
        if not self.is_whole_days:
            return " ".join(f"{self.zone.at(at):%Y-%m-%d %H%M}" for at in (self.start, self.end))
        first, last = self.first_day, self.last_day
        return str(first) if first == last else f"{first} {last}"

    @property
    def presets(self) -> list[dict[str, object]]:
        """The presets as links that keep what was chosen beside the range."""
        keep = ({"resolution": self.chosen} if self.chosen else {}) | dict(self.kept)
        return [
            {
                "label": PRESETS[key][0],
                "url": "?" + urlencode({"range": key, **keep}),
                "active": key == self.preset,
            }
            for key in self.offered
        ]

    @property
    def resolutions(self) -> list[dict[str, object]]:
        """What can be chosen, with what 'automatic' comes to."""
        return [
            {
                "value": value,
                "label": f"{label} ({CHOICES.get(str(self.resolution), str(self.resolution))})"
                if not value and not self.chosen
                else label,
                "active": value == self.chosen,
            }
            for value, label in CHOICES.items()
        ]


def _moment(local: datetime) -> str:
    return f"{local.day} {local:%B %Y, %H:%M}"


def read_period(
    parameters: Mapping[str, str],
    *,
    zone: Zone,
    now: int,
    first: int | None,
    last_end: int | None,
    finest: int = 900,
    usual: str = USUAL,
    offered: tuple[str, ...] = OFFERED,
) -> Period:
    """Read a page's range: a preset, or two dates.

    Presets count back from the local day of the latest readings, but for yesterday, which is the
    day before the present one.

    Parameters
    ----------
    parameters
        ``range``, or ``start`` and ``end`` (excluded), and ``resolution``.
    first, last_end
        Where the readings begin and end [s]; None where there are none.
    finest
        The shortest interval [s].
    usual
        The preset that is shown where none is asked for.
    offered
        The presets among which one chooses; any of `PRESETS` is taken from the address. Where the
        readings end before yesterday, their latest day is offered in its place.
    """
    warnings: list[str] = []
    # Where readings are old, as a recording's are, the page shows the latest there are.
    anchor = min(now, last_end) if last_end else now
    latest = zone.date_at(anchor - 1)
    # Not by the calendar: where a date was left out, the day before is another one.
    yesterday = zone.date_at(zone.midnight(zone.date_at(now)) - 1)
    preset = parameters.get("range", "")
    start, end = _free_range(parameters, zone, warnings)
    if start is None or end is None:
        preset = preset if preset in PRESETS else usual
        last = yesterday if preset == YESTERDAY else latest
        end = zone.midnight(last + timedelta(days=1))
        if preset == ALL and first is not None:
            start = zone.midnight(zone.date_at(first))
        else:
            _, days = PRESETS[preset if preset != ALL else USUAL]
            start = zone.midnight(last - timedelta(days=days - 1))
        if preset == YESTERDAY and latest < yesterday:
            warnings.append(_too_old(latest))
    else:
        preset = ""
    resolution, chosen = _resolution(
        parameters.get("resolution", ""), end - start, finest, warnings
    )
    if preset == LATEST_DAY or (preset != YESTERDAY and latest < yesterday):
        offered = tuple(LATEST_DAY if key == YESTERDAY else key for key in offered)
    return Period(start, end, zone, preset, resolution, chosen, now, tuple(warnings), offered)


def _too_old(latest: date) -> str:
    return f"There are no readings of yesterday; the latest are of {latest.day} {latest:%B %Y}."


def _free_range(
    parameters: Mapping[str, str], zone: Zone, warnings: list[str]
) -> tuple[int | None, int | None]:
    texts = parameters.get("start", ""), parameters.get("end", "")
    if not any(texts) or parameters.get("range"):
        return None, None
    if not all(texts):
        warnings.append("A range has two dates; the last 28 days are shown.")
        return None, None
    try:
        start, end = (zone.midnight(zone.date_at(parse_moment(text, zone))) for text in texts)
    except MomentError as error:
        warnings.append(f"{error} The last 28 days are shown.")
        return None, None
    if end <= start:
        warnings.append("The range ends before it begins; the last 28 days are shown.")
        return None, None
    if end - start > 40 * 366 * DAY:
        warnings.append("The range is longer than 40 years; the last 28 days are shown.")
        return None, None
    return start, end


def _resolution(text: str, length: int, finest: int, warnings: list[str]) -> tuple[Resolution, str]:
    automatic = finest_for(finest, length, MOST_POINTS)
    if not text:
        return automatic, ""
    try:
        resolution = Resolution.parse(text)
    except ResolutionError as error:
        warnings.append(str(error))
        return automatic, ""
    if resolution.seconds < finest:
        warnings.append(
            f"The meter reads every {finest // 60} minutes; nothing finer can be shown."
        )
        return automatic, ""
    if length / resolution.seconds > 12 * MOST_POINTS:
        warnings.append(
            f"So long a range has too many points for a chart at {text}; {automatic} is shown."
        )
        return automatic, ""
    return resolution, text
