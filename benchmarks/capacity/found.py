"""What is found of an installation of a size: how large it is, and what its work has cost."""

from dataclasses import dataclass, field

SWEEPS = 12
# Of the days that are stored, in whole days.
CORRECTED = 0.05
# What an upstream far away takes to answer [s].
LATE = 0.1


@dataclass
class Spent:
    """What was spent between two moments; all 0 until the block has ended.

    Attributes
    ----------
    wall, own, database
        On the clock, and processor time of this process and of PostgreSQL's together [s].
    wal
        Write-ahead log [B].
    """

    wall: float = 0.0
    own: float = 0.0
    database: float = 0.0
    wal: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.wall + other.wall,
            self.own + other.own,
            self.database + other.database,
            self.wal + other.wal,
        )


@dataclass(frozen=True)
class Cost:
    """Processor time of one request [s]."""

    web: float
    database: float


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a plant is.

    Attributes
    ----------
    single, double
        Meters of each tenant with one register, and with two.
    days
        Of history.
    reread
        How far back each sweep reads again [h].
    """

    tenants: int
    single: int
    double: int
    days: int
    reread: int

    @property
    def meters(self) -> int:
        return self.tenants * (self.single + self.double)

    @property
    def registers(self) -> int:
        return self.tenants * (self.single + 2 * self.double)

    @property
    def most_registers(self) -> int:
        """Of one meter."""
        return 2 if self.double else 1

    def __str__(self) -> str:
        return f"{self.tenants} × {self.single + self.double} meters, {self.days} days"


@dataclass
class Found:
    """What a plant of a size has cost.

    Attributes
    ----------
    backfill, sweep, correction
        The backfill, all sweeps together, and the corrections; with the readings of each (of one
        sweep alone).
    far
        On the clock, one sweep of all tenants from an upstream that answers `LATE` [s]; 0 where
        none was tried.
    day_rows, revisions
        Rows that are stored at the end.
    tables
        Each table with its indexes, over all tenants [B].
    """

    size: Size
    backfill: Spent = field(default_factory=Spent)
    backfill_readings: int = 0
    sweep: Spent = field(default_factory=Spent)
    sweep_readings: int = 0
    far: float = 0.0
    correction: Spent = field(default_factory=Spent)
    correction_readings: int = 0
    day_rows: int = 0
    revisions: int = 0
    tables: dict[str, float] = field(default_factory=dict)

    @property
    def backfill_rows(self) -> float:
        """Rows of the backfill's answers: one of a meter with two registers holds two readings."""
        size = self.size
        return self.backfill_readings * size.meters / size.registers

    @property
    def disk(self) -> float:
        """All tables with their indexes [B]."""
        return sum(self.tables.values())
