"""The list of sites: how their meters are doing, and their energy over a period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from analytics.energies import Energies
from analytics.pages.meter_rows import STATE_KINDS, MeterRow, main_registers, rows_of
from analytics.pages.site.roles import Roles, roles_of
from analytics.period import Period
from meters.health import State, health
from meters.models import Meter, Site
from meters.zones import epoch_day

# The worst first; a site is as its worst meter.
WORST = (State.SILENT, State.LATE, State.EMPTY, State.FRESH, State.REMOVED)


@dataclass(frozen=True)
class SiteRow:
    """One line of the table of sites; energy in kWh, None where nothing was read."""

    site: Site
    rows: Sequence[MeterRow]
    roles: Roles | str

    @property
    def imported(self) -> float | None:
        return _sum([row.imported for row in self._counted])

    @property
    def exported(self) -> float | None:
        return _sum([row.exported for row in self._counted])

    @property
    def _counted(self) -> Sequence[MeterRow]:
        """What is produced behind the meter at the connection is counted there as it leaves."""
        if isinstance(self.roles, str):
            return self.rows
        return [row for row in self.rows if row.meter.pk == self.roles.connection.pk]

    @property
    def _worst(self) -> State | None:
        states = {row.health.state for row in self.rows}
        return next((state for state in WORST if state in states), None)

    @property
    def state(self) -> str:
        """How its meters are doing: how many of them are as bad as the worst."""
        worst, n = self._worst, len(self.rows)
        if worst is None:
            return _("no meters")
        count = sum(row.health.state is worst for row in self.rows)
        if count == n:
            return worst.label
        return _("{count} of {all} {state}").format(count=count, all=n, state=worst.label)

    @property
    def state_kind(self) -> str:
        return "idle" if self._worst is None else STATE_KINDS[self._worst]


def site_rows(
    sites: Sequence[Site], meters: Mapping[int | None, Sequence[Meter]], period: Period, now: int
) -> list[SiteRow]:
    """Describe sites for a table, with two questions in all but for the meters' own.

    Parameters
    ----------
    meters
        By primary key of the site, with their registers.
    """
    everything = [one for site in sites for one in meters.get(site.pk, ())]
    span = epoch_day(period.first_day), epoch_day(period.last_day)
    energies = Energies.read(main_registers(everything), span)
    rows = {
        row.meter.pk: row for row in rows_of(everything, health(everything, now), energies, span)
    }
    return [
        SiteRow(site, [rows[one.pk] for one in own], roles_of(own, main_registers(own)))
        for site, own in ((site, meters.get(site.pk, ())) for site in sites)
    ]


def _sum(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
