"""Zones whose clocks do something odd, and when; and what a clock shows, minute by minute."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

MINUTE, HOUR, DAY = 60, 3600, 86_400

# A zone and the days around which to look at it.
ODD: list[tuple[str, date]] = [
    ("Europe/Zurich", date(2023, 3, 26)),
    ("Europe/Zurich", date(2023, 10, 29)),
    ("Australia/Lord_Howe", date(2023, 4, 2)),  # half an hour
    ("Australia/Lord_Howe", date(2023, 10, 1)),
    ("Pacific/Apia", date(2011, 12, 30)),  # a date that never was
    ("Pacific/Apia", date(2012, 4, 1)),
    ("Asia/Kathmandu", date(2023, 7, 1)),  # 5 h 45 min ahead
    ("Asia/Beirut", date(2022, 3, 27)),  # no midnight
    ("Asia/Beirut", date(2022, 10, 30)),  # midnight back to 23:00
    ("America/Santiago", date(2022, 9, 11)),
    ("America/Santiago", date(2023, 4, 2)),
    ("America/Asuncion", date(2023, 10, 1)),
    ("America/Asuncion", date(2023, 3, 26)),
    ("America/St_Johns", date(2010, 3, 14)),  # at one minute past midnight
    ("America/St_Johns", date(2010, 11, 7)),
    ("America/Havana", date(2023, 3, 12)),
    ("America/Havana", date(2023, 11, 5)),  # 01:00 back to midnight
    ("Africa/Casablanca", date(2023, 3, 19)),
    ("Africa/Casablanca", date(2023, 4, 23)),
    ("Africa/Cairo", date(2023, 4, 28)),  # at midnight
    ("Africa/Cairo", date(2014, 9, 26)),
    ("Pacific/Kiritimati", date(1994, 12, 31)),  # another date that never was
    ("Antarctica/Casey", date(2010, 3, 5)),  # three hours back, past midnight
    ("America/Nuuk", date(2024, 3, 31)),
    ("Asia/Pyongyang", date(2018, 5, 5)),
    ("UTC", date(2023, 1, 1)),
]
ZONES = sorted({name for name, _ in ODD})


def utc(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@lru_cache(maxsize=64)
def shown(name: str, begin: int, end: int) -> np.ndarray:
    """What the clock shows at each whole minute of ``[begin, end)``, as seconds since 1970."""
    info = ZoneInfo(name)
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - local time, as the wall shows it
    return np.array(
        [
            (datetime.fromtimestamp(at, info).replace(tzinfo=None) - epoch) // timedelta(seconds=1)
            for at in range(begin, end, MINUTE)
        ]
    )


@st.composite
def odd_ranges(draw: st.DrawFn, most_days: int = 4) -> tuple[str, int, int]:
    """A range of whole minutes near an odd day of some zone."""
    name, day = draw(st.sampled_from(ODD))
    start = utc(day) + draw(st.integers(-2 * 1440, 1440)) * MINUTE
    return name, start, start + draw(st.integers(1, most_days * 1440)) * MINUTE
