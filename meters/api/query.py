"""The query parameters of readings, read once for every endpoint that takes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.http import QueryDict

from meters.api.parameters import Parameters, one_of
from meters.api.problems import InvalidQuery, ParameterError
from meters.grid import OFFERED, Grid, Resolution
from meters.models import Meter, Register
from meters.obis import ObisCode
from meters.ranges import MomentError, parse_moment
from meters.readings import Query, TooFineError
from meters.zones import DAY, Zone, zone

MOST_POINTS = 100_000
FILLS = ("null", "none", "zero")
LAYOUTS = ("rows", "columns")
NAMES = ("start", "end", "resolution", "timezone", "register", "fill", "layout")
# No register has longer intervals than an hour, whatever its history.
ALWAYS_FIT = [Resolution.parse(text) for text in OFFERED if Resolution.parse(text).seconds >= 3600]
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class ReadingsQuery:
    """What was asked, checked: registers, the range on a grid, and how to write the answer.

    Attributes
    ----------
    asked_resolution
        The resolution as it was written; empty where none was asked for.
    """

    registers: Sequence[Register]
    query: Query
    fill: str
    layout: str
    asked_resolution: str

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
    given: QueryDict, *, default_zone: Zone, registers: Sequence[Register], now: int
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

    Raises
    ------
    InvalidQuery
        400, with each parameter at fault, what is wrong, and a value that works.
    """
    parameters = Parameters(given, NAMES, "resolution=P1D")
    where = parameters.read("timezone", zone, default_zone, default_zone.name)
    registers = parameters.read(
        "register", _choose(registers), registers, registers[0].obis if registers else ""
    )
    fill = parameters.read("fill", one_of(FILLS), "null", "null")
    layout = parameters.read("layout", one_of(LAYOUTS), "rows", "columns")
    start, end = _read_range(parameters, where, now)
    usual = Resolution.of_seconds(max((one.interval or 900 for one in registers), default=900))
    fitting = _fitting(start, end, where, registers)
    resolution = parameters.read("resolution", Resolution.parse, usual, str(fitting))
    points = _points(start, end, resolution, where, registers)
    if points > MOST_POINTS and not parameters.errors:
        parameters.refuse(
            "resolution",
            f"The answer would hold about {points:,} points, {MOST_POINTS:,} are the most. Ask "
            f"for {fitting} or a shorter range; resolutions are {', '.join(OFFERED)}.",
            str(fitting),
            str(resolution),
        )
    parameters.check()
    query = Query(start, end, resolution, where, now)
    return ReadingsQuery(registers, query, fill, layout, given.get("resolution", ""))


def for_meter(given: QueryDict, meter: Meter, now: int) -> ReadingsQuery:
    """Read the parameters of a request for one meter's readings."""
    registers = list(meter.registers.all())
    for register in registers:
        register.meter = meter
    return parse_query(given, default_zone=meter.zone, registers=registers, now=now)


def _choose(registers: Sequence[Register]) -> Callable[[str], Sequence[Register]]:
    def parse(text: str) -> Sequence[Register]:
        code = str(ObisCode.parse(text))
        found = [register for register in registers if register.obis == code]
        if not found:
            have = ", ".join(register.obis for register in registers) or "none"
            raise ValueError(f"The meter has no register {code}; it has {have}.")
        return found

    return parse


def _read_range(parameters: Parameters, where: Zone, now: int) -> tuple[int, int]:
    """Read start and end; by default the last seven local days, up to the present."""

    def moment(text: str) -> int:
        return parse_moment(text, where)

    today = where.date_at(now)
    usual_start = where.midnight(today - timedelta(days=6))
    tomorrow = _written(where.midnight(today + timedelta(days=1)), where)
    # A first look, for the example of each must go with the other.
    known_start, known_end = (
        _quietly(parameters.given.get(name, ""), where) for name in ("start", "end")
    )
    before = _beside(known_end, -1, where)
    after = _beside(known_start, 1, where)
    start = parameters.read("start", moment, usual_start, before or _written(usual_start, where))
    end = parameters.read("end", moment, now, after or tomorrow)
    if known_end is not None and before is None:
        parameters.refuse("end", "Nothing is served before that.", after or tomorrow)
    elif known_start is not None and after is None:
        parameters.refuse(
            "start", "Nothing is served after that.", before or _written(usual_start, where)
        )
    elif end <= start and not (parameters.is_refused("start") or parameters.is_refused("end")):
        said = (
            f"The end {where.at(end).isoformat()} does not lie after the start "
            f"{where.at(start).isoformat()}."
        )
        # The one that was written is at fault, the other one may be a default.
        if after is not None:
            parameters.refuse("end", said, after)
        else:
            parameters.refuse("start", said, before or _written(usual_start, where))
    # What follows only looks for an example where one of them was refused.
    return start, max(end, start + 1)


def _quietly(text: str, where: Zone) -> int | None:
    try:
        return parse_moment(text, where)
    except MomentError:
        return None


def _beside(instant: int | None, sign: int, where: Zone) -> str | None:
    """Write a moment a while before or after another one, if there is one that is served."""
    if instant is None:
        return None
    for distance in (WEEK, DAY, 1):
        text = _written(instant + sign * distance, where)
        if _quietly(text, where) is not None:
            return text
    return None


def _written(instant: int, where: Zone) -> str:
    """Write a moment as the date that begins with it, or with its offset."""
    local = where.at(instant)
    day = local.date()
    return day.isoformat() if where.midnight(day) == instant else local.isoformat()


def _points(
    start: int, end: int, resolution: Resolution, where: Zone, registers: Sequence[Register]
) -> int:
    return Grid(start, end, resolution, where).most_buckets * max(len(registers), 1)


def _fitting(start: int, end: int, where: Zone, registers: Sequence[Register]) -> Resolution:
    """Choose the finest resolution that fits any register and the most points."""
    for resolution in ALWAYS_FIT:
        if _points(start, end, resolution, where, registers) <= MOST_POINTS:
            return resolution
    return ALWAYS_FIT[-1]
