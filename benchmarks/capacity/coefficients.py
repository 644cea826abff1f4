"""What one more of each thing costs: measured, fitted, and kept as JSON."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

MEASURED = Path(__file__).parent / "measured.json"


@dataclass(frozen=True, kw_only=True)
class Coefficients:
    """Costs of one more, by what it is one more of. Seconds are of a processor.

    Attributes
    ----------
    tenant_bytes, catalogue_bytes, tenant_relations
        Of a tenant with nothing in it: its tables and indexes [B], what PostgreSQL's catalogue
        grows by [B], how many tables and indexes there are.
    day_bytes, meter_bytes, outcome_bytes, run_bytes, revision_bytes
        On disk with indexes: a register's day, a meter with register and feed, what a run did to
        a meter, a run, the replaced readings of a register's day [B].
    wal_sweep_reading, wal_sweep_meter, wal_sweep_run
        Write-ahead log of a sweep that comes after a checkpoint: for each new reading, meter that
        is asked, and run [B].
    wal_backfill_reading, wal_correction_reading, wal_correction_register, wal_correction_tenant
        For each reading that is stored for the first time, for each that is replaced, for each
        register of which some are replaced, and each tenant that has such: of rows that are changed
        first after a checkpoint whole pages are written [B].
    worker_*, database_*
        Of the worker's process and of PostgreSQL's: in a sweep for each request, reading of its
        answer and run; in a backfill for each meter, row of the answers, reading and run [s].
    worker_tick, database_tick, worker_look, database_look
        For each tenant that the dispatcher asks what is due over a connection of its own, and the
        exporter how it is over one that is kept [s].
    worker_chore, database_chore
        A task of a tenant's that finds nothing to do, with its connection [s].
    send, message_bytes
        Of sending a message [s], and what it takes in Redis while it waits [B].
    web_*, database_*
        Of a web process and of PostgreSQL for one request: the overview, what it takes for each
        register, for each where there are too many to be shown by quarter-hours, and where some
        meter feeds in; a meter's page, and what it takes for each of the meter's registers; a month
        of a meter, a year of it by day [s].
    web_memory, worker_memory, backend_memory, backend_tenant
        What a process holds for itself: a web process, a worker, a process of PostgreSQL's for a
        connection, and what that keeps for each tenant it has worked in [B].
    """

    tenant_bytes: float
    catalogue_bytes: float
    tenant_relations: float
    day_bytes: float
    meter_bytes: float
    outcome_bytes: float
    run_bytes: float
    revision_bytes: float
    wal_sweep_reading: float
    wal_sweep_meter: float
    wal_sweep_run: float
    wal_backfill_reading: float
    wal_correction_reading: float
    wal_correction_register: float
    wal_correction_tenant: float
    worker_sweep_request: float
    worker_sweep_reading: float
    worker_sweep_run: float
    database_sweep_request: float
    database_sweep_reading: float
    database_sweep_run: float
    worker_backfill_meter: float
    worker_backfill_row: float
    worker_backfill_reading: float
    worker_backfill_run: float
    database_backfill_meter: float
    database_backfill_row: float
    database_backfill_reading: float
    database_backfill_run: float
    worker_tick: float
    database_tick: float
    worker_look: float
    database_look: float
    worker_chore: float
    database_chore: float
    send: float
    message_bytes: float
    web_overview: float
    web_overview_register: float
    web_overview_register_by_day: float
    web_overview_feeding: float
    database_overview: float
    database_overview_register: float
    database_overview_register_by_day: float
    database_overview_feeding: float
    web_meter: float
    web_meter_register: float
    database_meter: float
    database_meter_register: float
    web_month: float
    database_month: float
    web_year: float
    database_year: float
    web_memory: float
    worker_memory: float
    backend_memory: float
    backend_tenant: float


def load(path: Path = MEASURED) -> Coefficients:
    return Coefficients(**json.loads(path.read_text())["coefficients"])


def save(found: Coefficients, machine: str, path: Path = MEASURED) -> None:
    """Write them, four digits each: more would be noise."""
    rounded = {name: float(f"{value:.4g}") for name, value in asdict(found).items()}
    path.write_text(json.dumps({"machine": machine, "coefficients": rounded}, indent=2) + "\n")


NAMES = tuple(one.name for one in fields(Coefficients))
