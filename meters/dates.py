"""Dates and times of day as people write them, in the language that is spoken."""

from datetime import date, datetime
from typing import Literal

from babel.dates import format_date, format_datetime

from meters.language import spoken

Form = Literal[
    "short",
    "long",
    "no_year",
    "of_month",
    "month",
    "weekday",
    "weekday_short",
    "moment",
    "long_moment",
]
# Patterns of Unicode's CLDR; the examples are English.
FORMS: dict[str, dict[Form, str]] = {
    "en": {
        "short": "d MMM y",  # 3 Mar 2024
        "long": "d MMMM y",  # 3 March 2024
        "no_year": "d MMMM",  # 3 March
        "of_month": "d",  # 3
        "month": "MMMM y",  # March 2024
        "weekday": "EEEE, d MMMM y",  # Sunday, 3 March 2024
        "weekday_short": "EEE d MMM y",  # Sun 3 Mar 2024
        "moment": "d MMM y, HH:mm",  # 3 Mar 2024, 14:15
        "long_moment": "d MMMM y, HH:mm",  # 3 March 2024, 14:15
    },
    "de": {
        "short": "d. MMM y",
        "long": "d. MMMM y",
        "no_year": "d. MMMM",
        "of_month": "d.",
        "month": "MMMM y",
        "weekday": "EEEE, d. MMMM y",
        "weekday_short": "EEE d. MMM y",
        "moment": "d. MMM y, HH:mm",
        "long_moment": "d. MMMM y, HH:mm",
    },
}


def dated(value: date, form: Form) -> str:
    """Write a date, or a moment by the clock that it carries.

    Raises
    ------
    KeyError
        There is no such form.
    """
    language = spoken() if spoken() in FORMS else "en"
    pattern = FORMS[language][form]
    if isinstance(value, datetime):
        # By its own clock: Babel would turn it into UTC.
        return format_datetime(value.replace(tzinfo=None), pattern, locale=language)
    return format_date(value, pattern, locale=language)


def weekday(value: date) -> str:
    """Name the day of the week: Sunday."""
    return format_date(value, "EEEE", locale=spoken())
