"""The model's predictions for a plant, beside what it has cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.capacity import model
from benchmarks.capacity.assumptions import Assumptions
from benchmarks.capacity.coefficients import Coefficients
from benchmarks.capacity.found import CORRECTED, LATE, SWEEPS, Cost, Found

# How far a prediction may be off.
WITHIN = 0.25
SWEEP = 15.0


@dataclass(frozen=True)
class Check:
    """One figure of a plant, predicted and measured in the same unit."""

    what: str
    unit: str
    predicted: float
    measured: float

    @property
    def off(self) -> float:
        return self.predicted / self.measured - 1

    @property
    def holds(self) -> bool:
        return abs(self.off) <= WITHIN


def of_plant(found: Found) -> Assumptions:
    """Say of a plant what the model takes for granted of an installation."""
    size = found.size
    done = (SWEEPS + 1) * SWEEP / 1440
    return Assumptions(
        registers=size.registers / size.meters,
        sweep=SWEEP,
        reread=size.reread,
        years=size.days / 365.25,
        corrected=CORRECTED,
        # Nothing of the record is old enough to go, the backfill's included.
        outcome_days=done,
        run_days=done,
    )


def checks(c: Coefficients, found: Found, pages: dict[str, Cost]) -> Iterator[Check]:
    """Compare all that is measured of a plant."""
    a, size = of_plant(found), found.size
    much = {"meters": float(size.meters), "tenants": float(size.tenants)}
    busy = model.sweeping(a, c, **much)
    of_sweep = 60 * SWEEP
    stored = model.backfill(
        c,
        meters=size.meters,
        rows=found.backfill_rows,
        readings=found.backfill_readings,
        runs=size.tenants,
    )
    quiet = Assumptions(**{**vars(a), "corrected": 0.0})
    served = {
        kind: model.request(
            c,
            kind,
            registers=size.registers / size.tenants,
            feeding=float(size.double > 0),
            own=size.most_registers,
        )
        for kind in pages
    }
    yield Check("rows of days", "", model.day_rows(a, meters=size.meters), found.day_rows)
    yield Check("tables and indexes", "MB", model.on_disk(a, c, **much) / 1e6, found.disk / 1e6)
    yield Check("backfill: log", "MB", stored.wal / 1e6, found.backfill.wal / 1e6)
    yield Check(
        "backfill: readings per second of the worker", "k/s",
        found.backfill_readings / stored.worker / 1e3,
        found.backfill_readings / found.backfill.own / 1e3,
    )  # fmt: skip
    yield Check("backfill: PostgreSQL", "s", stored.database, found.backfill.database)
    yield Check(
        "a sweep: log", "MB",
        model.write_ahead_log(quiet, c, **much) * of_sweep / 1e6, found.sweep.wal / SWEEPS / 1e6,
    )  # fmt: skip
    yield Check("a sweep: worker", "s", busy.worker * of_sweep, found.sweep.own / SWEEPS)
    yield Check("a sweep: PostgreSQL", "s", busy.database * of_sweep, found.sweep.database / SWEEPS)
    if found.far:
        far = replace(a, latency=LATE)
        of_tenant = model.seconds_of_sweep(far, c, meters=size.meters / size.tenants)
        yield Check("a sweep from far away: the clock", "s", size.tenants * of_tenant, found.far)
    yield Check(
        "corrections: log", "MB",
        model.correction_log(
            c,
            readings=found.correction_readings,
            registers=size.registers,
            tenants=size.tenants,
        ) / 1e6,
        found.correction.wal / 1e6,
    )  # fmt: skip
    for kind, cost in pages.items():
        yield Check(f"{kind}: web process", "ms", served[kind].web * 1e3, cost.web * 1e3)


def failed(found: Sequence[Check]) -> list[Check]:
    return [one for one in found if not one.holds]
