"""What was read from one meter, laid out so that rules can look at it: slots, days, hours, sun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analytics.hypothesis.sunlight import Sun, place_of, sun_over
from analytics.methods.correlation import Correlation, autocorrelation
from analytics.methods.key_figures import base_load
from analytics.methods.load import HOUR, Load
from meters.days import Floats, Ints, Mask
from meters.language import _
from meters.obis import Direction, ObisCode, Phase
from meters.zones import DAY, Zone

QUARTER = 900
IDLE_FLOOR, IDLE_SHARE = 0.005, 0.002
"""Below the larger of this power [kW] and this share of the highest one nothing runs."""
SINGLE_PHASES = (Phase.L1, Phase.L2, Phase.L3)
STANDBY, STANDBY_SHARE = 0.1, 0.03
"""What never takes more than this [kW], or this share of what it gives, only feeds in: an inverter
takes some watts by night."""


@dataclass(frozen=True, eq=False)
class RegisterLoad:
    """One register of a meter: which way it counts, and its load."""

    code: ObisCode
    load: Load


class NothingReadError(ValueError):
    """Registers that hold no reading of energy, or nothing but zeros."""


@dataclass(frozen=True, eq=False)
class Observed:
    """One meter's power in and out on common slots of a quarter-hour or longer.

    Attributes
    ----------
    main
        What is taken; what is given, where the meter takes no more than an inverter's standby.
    taken, given
        Mean power from the grid and into it [kW] on the slots of `main`, NaN where it is not
        known, shape ``(n,)``; None where the meter has no such register.
    feeds_in
        Whether `main` is what is given.
    registers
        As they were given.
    """

    main: Load
    taken: Floats | None
    given: Floats | None
    feeds_in: bool
    registers: tuple[RegisterLoad, ...]

    @classmethod
    def of(cls, registers: Sequence[RegisterLoad], zone: Zone | None = None) -> Observed:
        """Put the registers of one meter together, on the clock of their zone or another one.

        Raises
        ------
        NothingReadError
        """
        chosen = _accounts([one for one in registers if one.load.count])
        if not chosen:
            raise NothingReadError(_("There are no readings of energy or power to argue from."))
        slot = max(QUARTER, *(one.load.interval for one in chosen))
        start = min(one.load.start for one in chosen) // slot * slot
        n = -(-(max(one.load.end for one in chosen) - start) // slot)
        taken = _added(chosen, Direction.IMPORT, start, slot, n)
        given = _added(chosen, Direction.EXPORT, start, slot, n)
        power = given if _only_feeds(taken, given) else taken
        assert power is not None
        # Slots before the first reading and after the last say nothing.
        known = np.flatnonzero(~np.isnan(power))
        low, high = (int(known[0]), int(known[-1]) + 1) if len(known) else (0, 0)
        if not high:
            raise NothingReadError(_("There are no whole quarter-hours of readings to argue from."))
        if not np.nansum(power) > 0:
            raise NothingReadError(_("The registers count nothing: every interval is zero."))
        main = Load(
            start + low * slot,
            slot,
            power[low:high],
            ~np.isnan(power[low:high]),
            zone or chosen[0].load.zone,
        )
        return cls(
            main,
            None if taken is None else taken[low:high],
            None if given is None else given[low:high],
            power is given,
            tuple(registers),
        )

    @cached_property
    def power(self) -> Floats:
        """Known power of the main direction [kW], shape ``(k,)``."""
        return self.main.power[self.main.known]

    @cached_property
    def day(self) -> Ints:
        """Local day of each known slot [days since 1970-01-01]."""
        return self.main.day[self.main.known]

    @cached_property
    def hour(self) -> Floats:
        """Local time of the middle of each known slot [h after midnight]."""
        middle = self.main.second[self.main.known] + self.main.interval / 2
        found: Floats = middle / HOUR
        return found

    @cached_property
    def is_weekend(self) -> Mask:
        """Whether each known slot lies on a Saturday or Sunday."""
        # 1970-01-01 was a Thursday.
        found: Mask = (self.day + 3) % 7 >= 5
        return found

    @property
    def days(self) -> float:
        """How much time is known [days]."""
        return len(self.power) * self.main.interval / DAY

    @cached_property
    def mean(self) -> float:
        """Mean power [kW]."""
        return float(self.power.mean())

    @cached_property
    def top(self) -> float:
        """The highest power but for the highest thousandth of the time [kW]."""
        return float(np.quantile(self.power, 0.999))

    @cached_property
    def idle(self) -> Mask:
        """Whether nothing runs in each known slot but for standby."""
        found: Mask = self.power <= max(IDLE_FLOOR, IDLE_SHARE * self.top)
        return found

    @cached_property
    def base_load(self) -> float:
        """Base load [kW], as everywhere in the product."""
        found = base_load(self.main)
        return float(np.quantile(self.power, 0.05)) if found is None else found

    @cached_property
    def correlation(self) -> Correlation:
        """Autocorrelation up to a week and a day."""
        return autocorrelation(self.main, 8 * DAY // self.main.interval)

    @cached_property
    def daily(self) -> tuple[Ints, Floats]:
        """Local days of which nine tenths are known, and their mean power [kW]."""
        first = int(self.day[0])
        counts = np.bincount(self.day - first)
        sums = np.bincount(self.day - first, weights=self.power)
        whole = np.flatnonzero(counts >= 0.9 * DAY / self.main.interval)
        return whole + first, sums[whole] / counts[whole]

    @cached_property
    def by_hour(self) -> Floats:
        """Mean power [kW] by local hour, shape ``(24,)``, NaN where none is known."""
        return means_by(self.hour.astype(np.int64), self.power, 24)

    @cached_property
    def sun(self) -> Sun | None:
        """The sun at the place that the zone is named after, for each known slot; None of UTC."""
        place = place_of(self.main.zone.name)
        if place is None:
            return None
        middles = self.main.instants[self.main.known] + self.main.interval // 2
        return sun_over(middles, place)


def _only_feeds(taken: Floats | None, given: Floats | None) -> bool:
    if taken is None or given is None:
        return taken is None
    if not np.nansum(given) > np.nansum(taken):
        return False
    highest = [float(np.nanquantile(power, 0.99)) for power in (taken, given)]
    return highest[0] <= max(STANDBY, STANDBY_SHARE * highest[1])


def means_by(groups: Ints, values: Floats, size: int) -> Floats:
    """Mean of the values of each group 0 to `size` − 1; NaN of an empty one."""
    counts = np.bincount(groups, minlength=size)[:size]
    sums = np.bincount(groups, weights=values, minlength=size)[:size]
    found = np.full(size, np.nan)
    np.divide(sums, counts, out=found, where=counts > 0)
    return found


def _accounts(registers: list[RegisterLoad]) -> list[RegisterLoad]:
    """Choose registers that together count each flow once."""
    flows = {
        direction: _one_account([one for one in registers if one.code.direction is direction])
        for direction in (Direction.IMPORT, Direction.EXPORT, Direction.NET, Direction.ABSOLUTE)
    }
    taken, given = flows[Direction.IMPORT], flows[Direction.EXPORT]
    if taken and given:
        return taken + given
    return flows[Direction.NET] or taken or given or flows[Direction.ABSOLUTE]


def _one_account(registers: list[RegisterLoad]) -> list[RegisterLoad]:
    """Of the registers of one direction take the total, or else the tariffs or phases that make it.

    Energy comes before power, which is often but a sample.
    """
    ranked = sorted(registers, key=lambda one: one.code.unit != "kWh")
    of_all_phases = [one for one in ranked if one.code.phase not in SINGLE_PHASES]
    for one in of_all_phases:
        if not one.code.tariff:
            return [one]
    parts = of_all_phases or ranked
    return [one for one in parts if one.code.d == parts[0].code.d]


def _added(
    registers: list[RegisterLoad], direction: Direction, start: int, slot: int, n: int
) -> Floats | None:
    """Add up what flows one way [kW]; a register of net power counts by its sign."""
    total: Floats | None = None
    for one in registers:
        power = _on_slots(one.load, start, slot, n)
        if one.code.direction is Direction.NET:
            power = np.maximum(power if direction is Direction.IMPORT else -power, 0.0)
        elif one.code.direction is Direction.ABSOLUTE:
            if direction is Direction.EXPORT:
                continue
        elif one.code.direction is not direction:
            continue
        total = power if total is None else total + power
    return total


def _on_slots(load: Load, start: int, slot: int, n: int) -> Floats:
    """Mean power on slots that are as long as the load's or longer; NaN where a part is missing."""
    known = load.known
    at = (load.instants[known] - start) // slot
    counts = np.bincount(at, minlength=n)[:n] * load.interval
    sums = np.bincount(at, weights=load.power[known] * load.interval, minlength=n)[:n]
    found = np.full(n, np.nan)
    np.divide(sums, counts, out=found, where=counts >= slot)
    return found
