"""How charts are named by the resolution that they show: whole phrases, for languages inflect."""

from meters.language import N_, _, _n
from meters.wording import figure

# Resolutions that stand in none of these tables are named by their ISO 8601 duration.
_OF = {
    "PT1M": N_("{quantity} of 1 minute"),
    "PT5M": N_("{quantity} of 5 minutes"),
    "PT10M": N_("{quantity} of 10 minutes"),
    "PT15M": N_("{quantity} of 15 minutes"),
    "PT30M": N_("{quantity} of 30 minutes"),
    "PT1H": N_("{quantity} of hours"),
    "P1D": N_("{quantity} of days"),
    "P1W": N_("{quantity} of weeks"),
    "P1M": N_("{quantity} of months"),
    "P1Y": N_("{quantity} of years"),
}
_OF_OTHERS = N_("{quantity} of {resolution}")
_ENERGY_BY = {
    "PT1H": N_("Energy by hour"),
    "P1D": N_("Energy by day"),
    "P1W": N_("Energy by week"),
    "P1M": N_("Energy by month"),
    "P1Y": N_("Energy by year"),
}
_ENERGY_BY_OTHERS = N_("Energy by {resolution}")
_LOCAL = {
    "PT1H": N_("Local hours"),
    "P1D": N_("Local days"),
    "P1W": N_("Local weeks"),
    "P1M": N_("Local months"),
    "P1Y": N_("Local years"),
}
_LOCAL_OTHERS = N_("Local {resolution}")


def quantity_of(quantity: str, resolution: str) -> str:
    """Say of how long each value is: mean power of 15 minutes."""
    words = _(_OF.get(resolution, _OF_OTHERS))
    return words.format(quantity=quantity, resolution=resolution)


def energy_by(resolution: str) -> str:
    """Entitle a chart of energy: energy by day."""
    return _(_ENERGY_BY.get(resolution, _ENERGY_BY_OTHERS)).format(resolution=resolution)


def local_pieces(resolution: str) -> str:
    """Name the pieces of the local calendar that a chart shows: local days."""
    return _(_LOCAL.get(resolution, _LOCAL_OTHERS)).format(resolution=resolution)


def lacking(incomplete: int, total: int, resolution: str) -> str:
    """Say how many of the pieces that a chart shows lack readings."""
    match resolution:
        case "P1D":
            words = _n(
                "{incomplete} of {total} days lacks readings.",
                "{incomplete} of {total} days lack readings.",
                incomplete,
            )
        case "P1W":
            words = _n(
                "{incomplete} of {total} weeks lacks readings.",
                "{incomplete} of {total} weeks lack readings.",
                incomplete,
            )
        case "P1M":
            words = _n(
                "{incomplete} of {total} months lacks readings.",
                "{incomplete} of {total} months lack readings.",
                incomplete,
            )
        case "P1Y":
            words = _n(
                "{incomplete} of {total} years lacks readings.",
                "{incomplete} of {total} years lack readings.",
                incomplete,
            )
        case _:
            words = _n(
                "{incomplete} of {total} values lacks readings.",
                "{incomplete} of {total} values lack readings.",
                incomplete,
            )
    return words.format(incomplete=figure(incomplete), total=figure(total))
