"""What an OBIS code says, in words: Active energy export, meter reading, tariff 2."""

from meters.language import N_, _
from meters.obis_meaning import Direction, Meaning, Phase, Quantity

# As they stand behind the name of a quantity.
_DIRECTIONS = {
    Direction.IMPORT: N_("import"),
    Direction.EXPORT: N_("export"),
    Direction.ABSOLUTE: N_("absolute"),
    Direction.NET: N_("net"),
}
_PHASES = {
    Phase.ALL: N_("all phases"),
    Phase.ANY: N_("any phase"),
    Phase.NEUTRAL: N_("neutral"),
}


def in_words(said: Meaning, billing_period: int | None = None) -> str:
    """Put in words what an interpreted code says, in the language that is spoken.

    Parameters
    ----------
    billing_period
        The past period at whose end the value was stored; None for a current value.
    """
    way = _(said.way)
    parts = [
        _(said.counter) if said.counter else _electricity(said),
        way if said.number is None else f"{way} {said.number}",
    ]
    if said.tariff:
        parts.append(_("tariff {number}").format(number=said.tariff))
    if billing_period is not None:
        parts.append(_("billing period {number}").format(number=billing_period))
    return ", ".join(parts)


def _electricity(said: Meaning) -> str:
    words = [said.quantity.label]
    if said.quadrant:
        roman = ("I", "II", "III", "IV")[said.quadrant - 1]
        words.append(_("quadrant {number}").format(number=roman))
    elif said.direction is not Direction.NONE:
        words.append(_(_DIRECTIONS[said.direction]))
    # Power and energy are of all phases unless said otherwise; a current or a voltage is not.
    if said.quantity in (Quantity.CURRENT, Quantity.VOLTAGE) or said.phase is not Phase.ALL:
        words.append(_(_PHASES[said.phase]) if said.phase in _PHASES else said.phase.label)
    return " ".join(words)
