"""Registers read over a page's range, as finely as they can be given in it."""

from collections.abc import Sequence
from dataclasses import replace

from analytics.period import Period
from meters.models import Register
from meters.readings import RegisterReadings, TooFineError, readings


def read_fitting(
    registers: Sequence[Register], period: Period
) -> tuple[list[RegisterReadings], Period]:
    """Read registers over a period, or over the same at the finest resolution that fits.

    What a register is known for today need not be what it was in the range. Where a finer
    resolution had been chosen, the period that is returned warns of it.
    """
    try:
        return readings(registers, period.query), period
    except TooFineError as error:
        warnings = (*period.warnings, str(error)) if period.chosen else period.warnings
        period = replace(period, resolution=error.fits, chosen="", warnings=warnings)
        return readings(registers, period.query), period
