"""A meter's readings as loads, ready to be analysed by page, API and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from analytics.hypothesis import Argument, RegisterLoad, argue
from analytics.methods.load import Load, LoadError
from analytics.period import ALL, MONTH, WEEK, YEAR, Period, read_period
from analytics.public_holidays import PublicHolidays, public_holidays
from meters.days import DayTable
from meters.health import health
from meters.language import _
from meters.models import Meter, Register
from meters.profiles import first_reading, read_days, read_newest_days
from meters.series import Series
from meters.wording import EPOCH
from meters.zones import DAY, LAST_INSTANT

# Longer ranges take long and say little more.
MOST_DAYS = 3 * 366
A_YEAR = 365 * DAY
# Less than a week has no habits to be found.
OFFERED = (WEEK, MONTH, YEAR, ALL)


@dataclass(frozen=True)
class Analysed:
    """A meter's registers in a range, each with its load.

    Attributes
    ----------
    loads
        By primary key, of the registers that have a load.
    refused_by
        Why others have none, in words, by primary key.
    """

    meter: Meter
    registers: Sequence[Register]
    loads: Mapping[int, Load]
    refused_by: Mapping[int, str]

    @classmethod
    def within(
        cls, meter: Meter, registers: Sequence[Register], start: int, end: int
    ) -> "Analysed":
        """Read what is to be analysed in ``[start, end)`` [s], which are exact: one query.

        Parameters
        ----------
        registers
            The meter's, each of which knows it.
        """
        # A row is kept under its local date; a day more on each side covers every zone.
        keys = [register.pk for register in registers]
        table = read_days(keys, start // DAY - 1, end // DAY + 1)
        return cls(meter, registers, *_loads(meter, registers, table, start, end))

    @property
    def refused(self) -> Sequence[str]:
        """Why registers have no load, in words."""
        return list(self.refused_by.values())

    @property
    def choices(self) -> list[Register]:
        """The registers that can be analysed, those of the main energy first."""
        found = [register for register in self.registers if register.pk in self.loads]
        return sorted(found, key=lambda register: not register.is_main_energy)

    def chosen(self, obis: str) -> Register | None:
        """Choose a register by its code, or the first one; None where there is none."""
        choices = self.choices
        return next((one for one in choices if one.obis == obis), choices[0] if choices else None)

    def holidays(self, load: Load) -> PublicHolidays:
        """Find the public holidays of the days that a load of the meter covers."""
        first, last = (EPOCH + timedelta(days=int(load.day[at])) for at in (0, -1))
        return public_holidays(self.meter.timezone, first, last)

    @cached_property
    def argument(self) -> Argument:
        """The hypothesis on what the meter measures."""
        return argue(
            [RegisterLoad(one.code, self.loads[one.pk]) for one in self.choices],
            zone=self.meter.zone,
        )


def read_analysed(meter: Meter, parameters: Mapping[str, str], now: int) -> tuple[Analysed, Period]:
    """Read what a page analyses, and the range that it shows: three queries, whatever the range.

    Parameters
    ----------
    meter
        With its registers.
    parameters
        ``range``, or ``start`` and ``end``; see `read_period`.
    """
    registers = list(meter.registers.all())
    for register in registers:
        register.meter = meter
    keys = [register.pk for register in registers]
    first = first_reading(keys) if keys else None
    last_end = health([meter], now)[meter.pk].last_end
    # Of a meter that has not been read for a year, all there is says most.
    is_long = first is not None and last_end is not None and last_end - first > A_YEAR
    period = _shortened(
        read_period(
            parameters,
            zone=meter.zone,
            now=now,
            first=first,
            last_end=last_end,
            usual=YEAR if is_long else ALL,
            offered=OFFERED,
        )
    )
    # Before the first reading and after the last one nothing is missing.
    start, end = max(period.start, first or 0), min(period.end, last_end or 0)
    return Analysed.within(meter, registers, start, end), period


def _shortened(period: Period) -> Period:
    if period.days <= MOST_DAYS:
        return period
    start = period.end - MOST_DAYS * DAY
    start = period.zone.midnight(period.zone.date_at(start))
    words = _("Three years are analysed at most; these are the last ones of the range.")
    return replace(period, start=start, warnings=(*period.warnings, words))


def read_newest(meters: Sequence[Meter], ends: Mapping[int, int], days: int) -> list[Analysed]:
    """Read the latest days of each meter, whenever those were, with one question in all.

    Parameters
    ----------
    meters
        With their registers.
    ends
        When the latest interval of each meter ends [s], by its primary key.
    """
    keys = [one.pk for meter in meters for one in meter.registers.all()]
    # A day more: the latest one has only begun.
    table = read_newest_days(keys, 0, LAST_INSTANT // DAY, days + 1)
    found = []
    for meter in meters:
        registers, end = list(meter.registers.all()), ends[meter.pk]
        loads = _loads(meter, registers, table, end - days * DAY, end)
        found.append(Analysed(meter, registers, *loads))
    return found


def _loads(
    meter: Meter, registers: Sequence[Register], table: DayTable, start: int, end: int
) -> tuple[dict[int, Load], dict[int, str]]:
    """Make loads by register of day rows, and say why others have none."""
    zone = meter.zone
    loads, refused = {}, {}
    for register in registers:
        series = Series.of_days(table.of_register(register.pk), zone)
        try:
            load = Load.of(series.within(start, end), zone, register.code)
        except LoadError as error:
            refused[register.pk] = str(error)
            continue
        if load.count:
            loads[register.pk] = load
    return loads, refused
