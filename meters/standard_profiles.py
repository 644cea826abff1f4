"""The German standard load profiles: how many customers of a kind together spread a year's energy.

The tables are demandlib's; its own class for them fails on pandas 3 and turns every warning of the
process into an error, so only its data are read. *Pure*: no Django.

References
----------
.. [1] VDEW, "Repräsentative VDEW-Lastprofile", M-32/99, Frankfurt 1999, kept by the BDEW: H0
   households, G0 business in general, G1 weekdays 8 to 18, G2 evenings, G3 around the clock,
   G4 shops, G5 bakeries, G6 weekends.
.. [2] demandlib (oemof), `demandlib/bdew/bdew_data/selp_series.csv`.
"""

from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from meters.zones import DAY

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PROFILES = ("h0", "g0", "g1", "g2", "g3", "g4", "g5", "g6")
SLOTS = 96
"""Quarter-hours of a profile's day."""

WINTER, SUMMER, TRANSITION = range(3)
SEASONS = ("winter", "summer", "transition")
# The first day of each stretch of the year, as month × 100 + day [1]_.
_BEGINS = np.array([101, 321, 515, 915, 1101])
_STRETCHES = np.array([WINTER, TRANSITION, SUMMER, TRANSITION, WINTER])
_COLUMNS = ("period", "weekday", *PROFILES)


@lru_cache(maxsize=1)
def _table() -> dict[str, Floats]:
    """Power by season, weekday from Monday and quarter-hour, its mean over the year 1."""
    text = (files("demandlib") / "bdew" / "bdew_data" / "selp_series.csv").read_text()
    head, *rows = [line.split(",") for line in text.splitlines()]
    season_at, weekday_at, *profiles_at = (head.index(name) for name in _COLUMNS)
    seasons = np.array([SEASONS.index(row[season_at]) for row in rows])
    weekdays = np.array([int(row[weekday_at]) - 1 for row in rows])
    values = np.array([[float(row[at]) for at in profiles_at] for row in rows])
    table = np.empty((len(SEASONS), 7, SLOTS, len(PROFILES)))
    for season in range(len(SEASONS)):
        for weekday in range(7):
            table[season, weekday] = values[(seasons == season) & (weekdays == weekday)]
    # A year has about 139 days of winter, 123 of summer and 103 between them.
    weights = np.array([139, 123, 103]) / 365
    table /= np.einsum("swip,s->p", table, weights) / (7 * SLOTS)
    found = {}
    for number, profile in enumerate(PROFILES):
        found[profile] = np.ascontiguousarray(table[..., number])
        found[profile].setflags(write=False)
    return found


def seasons(days: Ints) -> Ints:
    """Return the season of each local day [days since 1970-01-01]: `WINTER`, `SUMMER`, …"""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    in_year = (months.astype(np.int64) % 12 + 1) * 100
    in_year += (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    found: Ints = _STRETCHES[np.searchsorted(_BEGINS, in_year, side="right") - 1]
    return found


def weekdays(days: Ints) -> Ints:
    """Return the weekday of each local day [days since 1970-01-01], Monday 0."""
    # 1970-01-01 was a Thursday.
    found: Ints = (days + 3) % 7
    return found


def week(profile: str, season: int) -> Floats:
    """Return a profile's week in one season, shape ``(7, 96)``, the year's mean being 1."""
    found: Floats = _table()[profile][season]
    return found


def expected(
    profile: str, local: Ints, *, as_sunday: npt.NDArray[np.bool_] | None = None
) -> Floats:
    """Return what a profile expects at local clock times, the year's mean being 1.

    Parameters
    ----------
    profile
        One of `PROFILES`.
    local
        Seconds since 1970-01-01T00:00 local, shape ``(n,)``.
    as_sunday
        Which of them lie on a public holiday, shape ``(n,)``.
    """
    days = local // DAY
    weekday = weekdays(days)
    if as_sunday is not None:
        weekday = np.where(as_sunday, 6, weekday)
    slot = local % DAY // (DAY // SLOTS)
    found: Floats = _table()[profile][seasons(days), weekday, slot]
    return found
