"""Whether the meters of a site allow to state self-consumption, and the statement."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.methods.selfuse import ContradictionError, SelfUse, self_use
from analytics.period import Period
from meters.dates import dated
from meters.days import Ints
from meters.models import Meter, Register
from meters.obis import Direction
from meters.obis_meaning import Medium
from meters.readings import RegisterReadings
from meters.series import Buckets
from meters.templatetags.units import energy, figure, percent
from meters.wording import listed

BOTH = frozenset({Direction.IMPORT, Direction.EXPORT})
SOMETHING_ELSE = {
    *(Medium.HEAT_COST, Medium.COOLING, Medium.HEAT),
    *(Medium.GAS, Medium.COLD_WATER, Medium.HOT_WATER),
}


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


class _CannotSayError(Exception):
    """The meters don't allow it; the text says why."""


@dataclass(frozen=True)
class Roles:
    """Where the meters of a site stand.

    Attributes
    ----------
    connection
        The one that counts both ways: what it counts is drawn from the grid and fed into it.
    production
        Those behind it that count production alone.
    """

    connection: Meter
    production: Sequence[Meter]


def roles_of(meters: Sequence[Meter], registers: Sequence[Register]) -> Roles | str:
    """Find where meters stand, where exactly one counts both ways and others export alone.

    Parameters
    ----------
    meters
        Of the site, with their registers.
    registers
        Their main energy registers.

    Returns
    -------
    Their roles; else why they are not known, or nothing where no meter counts any export.
    """
    directions = _directions(meters, registers)
    if not any(Direction.EXPORT in own for own in directions.values()):
        return ""
    try:
        return _roles(meters, directions)
    except _CannotSayError as reason:
        return str(reason)


def behind_connections(meters: Sequence[Meter], registers: Sequence[Register]) -> set[int]:
    """Find the meters whose energy others count already: production behind a connection's meter.

    Parameters
    ----------
    meters
        Of any sites, with their registers.
    registers
        Their main energy registers.

    Returns
    -------
    Primary keys of meters.
    """
    by_site: defaultdict[int, list[Meter]] = defaultdict(list)
    for one in meters:
        if one.site_id is not None:
            by_site[one.site_id].append(one)
    owned: defaultdict[int, list[Register]] = defaultdict(list)
    for register in registers:
        owned[register.meter_id].append(register)
    found: set[int] = set()
    for own in by_site.values():
        # Alone at its site a meter stands behind no other.
        if len(own) > 1:
            roles = roles_of(own, [register for one in own for register in owned[one.pk]])
            if isinstance(roles, Roles):
                found |= {one.pk for one in roles.production}
    return found


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
    except _CannotSayError as reason:
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
            production=_names(production),
            produced=energy(produced),
        )
        return Balance(None, words, is_contradiction=True)
    return Balance(result, _sentence(result, period, until))


def _directions(
    meters: Sequence[Meter], registers: Sequence[Register]
) -> Mapping[int, frozenset[Direction]]:
    found: dict[int, frozenset[Direction]] = {one.pk: frozenset() for one in meters}
    for one in registers:
        found[one.meter_id] |= {one.code.direction} & BOTH
    return found


def _roles(meters: Sequence[Meter], directions: Mapping[int, frozenset[Direction]]) -> Roles:
    """Find the meter at the connection and those of production."""
    of_power = [one for one in meters if not _counts_something_else(one)]
    both = [one for one in of_power if directions[one.pk] == BOTH]
    production = [one for one in of_power if directions[one.pk] == {Direction.EXPORT}]
    unclear = [one for one in of_power if one not in both and one not in production]
    if not both:
        raise _CannotSayError(
            _(
                "Self-consumption needs a meter at the connection that counts both import and "
                "export; none here does."
            )
        )
    if len(both) > 1:
        raise _CannotSayError(
            _(
                "Self-consumption needs exactly one meter at the connection that counts both "
                "import and export; here {names} do."
            ).format(names=_names(both))
        )
    if not production:
        raise _CannotSayError(
            _(
                "Self-consumption needs a production meter, one that counts export alone, beside "
                "{connection}."
            ).format(connection=both[0].name)
        )
    if unclear:
        one = unclear[0]
        if directions[one.pk]:
            words = _(
                "Self-consumption needs every other meter to count production alone; {name} counts "
                "import alone, so it is not known where it stands."
            )
        else:
            words = _(
                "Self-consumption needs every other meter to count production alone; {name} counts "
                "no energy by intervals, so it is not known where it stands."
            )
        raise _CannotSayError(words.format(name=one.name))
    return Roles(both[0], production)


def _counts_something_else(meter: Meter) -> bool:
    """Whether all that a meter counts is no electricity, as of water or heat."""
    media = {register.code.medium for register in meter.registers.all()}
    return bool(media) and media <= SOMETHING_ELSE


def _until(period: Period, last_common: int) -> int:
    """Return where the last whole day ends that all have delivered [s]."""
    if last_common >= period.end:
        return period.end
    until = period.zone.midnight(period.zone.date_at(last_common)) if last_common else 0
    if until <= period.start:
        raise _CannotSayError(
            _("Self-consumption needs a whole day of readings of all meters in the range.")
        )
    return until


def _check_in_use(meters: Sequence[Meter], start: int, until: int) -> None:
    for one in meters:
        if one.validity.since > start or one.validity.until < until:
            raise _CannotSayError(
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
            raise _CannotSayError(
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


def _names(meters: Sequence[Meter]) -> str:
    return listed([one.name for one in meters])
