"""A load grouped by hour, time of day, weekday, week, month, season, day type or any interval.

A grouping says two things of each group: how power is distributed over its slots, and how energy is
distributed over the times that it occurred: each Monday's energy, or what ran up in each hour from
18:00. Clock and calendar are the local ones; slots of the repeated autumn hour count with those of
the same wall time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from analytics.methods.load import HOUR, Load
from analytics.methods.quantiles import means_by_group, quantiles_by_group
from meters.days import Floats, Ints
from meters.grid import Resolution, ResolutionError
from meters.language import N_, _
from meters.zones import DAY, Zone, epoch_day

WEEKDAYS = (
    N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"),
    N_("Sunday"),
)  # fmt: skip
MONTHS = (
    N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June"),
    N_("July"), N_("August"), N_("September"), N_("October"), N_("November"), N_("December"),
)  # fmt: skip
# Three months each, named by them: which of them is summer depends on the hemisphere.
SEASONS = (N_("Dec–Feb"), N_("Mar–May"), N_("Jun–Aug"), N_("Sep–Nov"))
DAY_TYPES = (N_("Weekday"), N_("Saturday"), N_("Sunday or holiday"))
# What is known to this share stands for the whole of its hour, day or month.
KNOWN_ENOUGH = 0.9

# How long one occurrence of a group lasts: a piece of the calendar, or seconds.
_Length = str | int


class By(StrEnum):
    """What repeats: each has a fixed number of groups, whatever the range."""

    HOUR = "hour"
    TIME = "time"
    WEEKDAY = "weekday"
    DAY_TYPE = "day_type"
    MONTH = "month"
    SEASON = "season"


def read_by(text: str) -> By | Resolution:
    """Read what to group by.

    Raises
    ------
    ResolutionError
        It is neither one of `By` nor a length.
    """
    return By(text) if text in set(By) else Resolution.parse(text)


@dataclass(frozen=True, eq=False)
class Bands:
    """How values are distributed within each of g groups; NaN where a group has none.

    Attributes
    ----------
    mean, median, low, high
        `low` and `high` are the 10 % and 90 % quantiles, all of shape ``(g,)``.
    count
        How many values each group has, shape ``(g,)``.
    """

    mean: Floats
    median: Floats
    low: Floats
    high: Floats
    count: Ints


@dataclass(frozen=True, eq=False)
class Grouping:
    """A load in g groups, in their natural order.

    Attributes
    ----------
    by
        What was grouped by: one of `By`, or an ISO 8601 duration.
    labels
        One for each group: ``18:00``, ``Monday``, ``2024-W05``, ``2024-02``; in the language that
        was spoken when it was grouped.
    power
        Of the mean power of slots [kW].
    energy
        Of the energy of each time that the group occurred [kWh]: an hour of one day, one Monday,
        one January, one week. One that the range cuts, or of which less than `KNOWN_ENOUGH` is
        known, does not count; of another, what is missing is taken at the mean of what is known.
    """

    by: str
    labels: tuple[str, ...]
    power: Bands
    energy: Bands

    def __len__(self) -> int:
        return len(self.labels)


def group(load: Load, by: By | Resolution, holidays: Collection[date] = ()) -> Grouping:
    """Group a load.

    Parameters
    ----------
    by
        What repeats, or a custom interval: one that divides a day (PT2H) cuts the day into times of
        day, and P1D, P1W, P1M and P1Y cut the range into the calendar's days, weeks, months and
        years.
    holidays
        Dates that count with the Sundays where days are told by their type.

    Raises
    ------
    ResolutionError
        The interval is shorter than a slot.

    Returns
    -------
    Grouping
        Of what repeats within a day, and of weekdays and day types, every group is there. Of
        months, seasons and the calendar's pieces those are that the load reaches into.
    """
    place = load.zone
    groups, labels, length = _groups(load, by, holidays)
    if isinstance(by, By) and by in {By.MONTH, By.SEASON}:
        there = np.unique(groups)
        groups = np.searchsorted(there, groups)
        labels = tuple(labels[i] for i in there.tolist())
    known = load.known
    energies, of_group = _occurrences(load, groups, length, place)
    return Grouping(
        str(by),
        labels,
        _bands(load.power[known], groups[known], len(labels), load.order),
        _bands(energies, of_group, len(labels)),
    )


def _groups(
    load: Load, by: By | Resolution, holidays: Collection[date]
) -> tuple[Ints, tuple[str, ...], _Length]:
    """Number each slot's group, name the groups, and say how long one occurrence lasts."""
    weekday = (load.day + 3) % 7  # 1970-01-01 was a Thursday
    match by:
        case By.WEEKDAY:
            return weekday, _translated(WEEKDAYS), "day"
        case By.DAY_TYPE:
            kind = np.clip(weekday - 4, 0, 2)
            kind[np.isin(load.day, [epoch_day(day) for day in holidays])] = 2
            return kind, _translated(DAY_TYPES), "day"
        case By.MONTH:
            return months_of(load.day) % 12, _translated(MONTHS), "month"
        case By.SEASON:
            return (months_of(load.day) + 1) % 12 // 3, _translated(SEASONS), "season"
    if isinstance(by, Resolution) and by.is_calendar:
        return *_calendar(load.day, by), by.text
    step = load.interval
    if isinstance(by, Resolution):
        step = by.seconds
        if step < load.interval:
            fits = Resolution.of_seconds(load.interval)
            words = _("“{asked}” is finer than the load, whose slots are {fits} long.")
            raise ResolutionError(words.format(asked=by, fits=fits))
    elif by is By.HOUR:
        step = max(HOUR, load.interval)
    step = min(step, DAY)
    return load.second // step, tuple(_clock(second) for second in range(0, DAY, step)), step


def _translated(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_(name) for name in names)


def _clock(second: int) -> str:
    return f"{second // HOUR:02}:{second // 60 % 60:02}"


def months_of(days: Ints) -> Ints:
    """Number the months of days since January 1970."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _calendar(days: Ints, by: Resolution) -> tuple[Ints, tuple[str, ...]]:
    """Number and name the calendar's pieces into which days fall."""
    piece = _piece(days, by.text)
    there, groups = np.unique(piece, return_inverse=True)
    return groups.astype(np.int64), tuple(_piece_name(int(one), by.text) for one in there)


def _piece(days: Ints, length: _Length) -> Ints:
    """Number the calendar's pieces: days, ISO weeks, months, seasons or years."""
    match length:
        case "P1W":
            return (days + 3) // 7
        case "P1M" | "month":
            return months_of(days)
        case "season":
            return (months_of(days) + 1) // 3
        case "P1Y":
            return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    return days


def _piece_name(piece: int, text: str) -> str:
    if text == "P1W":
        year, week, _ = date.fromordinal(piece * 7 - 3 + date(1970, 1, 1).toordinal()).isocalendar()
        return f"{year}-W{week:02}"
    unit = {"P1M": "datetime64[M]", "P1Y": "datetime64[Y]"}.get(text, "datetime64[D]")
    return str(np.int64(piece).astype(unit))


def _occurrences(load: Load, groups: Ints, length: _Length, place: Zone) -> tuple[Floats, Ints]:
    """Tell the energy of each time that a group occurred [kWh], and which group it was."""
    none = np.zeros(0)
    if not len(load):
        return none, none.astype(np.int64)
    # One slot more on either side says whether the first and the last occurrence are cut.
    around = np.array([load.start - load.interval, load.end])
    local = np.concatenate((load.local, around + place.offsets(around)))
    day = local // DAY
    least = 1
    if isinstance(length, int):
        # An hour that the clock shows twice occurs twice, told apart by the offset from UTC.
        shift = local - np.concatenate((load.instants, around))
        piece = (day * DAY + (local - day * DAY) // length) * DAY + shift + DAY // 2
        least = length // load.interval
    else:
        piece = _piece(day, length)
    own, outside = piece[:-2], piece[-2:]
    # A piece is a run of slots, for time goes on.
    begins = np.diff(own, prepend=own[0] - 1) != 0
    first, index = np.flatnonzero(begins), np.cumsum(begins) - 1
    there, slots = own[first], np.bincount(index)
    known = np.bincount(index, weights=load.known)
    sums = np.bincount(index, weights=np.where(load.known, load.energies, 0.0))
    whole = (known >= KNOWN_ENOUGH * slots) & (slots >= least) & ~np.isin(there, outside)
    energies = sums[whole] * slots[whole] / known[whole]
    return energies, groups[first[whole]]


def _bands(values: Floats, groups: Ints, n: int, order: Ints | None = None) -> Bands:
    low, median, high = quantiles_by_group(values, groups, n, (0.1, 0.5, 0.9), order)
    mean, count = means_by_group(values, groups, n)
    return Bands(mean, median, low, high, count)
