"""What a synthetic meter is: its kind, its place, its size, and all else its readings depend on.

*Pure*: the standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Kind = Literal[
    "household",
    "photovoltaics",
    "constant",
    "prosumer",
    "business",
    "heat_pump",
    "charging",
    "production",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
INTERVALS = (300, 900, 1800, 3600)
"""Lengths of interval that meters can have [s]."""

IMPORT, EXPORT = "0100011D00FF", "0100021D00FF"
"""OBIS 1-0:1.29.0*255 and 1-0:2.29.0*255: active energy of the interval, in and out [kWh]."""


@dataclass(frozen=True)
class SyntheticMeter:
    """One meter, and everything its readings depend on.

    Parameters
    ----------
    muid : str
        The upstream's name of the meter.
    kind : {"household", "photovoltaics", "constant", "prosumer", "business", "heat_pump", \
"charging", "production"}
        What is behind the meter; a prosumer is a household behind its own photovoltaics, and
        production what those make, by a meter of its own.
    name : str
        For people.
    timezone : str
        IANA name; habits, days and years are those of this zone.
    seed : int
        Meters of one seed and place share their weather.
    scale : float
        Size: households and what prosumers use in units of 3,500 kWh a year, photovoltaics in
        kWp, constant loads in units of 350 W, businesses in units of 20,000 kWh a year, heat
        pumps by their rating, wall boxes by how long they charge. The size of a roof whose
        production is counted follows from its prosumer, not from here.
    interval : int
        Length of an interval [s], one of `INTERVALS`; intervals begin at its multiples in UTC.
    obis : str
        Register, in hexadecimal; by default export for photovoltaics, import for the others.
        See `second_obis`.
    step : float
        The smallest amount that the meter counts [kWh].
    latitude, longitude : float
        Place [°], north and east positive.
    missing_share, estimated_share : float
        Expected share of intervals without a reading, and of readings of quality `estimated` [-].
    regularity : float
        How well people keep their hours, from 0, hardly ever, to 1 [-].
    activity : float
        Share of a household's usual doings that this one does, each at its usual power [-].
    base : float
        Factor on what runs by itself in a household: standby, fridges, the heating's pump [-].
    standby : float
        What an inverter draws by night [W]; the meter of such photovoltaics has two registers.
    roof_of : str
        The `muid` of the prosumer whose roof makes what is counted; production alone has one.
    commissioned : datetime.date
        First local day with readings.
    """

    muid: str
    kind: Kind
    name: str
    timezone: str = "Europe/Zurich"
    seed: int = 1
    scale: float = 1.0
    interval: int = 900
    obis: str = ""
    step: float = 0.0001
    latitude: float = 47.38
    longitude: float = 8.54
    missing_share: float = 0.0
    estimated_share: float = 0.0
    regularity: float = 1.0
    activity: float = 1.0
    base: float = 1.0
    standby: float = 0.0
    roof_of: str = ""
    commissioned: date = date(2015, 1, 1)

    def __post_init__(self) -> None:
        if not self.obis:
            # The dataclass is frozen for use as a cache key; a default that depends on another
            # field can only be set past that.
            code = EXPORT if self.kind in {"photovoltaics", "production"} else IMPORT
            object.__setattr__(self, "obis", code)
        ZoneInfo(self.timezone)
        for wrong, message in (
            (self.kind not in KINDS, f"kind {self.kind!r} is none of {', '.join(KINDS)}"),
            (self.interval not in INTERVALS, f"interval {self.interval} s is none of {INTERVALS}"),
            (not re.fullmatch("[0-9A-F]{12}", self.obis), f"obis {self.obis!r} is no hex code"),
            (not self.scale > 0, f"scale {self.scale} is not above 0"),
            (not self.step > 0, f"step {self.step} kWh is not above 0"),
            (not 0 <= self.missing_share < 1, "missing_share is not within [0, 1)"),
            (not 0 <= self.estimated_share < 1, "estimated_share is not within [0, 1)"),
            (not 0 <= self.regularity <= 1, "regularity is not within [0, 1]"),
            (not 0 <= self.activity <= 1, "activity is not within [0, 1]"),
            (not 0 < self.base <= 10, "base is not within (0, 10]"),
            (not 0 <= self.standby < 1000, f"standby {self.standby} W is not within [0, 1000)"),
            (
                (self.kind == "production") != bool(self.roof_of),
                "production, and nothing else, is that of a prosumer's roof (roof_of)",
            ),
            (not abs(self.latitude) <= 90, f"latitude {self.latitude}° is beyond a pole"),
            (not abs(self.longitude) <= 180, f"longitude {self.longitude}° is beyond ±180°"),
        ):
            if wrong:
                raise ValueError(f"Synthetic meter {self.muid}: {message}.")

    @property
    def second_obis(self) -> str | None:
        """The other register of a meter that counts both directions; None where it has one."""
        if self.kind == "prosumer":
            return EXPORT
        return IMPORT if self.kind == "photovoltaics" and self.standby else None

    @property
    def decimals(self) -> int:
        """Decimal places of the meter's step."""
        exponent = Decimal(str(self.step)).normalize().as_tuple().exponent
        return max(0, -int(exponent))

    @property
    def first_instant(self) -> int:
        """Local midnight of the first day with readings [s since 1970-01-01T00:00Z]."""
        day = self.commissioned
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone))
        return int(midnight.timestamp())
