"""From what plants have cost to what one more of each thing costs."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import nnls

from benchmarks.capacity.found import SWEEPS, Cost, Found, Size
from benchmarks.capacity.model import by_resolution

# Which tables grow by what; all the others only by tenants.
TABLES = {
    "day": ("daily_profile",),
    "meter": ("meters_meter", "meters_register", "ingestion_feed"),
    "revision": ("ingestion_readingrevision",),
}
Terms = Sequence[Callable[[Found], float]]


def fit(found: Sequence[Found], cost: Callable[[Found], float], terms: Terms) -> list[float]:
    """Solve cost ≈ Σ coefficient × term, none negative, by the least squares of relative errors."""
    costs = np.array([cost(one) for one in found])
    matrix = np.array([[term(one) for term in terms] for one in found])
    solved, _ = nnls(matrix / costs[:, None], np.ones(len(costs)))
    return [float(one) for one in solved]


def tenants(one: Found) -> float:
    return one.size.tenants


def meters(one: Found) -> float:
    return one.size.meters


def registers(one: Found) -> float:
    return one.size.registers


def swept(terms: Terms) -> Terms:
    """Of all sweeps of a plant instead of one."""
    return [lambda one, term=term: SWEEPS * term(one) for term in terms]  # type: ignore[misc]


def storage(found: Sequence[Found], empty: dict[str, float]) -> dict[str, float]:
    """Bytes of one row of each kind, beyond what an empty tenant has."""
    rows: dict[str, Callable[[Found], float]] = {
        "day": lambda one: one.day_rows,
        "meter": meters,
        "revision": lambda one: one.revisions,
    }

    def grown(one: Found, kind: str) -> float:
        held = sum(one.tables[name] for name in TABLES[kind])
        return max(held - one.size.tenants * sum(empty[name] for name in TABLES[kind]), 1.0)

    return {
        f"{kind}_bytes": fit(found, lambda one, kind=kind: grown(one, kind), [count])[0]  # type: ignore[misc]
        for kind, count in rows.items()
    }


def log(found: Sequence[Found]) -> dict[str, float]:
    """Write-ahead log of sweeps, backfills and corrections."""
    reading, meter, run = fit(found, lambda one: one.sweep.wal, swept([registers, meters, tenants]))
    replaced, of_register, of_tenant = fit(
        found,
        lambda one: one.correction.wal,
        [lambda one: one.correction_readings, registers, tenants],
    )
    return {
        "wal_sweep_reading": reading,
        "wal_sweep_meter": meter,
        "wal_sweep_run": run,
        "wal_backfill_reading": fit(
            found, lambda one: one.backfill.wal, [lambda one: one.backfill_readings]
        )[0],
        "wal_correction_reading": replaced,
        "wal_correction_register": of_register,
        "wal_correction_tenant": of_tenant,
    }


def processors(found: Sequence[Found]) -> dict[str, float]:
    """Processor time of sweeps and backfills, of the worker and of PostgreSQL."""
    told: dict[str, float] = {}
    of_sweep = swept([meters, lambda one: one.sweep_readings, tenants])
    of_backfill: Terms = [
        meters,
        lambda one: one.backfill_rows,
        lambda one: one.backfill_readings,
        tenants,
    ]
    for who, attribute in (("worker", "own"), ("database", "database")):
        request, reading, run = fit(
            found,
            lambda one, name=attribute: getattr(one.sweep, name),
            of_sweep,  # type: ignore[misc]
        )
        told |= {
            f"{who}_sweep_request": request,
            f"{who}_sweep_reading": reading,
            f"{who}_sweep_run": run,
        }
        meter, row, reading, run = fit(
            found,
            lambda one, name=attribute: getattr(one.backfill, name),
            of_backfill,  # type: ignore[misc]
        )
        told |= {
            f"{who}_backfill_meter": meter,
            f"{who}_backfill_row": row,
            f"{who}_backfill_reading": reading,
            f"{who}_backfill_run": run,
        }
    return told


def pages(found: Sequence[tuple[Size, dict[str, Cost]]]) -> dict[str, float]:
    """Costs of requests in tenants of several sizes, each by what it grows with."""
    told: dict[str, float] = {}
    tenants = [[1.0, *by_resolution(size.registers), float(size.double > 0)] for size, _ in found]
    meters = [[1.0, float(size.most_registers)] for size, _ in found]
    for who in ("web", "database"):
        base, register, by_day, feeding = _solved(found, "overview", who, tenants)
        alone, own = _solved(found, "meter", who, meters)
        told |= {
            f"{who}_overview": base,
            f"{who}_overview_register": register,
            f"{who}_overview_register_by_day": by_day,
            f"{who}_overview_feeding": feeding,
            f"{who}_meter": alone,
            f"{who}_meter_register": own,
        }
        for kind in ("month", "year"):
            each = [getattr(cost[kind], who) for _, cost in found]
            told[f"{who}_{kind}"] = float(np.median(each))
    return told


def _solved(
    found: Sequence[tuple[Size, dict[str, Cost]]], kind: str, who: str, terms: list[list[float]]
) -> list[float]:
    costs = np.array([getattr(cost[kind], who) for _, cost in found])
    solved, _ = nnls(np.array(terms) / costs[:, None], np.ones(len(costs)))
    return [float(one) for one in solved]
