"""Start and end of a range, as every endpoint that takes them reads them."""

from datetime import timedelta

from meters.api.parameters import Parameters
from meters.ranges import MomentError, parse_moment, parse_relative
from meters.zones import DAY, Zone

WEEK = 7 * DAY


def read_range(
    parameters: Parameters, where: Zone, now: int, usual_start: int | None = None
) -> tuple[int, int]:
    """Read `start` and `end`; by default the last seven local days, up to the present.

    A `start` may also be a duration before the end, such as ``-P7D``.

    Parameters
    ----------
    now
        The present [s].
    usual_start
        Where the range begins where nobody says so [s]; six local days before today where None.

    Returns
    -------
    ``[start, end)`` [s], of which the end always lies after the start.
    """

    def moment(text: str) -> int:
        return parse_moment(text, where)

    known_end = _quietly(parameters.given.get("end", ""), where)

    def begin(text: str) -> int:
        before = parse_relative(text, where, now if known_end is None else known_end)
        return parse_moment(text, where) if before is None else before

    today = where.date_at(now)
    if usual_start is None:
        usual_start = where.midnight(today - timedelta(days=6))
    tomorrow = _written(where.midnight(today + timedelta(days=1)), where)
    # A first look, for the example of each must go with the other.
    known_start = _quietly(parameters.given.get("start", ""), where)
    before = _beside(known_end, -1, where)
    after = _beside(known_start, 1, where)
    start = parameters.read("start", begin, usual_start, before or _written(usual_start, where))
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
