"""Public holidays, as far as a meter's time zone tells them.

The zone database names the country of a zone, and the library *holidays* the days that are kept
throughout that country. Which region a meter stands in nobody has said, so regional holidays are
not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib import resources

import holidays
from babel import Locale

from meters.language import _, spoken
from meters.wording import figure


@dataclass(frozen=True)
class PublicHolidays:
    """The public holidays within some days.

    Attributes
    ----------
    zone
        IANA name.
    country
        In English; empty where it or its holidays are not known.
    dates
        Those that are kept throughout the country.
    """

    zone: str
    country: str
    dates: frozenset[date]

    @property
    def words(self) -> str:
        """Say which holidays count as Sundays."""
        if not self.country:
            return _(
                "Which public holidays are kept can't be told from the zone {zone}, so each counts "
                "as the weekday on which it falls."
            ).format(zone=self.zone)
        return _(
            "Public holidays that are kept throughout the country (by the zone {zone}: {country}) "
            "count as Sundays; in this range there are {number}. Those of a region alone are not "
            "known."
        ).format(zone=self.zone, country=self._spoken_country, number=figure(len(self.dates)))

    @property
    def _spoken_country(self) -> str:
        if spoken() == "en":
            return self.country
        code, _country = _countries()[self.zone]
        return str(Locale.parse(spoken()).territories.get(code, self.country))


def public_holidays(zone: str, first: date, last: date) -> PublicHolidays:
    """Find the public holidays between two local days, both included.

    Parameters
    ----------
    zone
        IANA name.
    """
    code, country = _countries().get(zone, ("", ""))
    known = _of_years(code, first.year, last.year) if code else None
    if known is None:
        return PublicHolidays(zone, "", frozenset())
    return PublicHolidays(zone, country, frozenset(day for day in known if first <= day <= last))


@lru_cache(maxsize=128)
def _of_years(code: str, first: int, last: int) -> frozenset[date] | None:
    """Find a country's holidays; None where the library does not know the country."""
    try:
        return frozenset(holidays.country_holidays(code, years=range(first, last + 1)))
    except NotImplementedError:
        return None


@cache
def _countries() -> Mapping[str, tuple[str, str]]:
    """Read which country each zone is of: its code and its name."""
    names = dict(_table("iso3166.tab"))
    # In zone1970.tab several countries share a zone; here each has one of its own.
    return {zone: (code, names[code]) for code, _place, zone, *_rest in _table("zone.tab")}


def _table(name: str) -> list[list[str]]:
    text = resources.files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
