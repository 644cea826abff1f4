"""Figures as people read them: thin spaces, the right number of digits, local time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from django import template

from meters.dates import Form
from meters.dates import dated as written
from meters.language import _
from meters.qualities import quality_in_words
from meters.wording import MINUS, THIN, energy, figure, local, percent

__all__ = [
    "MINUS",
    "THIN",
    "Amount",
    "change_in_words",
    "dated",
    "energy",
    "figure",
    "iso",
    "local",
    "percent",
]

register = template.Library()
for filtered in (figure, energy, local, percent):
    register.filter(filtered.__name__, filtered)
register.filter("quality", quality_in_words)


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum and how many intervals it was made of."""

    value: float
    count: int


def change_in_words(now: Amount | None, before: Amount | None, period: str) -> str:
    """Say how a sum changed against the period before, with its sign in words.

    Nothing is said where one of the two periods has over a tenth fewer readings than the other:
    today so far is no less than yesterday.
    """
    if now is None or before is None or not now.count or not before.count:
        return ""
    if not 0.9 <= now.count / before.count <= 1.1:
        return ""
    difference = now.value - before.value
    if abs(difference) < 1e-9:
        return _("the same as {period}").format(period=period)
    if before.value == 0:
        return _("nothing in {period}").format(period=period)
    # A net register counts below zero, too: more is what lies higher.
    share = difference / abs(before.value) * 100
    if abs(share) < 0.5:
        return _("about the same as {period}").format(period=period)
    if abs(share) > 300 and now.value / before.value > 0:
        ratio = figure(now.value / before.value, 1)
        return _("{ratio} times {period}").format(ratio=ratio, period=period)
    text = _("{share} more than {period}") if share > 0 else _("{share} less than {period}")
    return text.format(share=percent(abs(share) / 100), period=period)


@register.filter
def dated(value: date | None, form: Form = "short") -> str:
    """Write a date, or a moment by the clock that it carries, in one of `meters.dates`' forms."""
    return "–" if value is None else written(value, form)


@register.filter
def iso(value: datetime | int | None) -> str:
    """Write a moment for machines."""
    if value is None:
        return ""
    moment = datetime.fromtimestamp(value, UTC) if isinstance(value, int) else value
    return moment.isoformat(timespec="seconds")
