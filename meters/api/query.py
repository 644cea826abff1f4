"""The query parameters of readings, read once for every endpoint that takes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.http import QueryDict

from meters.api.bounds import read_range
from meters.api.parameters import Parameters, one_of
from meters.api.problems import InvalidQuery, ParameterError
from meters.combining import Combine
from meters.grid import OFFERED, Grid, Resolution
from meters.measures import STATISTICS, UNITS, MeasureError, measure_of, units_of
from meters.models import Meter, Register
from meters.obis import ObisCode, ObisError
from meters.obis_meaning import Direction
from meters.qualities import BY_NAME, Quality
from meters.readings import Query, TooFineError
from meters.zones import Zone, zone

MOST_POINTS = 100_000
FILLS = ("null", "none", "zero")
LAYOUTS = ("rows", "columns")
NAMES = (
    *("start", "end", "resolution", "timezone", "register", "statistic", "unit", "quality"),
    *("fill", "layout"),
)
DIRECTIONS = (Direction.IMPORT, Direction.EXPORT)
# No register has longer intervals than an hour, whatever its history.
ALWAYS_FIT = [Resolution.parse(text) for text in OFFERED if Resolution.parse(text).seconds >= 3600]


@dataclass(frozen=True, slots=True)
class ReadingsQuery:
    """What was asked, checked: registers, the range on a grid, and how to write the answer.

    Attributes
    ----------
    asked_resolution
        The resolution as it was written; empty where none was asked for.
    combine
        How registers are put together; None where each stands alone.
    """

    registers: Sequence[Register]
    query: Query
    fill: str
    layout: str
    asked_resolution: str
    combine: Combine | None = None

    def coarser(self, error: TooFineError) -> "ReadingsQuery":
        """Ask for the finest resolution that fits, unless another one was asked for.

        Raises
        ------
        InvalidQuery
            400, with what fits.
        """
        if self.asked_resolution:
            raise InvalidQuery(
                [ParameterError("resolution", self.asked_resolution, str(error), str(error.fits))]
            ) from None
        return replace(self, query=replace(self.query, resolution=error.fits))


def parse_query(
    parameters: Parameters,
    *,
    default_zone: Zone,
    registers: Sequence[Register],
    now: int,
    combine: Combine | None = None,
    most: int = MOST_POINTS,
) -> ReadingsQuery:
    """Read the parameters, and name every one that can't be taken.

    Parameters
    ----------
    default_zone
        Taken where no `timezone` is asked for: the meter's.
    registers
        Those that can be asked for.
    now
        The present [s].
    combine
        How they are put together.
    most
        The most points that the answer may hold.

    Raises
    ------
    InvalidQuery
        400, with each parameter at fault, what is wrong, and a value that works.
    """
    where = parameters.read("timezone", zone, default_zone, default_zone.name)
    registers = read_registers(parameters, registers)
    statistic = parameters.read("statistic", one_of(STATISTICS), None, "sum")
    unit = parameters.read("unit", one_of(UNITS), None, "kWh")
    _check_measures(parameters, registers, statistic, unit)
    qualities = parameters.read_all("quality", _qualities, frozenset[Quality](), "measured")
    fill = parameters.read("fill", one_of(FILLS), "null", "null")
    layout = parameters.read("layout", one_of(LAYOUTS), "rows", "columns")
    start, end = read_range(parameters, where, now)
    usual = Resolution.of_seconds(max((one.interval or 900 for one in registers), default=900))
    lines = 1 if combine else max(len(registers), 1)
    fitting = _fitting(start, end, where, lines, most)
    resolution = parameters.read("resolution", Resolution.parse, usual, str(fitting))
    points = _points(start, end, resolution, where, lines)
    if points > most and not parameters.errors:
        parameters.refuse(
            "resolution",
            f"The answer would hold about {points:,} points, {most:,} are the most. Ask "
            f"for {fitting} or a shorter range; resolutions are {', '.join(OFFERED)}.",
            str(fitting),
            str(resolution),
        )
    parameters.check()
    query = Query(start, end, resolution, where, now, statistic, unit, qualities)
    asked = parameters.given.get("resolution", "")
    return ReadingsQuery(registers, query, fill, layout, asked, combine)


def for_meter(
    given: QueryDict,
    meter: Meter,
    registers: Sequence[Register],
    now: int,
    most: int = MOST_POINTS,
) -> ReadingsQuery:
    """Read the parameters of a request for one meter's readings."""
    return parse_query(
        Parameters(given, NAMES, "resolution=P1D"),
        default_zone=meter.zone,
        registers=registers,
        now=now,
        most=most,
    )


def own_registers(meters: Sequence[Meter]) -> list[Register]:
    """List the registers of meters, each with its meter."""
    registers = []
    for meter in meters:
        for register in meter.registers.all():
            register.meter = meter
            registers.append(register)
    return registers


def read_registers(parameters: Parameters, registers: Sequence[Register]) -> Sequence[Register]:
    """Read which registers are asked for; all where none are named."""
    example = registers[0].obis if registers else "import"
    return parameters.read_all("register", _choose(registers), registers, example)


def _choose(registers: Sequence[Register]) -> Callable[[Sequence[str]], Sequence[Register]]:
    """Make a parser of registers: OBIS codes in any notation, or ``import`` and ``export``."""

    def parse(texts: Sequence[str]) -> Sequence[Register]:
        chosen: dict[int, Register] = {}
        for text in texts:
            name = text if text in DIRECTIONS else _code(text)
            found = [one for one in registers if _is_named(one, name)]
            if not found:
                have = ", ".join(dict.fromkeys(one.obis for one in registers)) or "none"
                raise ValueError(f"There is no register {name} here; there are {have}.")
            chosen |= {one.pk: one for one in found}
        return [one for one in registers if one.pk in chosen]

    return parse


def _code(text: str) -> str:
    try:
        return str(ObisCode.parse(text))
    except ObisError as error:
        raise ValueError(f"{error} Or write import or export.") from None


def _is_named(register: Register, name: str) -> bool:
    if name in DIRECTIONS:
        return register.is_main_energy and register.code.direction == name
    return register.obis == name


def _qualities(texts: Sequence[str]) -> frozenset[Quality]:
    for text in texts:
        one_of(BY_NAME)(text)
    return frozenset(BY_NAME[text] for text in texts)


def _check_measures(
    parameters: Parameters, registers: Sequence[Register], statistic: str | None, unit: str | None
) -> None:
    """Refuse a statistic or a unit that one of the registers can't be given in."""
    for register in registers:
        try:
            measure_of(register.code, statistic, unit)
        except MeasureError as error:
            if parameters.is_refused(error.parameter):
                return
            words = str(error)
            if len(registers) > 1:
                words += " Choose others with `register`."
            fits = error.fits or "kWh"
            if error.parameter == "statistic" and "statistic" not in parameters.given:
                # What was written is at fault, not what follows from it.
                parameters.refuse("unit", words, next(iter(units_of(register.code)), "kWh"))
            else:
                parameters.refuse(error.parameter, words, fits)
            return


def _points(start: int, end: int, resolution: Resolution, where: Zone, lines: int) -> int:
    return Grid(start, end, resolution, where).most_buckets * lines


def _fitting(start: int, end: int, where: Zone, lines: int, most: int) -> Resolution:
    """Choose the finest resolution that fits any register and the most points."""
    for resolution in ALWAYS_FIT:
        if _points(start, end, resolution, where, lines) <= most:
            return resolution
    return ALWAYS_FIT[-1]
