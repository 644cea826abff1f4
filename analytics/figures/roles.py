"""Which of the series' colours a register has: one for what comes in, one for what goes out."""

from meters.obis import Direction

ROLES = {Direction.IMPORT: "import", Direction.EXPORT: "export", Direction.NET: "net"}


def role_of(direction: Direction | None) -> str:
    """Name the role, which style sheets and figures know; ``net`` where there is no direction."""
    return "net" if direction is None else ROLES.get(direction, "net")
