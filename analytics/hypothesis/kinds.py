"""The kinds of meters among which the hypothesis chooses, and what would settle each."""

from enum import StrEnum

from meters.language import N_, _


class Kind(StrEnum):
    """What a meter may measure."""

    HOUSEHOLD = "household"
    PROSUMER = "household_photovoltaics"
    BUSINESS = "business"
    FEED_IN = "photovoltaic_feed_in"
    HEAT_PUMP = "heat_pump"
    CHARGING = "charging"
    CONSTANT = "constant_load"
    CANNOT_TELL = "cannot_tell"

    @property
    def words(self) -> str:
        """What it is, in the reader's words."""
        return _(TITLES[self])


NAMED = tuple(kind for kind in Kind if kind is not Kind.CANNOT_TELL)

TITLES = {
    Kind.HOUSEHOLD: N_("A household's consumption"),
    Kind.PROSUMER: N_("A household behind its own photovoltaics"),
    Kind.BUSINESS: N_("A business's consumption"),
    Kind.FEED_IN: N_("Photovoltaic feed-in"),
    Kind.HEAT_PUMP: N_("A heat pump"),
    Kind.CHARGING: N_("Charging of electric cars"),
    Kind.CONSTANT: N_("A constant technical load"),
    Kind.CANNOT_TELL: N_("Cannot tell from these readings"),
}

SETTLES = {
    Kind.HOUSEHOLD: (
        N_("The standard load profile of the contract (H0 or H25) or the tariff's customer group."),
        N_("Readings over a holiday, in which a household falls to its base load for days."),
    ),
    Kind.PROSUMER: (
        N_("The export register of the same meter: it has energy by day where this is one."),
        N_("The registration of the roof, with its nominal power."),
    ),
    Kind.BUSINESS: (
        N_("The standard load profile of the contract (G0 to G6, or G25) or the branch."),
        N_("Readings over public holidays, on which a business falls to its base load."),
    ),
    Kind.FEED_IN: (
        N_("The registration of the roof, with its nominal power and the direction that it faces."),
        N_("Irradiance measured nearby: on each clear day the curve would follow it."),
    ),
    Kind.HEAT_PUMP: (
        N_("Outdoor temperature: the daily energy would grow with every degree below 15 °C."),
        N_("Readings of a summer and a winter."),
    ),
    Kind.CHARGING: (
        N_("The fuse of the connection: charging runs at 3.7, 7.4, 11 or 22 kW."),
        N_("Readings at 5 minutes or less, in which a charge ends with a taper."),
    ),
    Kind.CONSTANT: (N_("What the meter's label or the network operator says is connected."),),
    Kind.CANNOT_TELL: (
        N_("At least four weeks of readings at 15 minutes or less, without long gaps."),
    ),
}
