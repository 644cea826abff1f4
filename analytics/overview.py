"""What the overview of a tenant shows: energy in and out, meters by state, what is odd."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.figures import Curve, energy_bars, spark
from analytics.period import Period, read_period
from meters.days import Floats, Ints
from meters.grid import Grid, Resolution
from meters.health import MeterHealth, State, health
from meters.models import Meter, Register
from meters.obis import Direction
from meters.profiles import DayTotals, read_totals
from meters.series import Buckets, Statistic
from meters.templatetags.units import THIN, Amount, change_in_words, energy, figure, local
from meters.zones import Zone, epoch_day

ROLES = {Direction.IMPORT: ("Import", "import"), Direction.EXPORT: ("Export", "export")}
STATE_KINDS = {
    State.FRESH: "ok",
    State.LATE: "warning",
    State.SILENT: "error",
    State.EMPTY: "idle",
    State.REMOVED: "idle",
}
MOST_NAMED = 3


@dataclass(frozen=True)
class MeterRow:
    """One line of a table of meters."""

    meter: Meter
    health: MeterHealth
    imported: float | None
    exported: float | None

    @property
    def state_kind(self) -> str:
        return STATE_KINDS[self.health.state]

    @property
    def complete(self) -> str:
        share = self.health.completeness
        return "" if share is None else figure(100 * share, 1)

    @property
    def complete_number(self) -> str:
        # For the meter element, which wants a plain number.
        share = self.health.completeness
        return "" if share is None else f"{100 * share:.1f}"

    @property
    def latest(self) -> str:
        if self.health.last_end is None:
            return ""
        return local(self.health.last_end, self.meter.zone)


def overview(
    meters: Sequence[Meter], zone: Zone, parameters: Mapping[str, str], now: int
) -> dict[str, Any]:
    """Put the overview together, as the template takes it.

    Parameters
    ----------
    meters
        All of the tenant, with their registers.
    zone
        The tenant's.
    parameters
        Of the address.
    now
        The present [s].
    """
    states = health(meters, now)
    last = max((h.last_end for h in states.values() if h.last_end), default=None)
    period = read_period(parameters, zone=zone, now=now, first=None, last_end=last)
    registers = [r for meter in meters for r in meter.registers.all() if r.is_main_energy]
    energies = _Energies.read(registers, period)
    return {
        "period": period,
        "presets": [preset for preset in period.presets if preset["label"] not in {"Day", "All"}],
        "tiles": [
            *(_energy_tile(energies, direction, period) for direction in ROLES),
            _meters_tile(states),
            _completeness_tile(states),
        ],
        "figure": energy_bars(_bars(energies, period), zone, _bar_resolution(period)),
        "chart_title": f"Energy by {'day' if _bar_resolution(period) == 'P1D' else 'month'}",
        "notices": _notices(meters, states),
        "rows": [
            MeterRow(
                meter,
                states[meter.pk],
                energies.of_meter(meter, Direction.IMPORT),
                energies.of_meter(meter, Direction.EXPORT),
            )
            for meter in meters
        ],
    }


def meter_rows(meters: Sequence[Meter], period: Period, now: int) -> list[MeterRow]:
    """Describe meters for a table: how they are doing, and their energy in the period."""
    states = health(meters, now)
    registers = [r for meter in meters for r in meter.registers.all() if r.is_main_energy]
    energies = _Energies.read(registers, period)
    return [
        MeterRow(
            meter,
            states[meter.pk],
            energies.of_meter(meter, Direction.IMPORT),
            energies.of_meter(meter, Direction.EXPORT),
        )
        for meter in meters
    ]


@dataclass(frozen=True)
class _Energies:
    """Day totals of main energy registers over the period and the one before.

    A day counts under its local date: the one of the meter's own zone.
    """

    registers: Sequence[Register]
    totals: DayTotals
    first_day: int
    last_day: int

    @classmethod
    def read(cls, registers: Sequence[Register], period: Period) -> "_Energies":
        first, last = epoch_day(period.first_day), epoch_day(period.last_day)
        totals = read_totals([r.pk for r in registers], first - (last - first + 1), last)
        return cls(registers, totals, first, last)

    def days(self, direction: Direction) -> tuple[Floats, Ints]:
        """Sum each day of the period over all registers: energy [kWh] and number of readings."""
        keys = [r.pk for r in self.registers if r.code.direction is direction]
        totals = self.totals
        inside = np.isin(totals.register, keys) & (totals.day >= self.first_day)
        where, n = totals.day[inside] - self.first_day, self.last_day - self.first_day + 1
        energy = np.bincount(where, np.nan_to_num(totals.total[inside]), minlength=n)
        count = np.bincount(where, totals.count[inside], minlength=n).astype(np.int64)
        return np.where(count > 0, energy, np.nan), count

    def before(self, direction: Direction) -> Amount:
        """Sum the period before [kWh]."""
        keys = [r.pk for r in self.registers if r.code.direction is direction]
        earlier = np.isin(self.totals.register, keys) & (self.totals.day < self.first_day)
        return Amount(
            float(np.nansum(self.totals.total[earlier])), int(self.totals.count[earlier].sum())
        )

    def of_meter(self, meter: Meter, direction: Direction) -> float | None:
        """Sum one meter's energy in the period [kWh]; None where nothing was read."""
        found = None
        for register in meter.registers.all():
            if register.is_main_energy and register.code.direction is direction:
                own = self.totals.of_register(register.pk)
                inside = own.day >= self.first_day
                if inside.any():
                    found = (found or 0.0) + float(np.nansum(own.total[inside]))
        return found


def _energy_tile(energies: _Energies, direction: Direction, period: Period) -> dict[str, Any]:
    label, role = ROLES[direction]
    days, count = energies.days(direction)
    total = Amount(float(np.nansum(days)), int(count.sum()))
    words = f"the {period.days} days before"
    return {
        "label": label,
        "figure": energy(total.value if total.count else None),
        "unit": "kWh",
        "change": change_in_words(total, energies.before(direction), words),
        "spark": spark(days.tolist()),
        "role": role,
    }


def _meters_tile(states: Mapping[int, MeterHealth]) -> dict[str, Any]:
    counts = dict.fromkeys(State, 0)
    for one in states.values():
        counts[one.state] += 1
    others = [f"{n} {state}" for state, n in counts.items() if n and state is not State.FRESH]
    return {
        "label": "Meters up to date",
        "figure": figure(counts[State.FRESH]),
        "unit": f"of {figure(len(states))}",
        "change": ", ".join(others) or "all of them",
    }


def _completeness_tile(states: Mapping[int, MeterHealth]) -> dict[str, Any]:
    in_use = [one for one in states.values() if one.state in {State.FRESH, State.LATE}]
    count = sum(one.count for one in in_use)
    expected = sum(one.expected for one in in_use)
    missing = max(expected - count, 0)
    return {
        "label": "Complete, last 30 days",
        "figure": figure(100 * min(count / expected, 1), 1) if expected else "–",
        "unit": "%",
        "change": f"{figure(missing)} of {figure(expected)} intervals missing"
        if missing
        else "nothing missing"
        if expected
        else "",
    }


def _bars(energies: _Energies, period: Period) -> list[Curve]:
    resolution = Resolution.parse(_bar_resolution(period))
    grid = Grid(period.start, period.end, resolution, period.zone)
    days = Grid(period.start, period.end, Resolution.parse("P1D"), period.zone)
    where = grid.locate(days.edges[:-1])
    curves = []
    for direction, (label, role) in ROLES.items():
        energy, count = energies.days(direction)
        if not count.any():
            continue
        # A date that does not exist in the tenant's zone has no bucket either.
        energy, count = energy[: len(days)], count[: len(days)]
        counted = np.bincount(where, count, minlength=len(grid)).astype(np.int64)
        values = np.bincount(where, np.nan_to_num(energy), len(grid)).astype(np.float64)
        values[counted == 0] = np.nan
        buckets = Buckets(grid.edges, values, counted, counted, {}, Statistic.SUM)
        curves.append(Curve(label, role, "kWh", buckets, values))
    return curves


def _bar_resolution(period: Period) -> str:
    """Days, or months where the period is long."""
    return "P1D" if period.days <= 62 else "P1M"


def _notices(meters: Sequence[Meter], states: Mapping[int, MeterHealth]) -> list[dict[str, str]]:
    silent = [meter for meter in meters if states[meter.pk].state is State.SILENT]
    if not silent:
        return []
    named = ", ".join(
        f"{meter.name} (since {local(states[meter.pk].last_end, meter.zone)})"
        for meter in silent[:MOST_NAMED]
    )
    more = len(silent) - MOST_NAMED
    return [
        {
            "kind": "warning",
            "title": f"{len(silent)} meter{'s are' if len(silent) > 1 else ' is'} silent",
            "words": f"No readings of {named}" + (f" and {more}{THIN}more." if more > 0 else "."),
        }
    ]
