"""Lines of tables of meters: how each is doing, and its energy over a period."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from analytics.energies import Energies, Span
from analytics.period import Period
from meters.health import MeterHealth, State, health
from meters.language import N_
from meters.models import Meter, Register
from meters.obis import Direction
from meters.templatetags.units import figure, local
from meters.zones import epoch_day

STATE_KINDS = {
    State.FRESH: "ok",
    State.LATE: "warning",
    State.SILENT: "error",
    State.EMPTY: "idle",
    State.REMOVED: "idle",
}
INCOMPLETE = "incomplete"
# As filters name them, and as people read them.
FILTERS = {
    "fresh": N_("Up to date"),
    "late": N_("Late"),
    "silent": N_("Silent"),
    INCOMPLETE: N_("Incomplete"),
    "empty": N_("No readings yet"),
    "removed": N_("Removed"),
}


@dataclass(frozen=True)
class MeterRow:
    """One line of a table of meters; energy in kWh, None where nothing was read."""

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

    @property
    def size(self) -> float:
        """How much energy went through it, whichever way [kWh]."""
        return abs(self.imported or 0.0) + abs(self.exported or 0.0)


def filters() -> dict[str, str]:
    """Name the filters in the language that is spoken."""
    return {name: _(label) for name, label in FILTERS.items()}


def is_in(one: MeterHealth, state: str) -> bool:
    """Say whether a meter passes a filter of `FILTERS`."""
    in_use = one.state in {State.FRESH, State.LATE, State.SILENT}
    if state == INCOMPLETE:
        return in_use and one.is_incomplete
    return one.state.name.lower() == state


def main_registers(meters: Iterable[Meter]) -> list[Register]:
    """List the main energy registers of meters, each with its meter."""
    found = []
    for meter in meters:
        for register in meter.registers.all():
            if register.is_main_energy:
                register.meter = meter
                found.append(register)
    return found


def rows_of(
    meters: Sequence[Meter], states: Mapping[int, MeterHealth], energies: Energies, span: Span
) -> list[MeterRow]:
    """Describe meters by what is known of them."""
    sums = energies.by_register(span)
    found: dict[tuple[int, Direction], float] = {}
    for one in energies.registers:
        if one.pk in sums:
            key = one.meter_id, one.code.direction
            found[key] = found.get(key, 0.0) + sums[one.pk]
    return [
        MeterRow(
            meter,
            states[meter.pk],
            found.get((meter.pk, Direction.IMPORT)),
            found.get((meter.pk, Direction.EXPORT)),
        )
        for meter in meters
    ]


def meter_rows(meters: Sequence[Meter], period: Period, now: int) -> list[MeterRow]:
    """Describe meters for a table: how they are doing, and their energy in the period."""
    span = epoch_day(period.first_day), epoch_day(period.last_day)
    energies = Energies.read(main_registers(meters), span)
    return rows_of(meters, health(meters, now), energies, span)
