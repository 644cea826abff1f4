"""Where the meters of a site stand: at the connection, or behind it as production."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from meters.models import Meter, Register
from meters.obis import Direction
from meters.obis_meaning import Medium
from meters.wording import listed

BOTH = frozenset({Direction.IMPORT, Direction.EXPORT})
SOMETHING_ELSE = {
    *(Medium.HEAT_COST, Medium.COOLING, Medium.HEAT),
    *(Medium.GAS, Medium.COLD_WATER, Medium.HOT_WATER),
}


class CannotSayError(Exception):
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
    except CannotSayError as reason:
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
        raise CannotSayError(
            _(
                "Self-consumption needs a meter at the connection that counts both import and "
                "export; none here does."
            )
        )
    if len(both) > 1:
        raise CannotSayError(
            _(
                "Self-consumption needs exactly one meter at the connection that counts both "
                "import and export; here {names} do."
            ).format(names=names_of(both))
        )
    if not production:
        raise CannotSayError(
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
        raise CannotSayError(words.format(name=one.name))
    return Roles(both[0], production)


def _counts_something_else(meter: Meter) -> bool:
    """Whether all that a meter counts is no electricity, as of water or heat."""
    media = {register.code.medium for register in meter.registers.all()}
    return bool(media) and media <= SOMETHING_ELSE


def names_of(meters: Sequence[Meter]) -> str:
    return listed([one.name for one in meters])
