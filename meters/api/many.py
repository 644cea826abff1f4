"""The readings of several meters on one grid: which meters, and all else that is asked for."""

from collections.abc import Sequence

from django.http import QueryDict

from meters.api.choosing import WHICH as CHOICE
from meters.api.choosing import read_chosen
from meters.api.parameters import Parameters, one_of
from meters.api.problems import InvalidQuery, ParameterError
from meters.api.query import MOST_POINTS, NAMES, ReadingsQuery, own_registers, parse_query
from meters.combining import Combine
from meters.models import Meter
from meters.zones import Zone, zone

WHICH = (*CHOICE, "combine")
MOST_METERS = 1_000
# What is read for an answer in which all meters are put together.
MOST_READ = 3_000_000


def for_meters(
    given: QueryDict, now: int, most: int = MOST_POINTS
) -> tuple[list[Meter], ReadingsQuery]:
    """Read the parameters of a request for the readings of several meters.

    Raises
    ------
    InvalidQuery
        400, with each parameter at fault, what is wrong, and a value that works.
    NotHere
        404: there is no such meter or site; so is another tenant's.
    """
    parameters = Parameters(given, (*WHICH, *NAMES), "resolution=P1D")
    meters = _chosen(parameters)
    combine = parameters.read("combine", one_of(list(Combine)), None, "net")
    registers = own_registers(meters)
    if combine is not None:
        _check_combined(parameters)
        registers = [one for one in registers if one.is_main_energy]
    asked = parse_query(
        parameters,
        default_zone=_common_zone(parameters, meters),
        registers=registers,
        now=now,
        combine=Combine(combine) if combine else None,
        most=most,
    )
    work = asked.query.grid.most_buckets * max(len(asked.registers), 1)
    if combine and work > MOST_READ:
        words = (
            f"That is {work:,} buckets of {len(asked.registers):,} registers to put together, "
            f"{MOST_READ:,} are the most. Ask for a coarser resolution or a shorter range."
        )
        raise InvalidQuery(
            [ParameterError("resolution", str(asked.query.resolution), words, "P1D")]
        )
    return meters, asked


def _check_combined(parameters: Parameters) -> None:
    """Refuse what does not add up over several meters."""
    statistic, unit = (parameters.given.get(name, "") for name in ("statistic", "unit"))
    is_power = bool(unit) and not unit.endswith("h")
    if statistic not in {"", "mean" if is_power else "sum"}:
        words = f"The {statistic} of several meters is not that of their sum."
        parameters.refuse("statistic", words, "mean" if is_power else "sum")


def _chosen(parameters: Parameters) -> list[Meter]:
    """Find the meters that are asked for, those named by MUID first and as they were named."""
    chosen = read_chosen(parameters)
    if parameters.errors:
        return []
    found = list(chosen.of(Meter.objects.all().with_registers())[: MOST_METERS + 1])
    if len(found) > MOST_METERS:
        parameters.refuse(
            "meter",
            f"These are more than {MOST_METERS:,} meters. Name those you want, or one site.",
            str(found[0].muid),
        )
        return []
    chosen.check(meter.muid for meter in found)
    place = {muid: at for at, muid in enumerate(chosen.muids)}
    return sorted(found, key=lambda meter: place.get(meter.muid, len(place)))


def _common_zone(parameters: Parameters, meters: Sequence[Meter]) -> Zone:
    """Find the zone that all meters share; where they don't, one has to be named."""
    names = {meter.timezone for meter in meters}
    if len(names) > 1 and not parameters.given.get("timezone"):
        some = ", ".join(sorted(names)[:5])
        parameters.refuse(
            "timezone",
            f"These meters are in several zones ({some}); say on whose clock buckets begin.",
            min(names),
        )
    return zone(min(names)) if names else zone("UTC")
