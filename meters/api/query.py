"""The query parameters of readings, read once for every endpoint that takes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from meters.api.problems import InvalidQuery, ParameterError
from meters.grid import OFFERED, Resolution, ResolutionError, finest_for
from meters.ranges import MomentError, parse_moment
from meters.readings import Query
from meters.zones import Zone, ZoneError, zone

MOST_POINTS = 100_000
FILLS = ("null", "none", "zero")
LAYOUTS = ("rows", "columns")
NAMES = ("start", "end", "resolution", "timezone", "fill", "layout", "format")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadingsQuery:
    """What was asked, checked: the range on a grid, and how to write the answer."""

    query: Query
    fill: str
    layout: str


def parse_query(
    parameters: Mapping[str, str], *, default_zone: Zone, finest: int, now: int, registers: int = 1
) -> ReadingsQuery:
    """Read the parameters, and name every one that can't be taken.

    Parameters
    ----------
    default_zone
        Taken where no `timezone` is asked for: the meter's.
    finest
        The shortest interval of the registers asked for [s].
    now
        The present [s].
    registers
        How many registers the answer holds.

    Raises
    ------
    InvalidQuery
        400, with the parameter at fault, what is wrong, and a value that works.
    """
    errors: list[ParameterError] = []

    def read(name: str, example: str, parse: Callable[[str], T], default: T) -> T:
        text = parameters.get(name, "")
        if not text:
            return default
        try:
            return parse(text)
        except (ZoneError, MomentError, ResolutionError, ValueError) as error:
            errors.append(ParameterError(name, text, str(error), example))
            return default

    errors += [
        ParameterError(
            name,
            parameters[name],
            f"“{name[:40]}” is not a parameter here; there are {', '.join(NAMES)}.",
            "resolution=PT1H",
        )
        for name in sorted(parameters.keys() - set(NAMES))
    ]
    where = read("timezone", default_zone.name, zone, default_zone)
    # By default the last seven local days, up to now.
    start_default = where.midnight(where.date_at(now - 6 * 86_400))
    start = read("start", "2023-02-01", lambda text: parse_moment(text, where), start_default)
    end = read("end", "2023-03-01T00:00:00+01:00", lambda text: parse_moment(text, where), now)
    resolution = read(
        "resolution", "PT1H", Resolution.parse, Resolution.of_seconds(max(finest, 60))
    )
    fill = read("fill", "null", lambda text: _choice(text, FILLS), "null")
    layout = read("layout", "columns", lambda text: _choice(text, LAYOUTS), "rows")
    if not errors and end <= start:
        errors.append(
            ParameterError(
                "end",
                parameters.get("end", ""),
                f"The end {where.at(end).isoformat()} does not lie after the start "
                f"{where.at(start).isoformat()}.",
                where.at(start + 86_400).isoformat(),
            )
        )
    query = Query(start, end, resolution, where, now)
    if not errors:
        errors += _fits(query, parameters, finest, registers)
    if errors:
        raise InvalidQuery(errors)
    return ReadingsQuery(query, fill, layout)


def _choice(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise ValueError(f"“{text[:40]}” is not one of {', '.join(choices)}.")
    return text


def _fits(
    query: Query, parameters: Mapping[str, str], finest: int, registers: int
) -> list[ParameterError]:
    """Refuse a grid finer than the registers, or one of too many points."""
    asked = parameters.get("resolution", str(query.resolution))
    length = query.end - query.start
    coarser = finest_for(finest, length, MOST_POINTS // max(registers, 1))
    if query.resolution.seconds < finest:
        return [
            ParameterError(
                "resolution",
                asked,
                f"{query.resolution} is finer than the register, which reads every "
                f"{finest // 60} minutes; {Resolution.of_seconds(finest)} is the finest that fits.",
                str(Resolution.of_seconds(finest)),
            )
        ]
    points = query.grid.most_buckets * max(registers, 1)
    if points > MOST_POINTS + 8 * registers:
        return [
            ParameterError(
                "resolution",
                asked,
                f"The answer would hold about {points:,} points, {MOST_POINTS:,} are the most. Ask "
                f"for {coarser} or a shorter range; resolutions are {', '.join(OFFERED)}.",
                str(coarser),
            )
        ]
    return []
