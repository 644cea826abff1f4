"""The load model: assumptions and coefficients in, what an installation needs out.

*Pure*: no Django, no server. Every figure is a sum of what one more of something costs, times how
many there are.
"""

from dataclasses import dataclass
from math import ceil, log2

from benchmarks.capacity.assumptions import Assumptions
from benchmarks.capacity.coefficients import Coefficients

DAY, HOUR = 86_400, 3_600
# Of a tenant's own tasks: its gaps and its record four times an hour, the watch every five minutes.
CHORES = (4 + 4 + 12) / HOUR
HOURS_OF_MONTH = 730
# A worker holds one connection to work on and one that extends its lease; besides there are the
# scheduler's, the exporter's and an operator's.
PER_WORKER, OTHERS = 2, 6
SCALE = {"MB": 1e6, "GB": 1e9}
# Rows of one answer, where a source has no other limit.
PAGE = 5_000
# An overview of more registers is drawn by day (analytics.pages.overview).
FINE = 372
# Of requests to web processes, in the order of `web_rates`.
KINDS = ("overview", "meter", "month", "year")


@dataclass(frozen=True, kw_only=True)
class Need:
    """What an installation of a size needs.

    Attributes
    ----------
    readings
        New readings [1/s].
    requests
        To upstreams [1/s].
    day_rows
        Rows of `daily_profile`.
    disk, catalogue
        Tables and indexes, and PostgreSQL's catalogue besides [GB].
    relations
        Tables and indexes.
    wal
        Write-ahead log [GB/day].
    web_requests
        Pages and calls of the API in the busiest hour [1/s].
    sweep
        What the sweep of one source takes [s].
    workers, web
        Processes.
    cores
        Of PostgreSQL.
    connections
        To PostgreSQL.
    memory
        Of PostgreSQL: its own cache and all its processes [GB].
    messages, redis
        To workers [1/s], and what the longest queue of them takes in Redis [MB].
    tick, look
        How long the dispatcher and the exporter take to ask all tenants [s].
    history, history_wal
        With as many workers as there may be: what storing all that is kept takes at first [h], and
        the write-ahead log of it [GB].
    nodes
        Machines for web and workers.
    cost
        A month.
    shares
        Of each limit, what is needed: above 1 it does not fit.
    """

    readings: float
    requests: float
    day_rows: float
    disk: float
    catalogue: float
    relations: float
    wal: float
    web_requests: float
    sweep: float
    workers: int
    web: int
    cores: float
    connections: int
    memory: float
    messages: float
    redis: float
    tick: float
    look: float
    history: float
    history_wal: float
    nodes: int
    cost: float
    shares: dict[str, float]

    @property
    def binds_first(self) -> str:
        return max(self.shares, key=self.shares.__getitem__)


@dataclass(frozen=True)
class Busy:
    """Processors that are busy, on the mean of the day or of its busiest hour."""

    worker: float = 0.0
    web: float = 0.0
    database: float = 0.0


def predict(a: Assumptions, c: Coefficients, *, meters: float, tenants: float) -> Need:
    """Say what so many meters in so many tenants, evenly spread, need."""
    registers = meters * a.registers
    requests = meters * a.sweeps_per_second
    sweep = seconds_of_sweep(a, c, meters=meters / tenants / a.sources)
    busy = processors(a, c, meters=meters, tenants=tenants)
    # A worker that waits, for an upstream or for PostgreSQL, does nothing else.
    swept = sweeping(a, c, meters=meters, tenants=tenants)
    occupied = tenants * a.sources * a.sweeps_per_second * sweep
    workers = ceil((busy.worker - swept.worker + occupied) / a.utilisation)
    web = ceil(busy.web / a.utilisation)
    cores = busy.database / a.utilisation
    pool = web * a.pool
    connections = ceil(pool + workers * PER_WORKER + OTHERS)
    memory = a.shared_buffers + backends(a, c, pool, connections, tenants, meters) / SCALE["GB"]
    tick, look = (c.worker_tick + c.database_tick), (c.worker_look + c.database_look)
    days = day_rows(a, meters=meters)
    bytes_kept = on_disk(a, c, meters=meters, tenants=tenants)
    catalogue = tenants * c.catalogue_bytes
    log = write_ahead_log(a, c, meters=meters, tenants=tenants)
    node_cores = web + busy.worker / a.utilisation
    node_memory = (web * c.web_memory + workers * c.worker_memory) / SCALE["GB"]
    nodes = max(ceil(node_cores / a.node_cores), ceil(node_memory / a.node_memory))
    disk = (bytes_kept + catalogue) / SCALE["GB"]
    readings = days * a.readings_per_day
    rows, runs = readings / a.registers, tenants * a.sources
    history = backfill(c, meters=meters, rows=rows, readings=readings, runs=runs)
    shares = {
        "sweep of a source": sweep / (60 * a.sweep),
        "workers": workers / a.worker_limit,
        "web processes": web / a.web_limit,
        "PostgreSQL's cores": cores / a.core_limit,
        "connections": connections / a.connection_limit,
        "PostgreSQL's memory": memory / a.memory_limit,
        "disk": disk / a.disk_limit,
        "write-ahead log": log / SCALE["MB"] / a.wal_limit,
        "dispatcher": tenants * tick / a.dispatch,
        "exporter": tenants * look / a.look,
    }
    machines = nodes * a.node_cores + max(ceil(cores), 1)
    return Need(
        readings=registers * a.readings_per_day / DAY,
        requests=requests,
        day_rows=days,
        disk=bytes_kept / SCALE["GB"],
        catalogue=catalogue / SCALE["GB"],
        relations=tenants * c.tenant_relations,
        wal=log * DAY / SCALE["GB"],
        web_requests=sum(web_rates(a, meters=meters, tenants=tenants)),
        sweep=sweep,
        workers=workers,
        web=web,
        cores=cores,
        connections=connections,
        memory=memory,
        messages=messages(a, tenants=tenants),
        # Once in a quarter of an hour all tenants get two messages each at once.
        redis=2 * tenants * c.message_bytes / SCALE["MB"],
        tick=tenants * tick,
        look=tenants * look,
        # Of several meters' histories only the first pages are asked for ahead, so each page is
        # waited for, and nothing is made of what that saves.
        history=(history.worker + history.database + rows / PAGE * a.latency)
        / a.worker_limit
        / HOUR,
        history_wal=history.wal / SCALE["GB"],
        nodes=nodes,
        cost=machines * a.core_hour * HOURS_OF_MONTH + disk * a.disk_month,
        shares=shares,
    )


def day_rows(a: Assumptions, *, meters: float) -> float:
    return meters * a.registers * 365.25 * a.years


def on_disk(a: Assumptions, c: Coefficients, *, meters: float, tenants: float) -> float:
    """Tables and indexes of all tenants [B]."""
    days = day_rows(a, meters=meters)
    # A day's row holds as many values as there are intervals; half a kilobyte or more of them is
    # nearly all of it.
    longer = a.readings_per_day / 96
    outcomes = meters * min(a.outcome_days, a.run_days) * outcomes_per_day(a)
    runs = tenants * a.sources * a.run_days * DAY * a.sweeps_per_second
    return (
        tenants * c.tenant_bytes
        + days * longer * (c.day_bytes + a.corrected * c.revision_bytes)
        + meters * c.meter_bytes
        + outcomes * c.outcome_bytes
        + runs * c.run_bytes
    )


def outcomes_per_day(a: Assumptions) -> float:
    """Of one meter: as often as a sweep brings something new."""
    return min(DAY * a.sweeps_per_second, a.readings_per_day)


def answered(a: Assumptions) -> float:
    """Readings of one answer: what is read again, and what is new."""
    return a.registers * (60 * a.reread / a.interval + a.sweep / a.interval)


def seconds_of_sweep(a: Assumptions, c: Coefficients, *, meters: float) -> float:
    """What one worker takes for the sweep of a source [s].

    It works on one meter at a time. The answers of some are awaited meanwhile, so that each takes
    its part of the latency, or as long as the work, whichever is more. It begins with one question,
    then two, then four: of the first answers' time that leaves some unused.
    """
    work = (
        c.worker_sweep_request
        + c.database_sweep_request
        + answered(a) * (c.worker_sweep_reading + c.database_sweep_reading)
    )
    each = max(work, (a.latency + work) / a.at_once)
    begins = a.latency * (log2(a.at_once) - 1 + 1 / a.at_once)
    return meters * each + begins + c.worker_sweep_run + c.database_sweep_run


def messages(a: Assumptions, *, tenants: float) -> float:
    """To workers [1/s]: one wakes for each run, the others are the tenants' chores."""
    return tenants * (a.sources * a.sweeps_per_second + CHORES)


def web_rates(
    a: Assumptions, *, meters: float, tenants: float
) -> tuple[float, float, float, float]:
    """Overviews, pages of meters, months and years from the API, in the busiest hour [1/s]."""
    pages = a.peak * tenants * a.users * a.pages / DAY
    calls = a.peak * meters * a.calls / DAY
    return (
        pages * a.overviews,
        pages * (1 - a.overviews),
        calls * (1 - a.years_called),
        calls * a.years_called,
    )


def sweeping(a: Assumptions, c: Coefficients, *, meters: float, tenants: float) -> Busy:
    """Processors that are busy with sweeps."""
    requests, runs = meters * a.sweeps_per_second, tenants * a.sources * a.sweeps_per_second
    readings = requests * answered(a)
    return Busy(
        worker=requests * c.worker_sweep_request
        + readings * c.worker_sweep_reading
        + runs * c.worker_sweep_run,
        database=requests * c.database_sweep_request
        + readings * c.database_sweep_reading
        + runs * c.database_sweep_run,
    )


def request(c: Coefficients, kind: str, *, registers: float, feeding: float, own: float) -> Busy:
    """Processor time of one request [s]: an overview, a page of a meter, a month or a year of it.

    Parameters
    ----------
    registers
        Of the tenant.
    feeding
        Whether some meter of the tenant feeds in, 0 or 1, or how likely it is.
    own
        Registers of the meter.
    """
    match kind:
        case "overview":
            fine, coarse = by_resolution(registers)
            return Busy(
                web=c.web_overview
                + fine * c.web_overview_register
                + coarse * c.web_overview_register_by_day
                + feeding * c.web_overview_feeding,
                database=c.database_overview
                + fine * c.database_overview_register
                + coarse * c.database_overview_register_by_day
                + feeding * c.database_overview_feeding,
            )
        case "meter":
            return Busy(
                web=c.web_meter + own * c.web_meter_register,
                database=c.database_meter + own * c.database_meter_register,
            )
        case "month":
            return Busy(web=c.web_month, database=c.database_month)
        case "year":
            return Busy(web=c.web_year, database=c.database_year)
    raise ValueError(f"{kind!r} is no kind of request: {', '.join(KINDS)}.")


def by_resolution(registers: float) -> tuple[float, float]:
    """Say how many registers of a tenant its overview shows by quarter-hours, and how many by day.

    All of them in one way.
    """
    return (registers, 0.0) if registers <= FINE else (0.0, registers)


def serving(a: Assumptions, c: Coefficients, *, meters: float, tenants: float) -> Busy:
    """Processors that are busy with pages and calls in the busiest hour."""
    rates = web_rates(a, meters=meters, tenants=tenants)
    of_tenant = meters * a.registers / tenants
    costs = [
        request(c, kind, registers=of_tenant, feeding=a.feeding, own=a.registers) for kind in KINDS
    ]
    return Busy(
        web=sum(rate * cost.web for rate, cost in zip(rates, costs, strict=True)),
        database=sum(rate * cost.database for rate, cost in zip(rates, costs, strict=True)),
    )


def keeping(a: Assumptions, c: Coefficients, *, meters: float, tenants: float) -> Busy:
    """Processors that are busy because there are tenants, and with corrections."""
    corrected = meters * a.registers * a.readings_per_day / DAY * a.corrected
    rows = corrected / a.registers
    return Busy(
        worker=corrected * c.worker_backfill_reading
        + rows * c.worker_backfill_row
        + tenants * CHORES * c.worker_chore
        + messages(a, tenants=tenants) * c.send
        + tenants * c.worker_tick / a.dispatch,
        database=corrected * c.database_backfill_reading
        + rows * c.database_backfill_row
        + tenants * CHORES * c.database_chore
        + tenants * c.database_tick / a.dispatch
        + tenants * c.database_look / a.scrape,
    )


def processors(a: Assumptions, c: Coefficients, *, meters: float, tenants: float) -> Busy:
    """Processors that are busy with all of it: workers' on the mean, web's in the busiest hour."""
    parts = [work(a, c, meters=meters, tenants=tenants) for work in (sweeping, serving, keeping)]
    return Busy(
        worker=sum(one.worker for one in parts),
        web=sum(one.web for one in parts),
        database=sum(one.database for one in parts),
    )


def backends(
    a: Assumptions, c: Coefficients, pool: float, connections: float, tenants: float, meters: float
) -> float:
    """Memory of PostgreSQL's processes [B].

    One of a pool keeps what it has learnt of each tenant for as long as it lives; those of workers
    live for a task.
    """
    served = sum(web_rates(a, meters=meters, tenants=tenants)) * a.lifetime / max(pool, 1)
    return connections * c.backend_memory + pool * min(tenants, served) * c.backend_tenant


def write_ahead_log(a: Assumptions, c: Coefficients, *, meters: float, tenants: float) -> float:
    """Of sweeps and corrections, on the mean of the day [B/s]."""
    readings = meters * a.registers * a.readings_per_day / DAY
    changed = meters * outcomes_per_day(a) / DAY
    # A row is written once in a sweep, however many readings that brings.
    writes = min(readings, meters * a.registers * a.sweeps_per_second)
    return (
        writes * c.wal_sweep_reading
        + changed * c.wal_sweep_meter
        + tenants * a.sources * a.sweeps_per_second * c.wal_sweep_run
        + correction_log(
            c,
            readings=readings * a.corrected,
            registers=readings * a.corrected / (a.readings_per_day * a.corrected_days),
            # What a tenant gets in a day comes together.
            tenants=tenants / DAY if a.corrected else 0.0,
        )
    )


def correction_log(c: Coefficients, *, readings: float, registers: float, tenants: float) -> float:
    """Of so many readings that are replaced, in so many registers of so many tenants [B]."""
    return (
        readings * c.wal_correction_reading
        + registers * c.wal_correction_register
        + tenants * c.wal_correction_tenant
    )


@dataclass(frozen=True)
class Stored:
    """What storing history takes: processor time of worker and PostgreSQL [s], and log [B]."""

    worker: float
    database: float
    wal: float


def backfill(
    c: Coefficients, *, meters: float, rows: float, readings: float, runs: float
) -> Stored:
    return Stored(
        meters * c.worker_backfill_meter
        + rows * c.worker_backfill_row
        + readings * c.worker_backfill_reading
        + runs * c.worker_backfill_run,
        meters * c.database_backfill_meter
        + rows * c.database_backfill_row
        + readings * c.database_backfill_reading
        + runs * c.database_backfill_run,
        readings * c.wal_backfill_reading,
    )
