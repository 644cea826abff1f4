"""Self-consumption and self-sufficiency of a connection point with production.

One meter at the connection counts import I and export E, others count what was produced, P. What
was produced and not fed in was used on site, C = P − E; what was used in all is I + C.

    self-consumption = C / P        the share of the production that was used on site
    self-sufficiency = C / (I + C)  the share of the use that came from there

Sums over a range give the same as sums over its intervals, for in each of them the same balance
holds. With a battery what charges it counts as used, so that its losses do as well.

References
----------
R. Luthander, J. Widén, D. Nilsson, J. Palm, "Photovoltaic self-consumption in buildings: A review",
Applied Energy 142 (2015) 80–94, doi:10.1016/j.apenergy.2014.12.028, equations 1 to 5.
"""

from dataclasses import dataclass

# Meters of class B may be off by 1 % each (Directive 2014/32/EU, Annex V, table 2), so two of them
# disagree by no more than this share of what they count.
TOLERANCE = 0.02
# What is shown of a sum is no finer [kWh].
ROUNDING = 0.005


class ContradictionError(ValueError):
    """More was fed in than produced, so the meters cannot both be right or stand as told."""


@dataclass(frozen=True, slots=True)
class SelfUse:
    """What a connection point made of its production; energies in kWh.

    Attributes
    ----------
    imported, exported, produced
        Sums of the meters.
    on_site
        What was produced and used on site, no less than 0.
    """

    imported: float
    exported: float
    produced: float
    on_site: float

    @property
    def used(self) -> float:
        """All that was used on site [kWh]."""
        return self.imported + self.on_site

    @property
    def consumption(self) -> float | None:
        """Self-consumption [0, 1]; None where nothing was produced."""
        return self.on_site / self.produced if self.produced > 0 else None

    @property
    def sufficiency(self) -> float | None:
        """Self-sufficiency [0, 1]; None where nothing was used."""
        return self.on_site / self.used if self.used > 0 else None


def self_use(imported: float, exported: float, produced: float) -> SelfUse:
    """Work self-consumption and self-sufficiency out of sums over the same range [kWh].

    Raises
    ------
    ContradictionError
        More was fed in than produced, by more than two meters may disagree.
    """
    on_site = produced - exported
    if on_site < -max(TOLERANCE * exported, ROUNDING):
        raise ContradictionError
    return SelfUse(imported, exported, produced, max(on_site, 0.0))
