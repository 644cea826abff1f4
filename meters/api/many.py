"""The readings of several meters on one grid: which meters, and all else that is asked for."""

from collections.abc import Sequence

from django.http import QueryDict

from meters.api.examples import MUID
from meters.api.of_meter import no_such_meters
from meters.api.parameters import Parameters, one_of
from meters.api.problems import InvalidQuery, ParameterError
from meters.api.query import MOST_POINTS, NAMES, ReadingsQuery, own_registers, parse_query
from meters.combining import Combine
from meters.models import Meter
from meters.muids import read_muid
from meters.zones import Zone, zone

WHICH = ("meter", "site", "combine")
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
    UnknownMeter
        404; so is another tenant's meter.
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
    """Find the meters that are asked for: by MUID, by site, or all of the tenant's."""
    everything = Meter.objects.all().with_registers()

    def by_muid(texts: Sequence[str]) -> list[Meter]:
        muids = [read_muid(text) for text in texts]
        found = {meter.muid: meter for meter in everything.filter(muid__in=muids)}
        if missing := [muid for muid in muids if muid not in found]:
            raise no_such_meters(missing)
        return [found[muid] for muid in dict.fromkeys(muids)]

    def by_site(texts: Sequence[str]) -> list[Meter]:
        found = list(everything.filter(site__name__in=texts))
        for text in texts:
            if not any(meter.site and meter.site.name == text for meter in found):
                raise ValueError(f"There is no site “{text[:60]}” with meters here.")
        return found

    nobody: list[Meter] = []
    named = parameters.read_all("meter", by_muid, nobody, MUID)
    of_site = parameters.read_all("site", by_site, nobody, "Mill Street 4")
    if parameters.errors:
        return []
    found = list({meter.pk: meter for meter in (*named, *of_site)}.values())
    found = found or list(everything[: MOST_METERS + 1])
    if len(found) > MOST_METERS:
        parameters.refuse(
            "meter",
            f"These are more than {MOST_METERS:,} meters. Name those you want, or one site.",
            str(found[0].muid),
        )
    return found[:MOST_METERS]


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
