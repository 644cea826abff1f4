"""The range and resolution that a page shows, from what stands in its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from meters.dates import Form, dated
from meters.grid import Resolution, ResolutionError, finest_for
from meters.language import N_, _, _n
from meters.ranges import MomentError, parse_moment
from meters.readings import Query
from meters.zones import DAY, Zone

LATEST_DAY, YESTERDAY = "day", "yesterday"
WEEK, MONTH, YEAR, ALL = "week", "month", "year", "all"
# How each is called, and of how many local days it is; "all" is of as many as there are.
PRESETS = {
    LATEST_DAY: (N_("Latest day"), 1),
    YESTERDAY: (N_("Yesterday"), 1),
    WEEK: (N_("7 days"), 7),
    MONTH: (N_("Month"), 28),
    YEAR: (N_("Year"), 365),
    ALL: (N_("All"), 0),
}
# What pages offer, unless they say otherwise.
OFFERED = (YESTERDAY, WEEK, MONTH, YEAR, ALL)
USUAL = MONTH
# More points than a screen has columns make a chart slow and no clearer.
MOST_POINTS = 3_000
CHOICES = {
    "": N_("Automatic"),
    "PT15M": N_("15 minutes"),
    "PT30M": N_("30 minutes"),
    "PT1H": N_("Hour"),
    "P1D": N_("Day"),
    "P1W": N_("Week"),
    "P1M": N_("Month"),
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
        words = _("{first} to {last}")
        if not self.is_whole_days:
            start, end = self.zone.at(self.start), self.zone.at(self.end)
            until = f"{end:%H:%M}" if first == end.date() else dated(end, "long_moment")
            return words.format(first=dated(start, "long_moment"), last=until)
        if first == last:
            return dated(first, "long")
        form: Form = "long"
        if first.year == last.year:
            form = "of_month" if first.month == last.month else "no_year"
        return words.format(first=dated(first, form), last=dated(last, "long"))

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
                "label": _(PRESETS[key][0]),
                "url": "?" + urlencode({"range": key, **keep}),
                "active": key == self.preset,
            }
            for key in self.offered
        ]

    @property
    def resolutions(self) -> list[dict[str, object]]:
        """What can be chosen, with what 'automatic' comes to."""
        shown = str(self.resolution)
        comes_to = _(CHOICES[shown]) if shown in CHOICES else shown
        return [
            {
                "value": value,
                "label": f"{_(label)} ({comes_to})" if not value and not self.chosen else _(label),
                "active": value == self.chosen,
            }
            for value, label in CHOICES.items()
        ]


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
            _label, days = PRESETS[preset if preset != ALL else USUAL]
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
    words = _("There are no readings of yesterday; the latest are of {day}.")
    return words.format(day=dated(latest, "long"))


def _free_range(
    parameters: Mapping[str, str], zone: Zone, warnings: list[str]
) -> tuple[int | None, int | None]:
    texts = parameters.get("start", ""), parameters.get("end", "")
    if not any(texts) or parameters.get("range"):
        return None, None
    if not all(texts):
        warnings.append(_("A range has two dates; the last 28 days are shown."))
        return None, None
    try:
        start, end = (zone.midnight(zone.date_at(parse_moment(text, zone))) for text in texts)
    except MomentError as error:
        warnings.append(" ".join((str(error), _("The last 28 days are shown."))))
        return None, None
    if end <= start:
        warnings.append(_("The range ends before it begins; the last 28 days are shown."))
        return None, None
    if end - start > 40 * 366 * DAY:
        warnings.append(_("The range is longer than 40 years; the last 28 days are shown."))
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
            _n(
                "The meter reads every minute; nothing finer can be shown.",
                "The meter reads every {minutes} minutes; nothing finer can be shown.",
                finest // 60,
            ).format(minutes=finest // 60)
        )
        return automatic, ""
    if length / resolution.seconds > 12 * MOST_POINTS:
        words = _("So long a range has too many points for a chart at {asked}; {shown} is shown.")
        warnings.append(words.format(asked=text, shown=automatic))
        return automatic, ""
    return resolution, text
