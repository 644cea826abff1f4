"""What several sentences share."""

from meters.language import N_
from meters.wording import THIN, energy

NOTHING = N_("There are no readings to tell it from.")


def kilowatt_hours(value: float | None) -> str:
    """Write an energy with its unit."""
    return f"{energy(value)}{THIN}kWh"
