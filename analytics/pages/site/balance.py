"""Whether the meters of a site allow to state self-consumption, and the statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.methods.selfuse import ContradictionError, SelfUse, self_use
from analytics.pages.site.roles import CannotSayError, Roles, names_of
from analytics.period import Period
from meters.dates import dated
from meters.days import Ints
from meters.models import Meter
from meters.obis import Direction
from meters.readings import RegisterReadings
from meters.series import Buckets
from meters.templatetags.units import energy, figure, percent
from meters.wording import listed


@dataclass(frozen=True)
class Balance:
    """Self-consumption of a site, or why it can't be stated.

    Attributes
    ----------
    result
        None where it can't be stated.
    words
        The figures in a sentence, or what is missing.
    is_contradiction
        Whether the meters contradict each other.
    """

    result: SelfUse | None
    words: str
    is_contradiction: bool = False


def balance(
    roles: Roles | str, daily: Sequence[RegisterReadings], period: Period, last_common: int
) -> Balance | None:
    """State self-consumption of a site.

    Parameters
    ----------
    roles
        As `roles_of` tells them.
    daily
        The main energy registers of the meters by local days of the range.
    last_common
        Up to when all of them have delivered [s]: what comes later has not come yet, which is no
        gap. The statement is about the whole days before.

    Returns
    -------
    None where nothing is produced or fed in, so that nobody asks.
    """
    if isinstance(roles, str):
        return Balance(None, roles) if roles else None
    connection, production = roles.connection, roles.production
    try:
        until = _until(period, last_common)
        _check_in_use([connection, *production], period.start, until)
        sums = _Sums(daily, until)
        sums.check_complete([connection, *production], period)
    except CannotSayError as reason:
        return Balance(None, str(reason))
    imported = sums.of(connection, Direction.IMPORT)
    exported = sums.of(connection, Direction.EXPORT)
    produced = sum(sums.of(one, Direction.EXPORT) for one in production)
    try:
        result = self_use(imported, exported, produced)
    except ContradictionError:
        words = _(
            "The meters contradict each other ({range}): {connection} fed in {exported} kWh, but "
            "{production} produced only {produced} kWh. Check which meter stands where, and "
            "whether the directions of one are swapped."
        ).format(
            range=_range(period, until),
            connection=connection.name,
            exported=energy(exported),
            production=names_of(production),
            produced=energy(produced),
        )
        return Balance(None, words, is_contradiction=True)
    return Balance(result, _sentence(result, period, until))


def _until(period: Period, last_common: int) -> int:
    """Return where the last whole day ends that all have delivered [s]."""
    if last_common >= period.end:
        return period.end
    until = period.zone.midnight(period.zone.date_at(last_common)) if last_common else 0
    if until <= period.start:
        raise CannotSayError(
            _("Self-consumption needs a whole day of readings of all meters in the range.")
        )
    return until


def _check_in_use(meters: Sequence[Meter], start: int, until: int) -> None:
    for one in meters:
        if one.validity.since > start or one.validity.until < until:
            raise CannotSayError(
                _(
                    "Self-consumption needs meters that are there all the time; {name} was "
                    "commissioned or removed within the range."
                ).format(name=one.name)
            )


class _Sums:
    """The registers of meters, summed up to an instant."""

    def __init__(self, daily: Sequence[RegisterReadings], until: int) -> None:
        self.daily, self.until = daily, until

    def _days(self, buckets: Buckets, numbers: Ints) -> int:
        return int(numbers[buckets.edges[:-1] < self.until].sum())

    def of(self, meter: Meter, direction: Direction) -> float:
        found = 0.0
        for one in self.daily:
            register, buckets = one.register, one.buckets
            if register.meter_id == meter.pk and register.code.direction is direction:
                days = (buckets.edges[:-1] < self.until) & (buckets.count > 0)
                found += float(buckets.values[days].sum())
        return found

    def check_complete(self, meters: Sequence[Meter], period: Period) -> None:
        names = {one.pk: one.name for one in meters}
        lacking: dict[str, tuple[int, int]] = {}
        for one in self.daily:
            pk, buckets = one.register.meter_id, one.buckets
            if pk not in names:
                continue
            expected = self._days(buckets, buckets.expected)
            missing = self._days(buckets, (buckets.expected - buckets.count).clip(min=0))
            before = lacking.get(names[pk], (0, 0))
            lacking[names[pk]] = before[0] + missing, before[1] + expected
        holed = [
            ngettext(
                "{name} lacks {missing} of {expected} intervals",
                "{name} lacks {missing} of {expected} intervals",
                missing,
            ).format(name=name, missing=figure(missing), expected=figure(expected))
            for name, (missing, expected) in lacking.items()
            if missing or not expected
        ]
        if holed:
            raise CannotSayError(
                _("Self-consumption needs complete readings; {lacking} ({range}).").format(
                    lacking=listed(holed), range=_range(period, self.until)
                )
            )


def _range(period: Period, until: int) -> str:
    """Say of which days something holds."""
    if until >= period.end:
        return period.words
    first, last = period.first_day, period.zone.date_at(until) - timedelta(days=1)
    if first == last:
        return dated(first, "long")
    words = _("{first} to {last}, up to where all have delivered")
    return words.format(first=dated(first, "long"), last=dated(last, "long"))


def _sentence(result: SelfUse, period: Period, until: int) -> str:
    when = _range(period, until)
    if result.consumption is None:
        return _("Nothing was produced ({range}).").format(range=when)
    use = _(
        "Of {produced} kWh produced, {on_site} kWh were used on site and {exported} kWh fed in "
        "({range})."
    ).format(
        produced=energy(result.produced),
        on_site=energy(result.on_site),
        exported=energy(result.exported),
        range=when,
    )
    if result.sufficiency is None:
        return use
    source = _(
        "With {imported} kWh drawn from the grid, {used} kWh were used in all, {share} of it from "
        "there."
    ).format(
        imported=energy(result.imported),
        used=energy(result.used),
        share=percent(result.sufficiency, 1),
    )
    return f"{use} {source}"
