"""The load model's arithmetic, worked by hand, and its tables as the documentation shows them."""

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from itertools import pairwise
from pathlib import Path

import pytest

from analytics.pages.overview import MOST_VALUES
from benchmarks.capacity import model, tables
from benchmarks.capacity.assumptions import Assumptions
from benchmarks.capacity.coefficients import NAMES, Coefficients, load, save
from benchmarks.capacity.command import main
from benchmarks.capacity.fitting import fit
from benchmarks.capacity.found import SWEEPS, Cost, Found, Size, Spent
from benchmarks.capacity.model import Need, predict
from benchmarks.capacity.validation import Check, checks, failed
from tests.docs.examples import DOCS

PAGE = DOCS / "performance.md"
# Nobody looks, nothing is corrected or kept of the record, and one meter asked after the other.
BARE = Assumptions(
    calls=0, users=0, corrected=0, outcome_days=0, run_days=0, shared_buffers=0, at_once=1
)
LARGE = {"meters": 1_000_000, "tenants": 10_000}


def only(**given: float) -> Coefficients:
    """All of it free, but for what is given."""
    return Coefficients(**(dict.fromkeys(NAMES, 0.0) | given))


def numbers(need: Need) -> dict[str, float]:
    told = asdict(need)
    return told | {f"share of {name}": value for name, value in told.pop("shares").items()}


@pytest.mark.parametrize(
    ("assumed", "costs", "size", "field", "expected"),
    [
        # 1,000 meters × 2 registers × 96 readings in 86,400 s.
        ({"registers": 2}, {}, (1_000, 1), "readings", 2.2222),
        # 900 meters, each once in 900 s; once in an hour a quarter of that.
        ({}, {}, (900, 1), "requests", 1.0),
        ({"sweep": 60}, {}, (900, 1), "requests", 0.25),
        # 10 meters × 2 registers × 3 years of 365.25 days.
        ({"registers": 2}, {}, (10, 1), "day_rows", 21_915),
        # 1,000 meters × 365.25 days × 1,000 B; with 5 minutes the rows are three times as long.
        ({"years": 1}, {"day_bytes": 1_000}, (1_000, 1), "disk", 0.36525),
        ({"years": 1, "interval": 5}, {"day_bytes": 1_000}, (1_000, 1), "disk", 1.09575),
        # 30 days of 96 outcomes of 100 B for each of 1,000 meters; an hourly sweep makes 24.
        (
            {"outcome_days": 30, "run_days": 365},
            {"outcome_bytes": 100},
            (1_000, 1),
            "disk",
            0.288,
        ),
        (
            {"outcome_days": 30, "run_days": 365, "sweep": 60},
            {"outcome_bytes": 100},
            (1_000, 1),
            "disk",
            0.072,
        ),
        # 365 days of 96 runs of 500 B in each of 100 tenants.
        ({"run_days": 365}, {"run_bytes": 500}, (100, 100), "disk", 1.752),
        # 1 % of 1,000 meters' 365.25 days, of 2,000 B.
        (
            {"years": 1, "corrected": 0.01},
            {"revision_bytes": 2_000},
            (1_000, 1),
            "disk",
            0.007305,
        ),
        ({}, {"meter_bytes": 3e6}, (1_000, 1), "disk", 3.0),
        ({}, {"tenant_bytes": 2e6}, (1_000, 1_000), "disk", 2.0),
        ({}, {"catalogue_bytes": 1e6}, (1_000, 1_000), "catalogue", 1.0),
        ({}, {"tenant_relations": 200}, (1_000, 1_000), "relations", 200_000),
        # 1,000 meters × 96 readings × 1,000 B; hourly sweeps bring four in one write.
        ({}, {"wal_sweep_reading": 1_000}, (1_000, 1), "wal", 0.096),
        ({"sweep": 60}, {"wal_sweep_reading": 1_000}, (1_000, 1), "wal", 0.024),
        ({}, {"wal_sweep_meter": 2_000}, (1_000, 1), "wal", 0.192),
        ({"registers": 2}, {"wal_sweep_meter": 2_000}, (1_000, 1), "wal", 0.192),
        ({}, {"wal_sweep_run": 10_000}, (1_000, 100), "wal", 0.096),
        ({"corrected": 0.01}, {"wal_correction_reading": 100}, (1_000, 1), "wal", 0.000096),
        # 10 of 1,000 registers a day, and with two days each 5.
        ({"corrected": 0.01}, {"wal_correction_register": 1_000}, (1_000, 1), "wal", 0.00001),
        (
            {"corrected": 0.01, "corrected_days": 2},
            {"wal_correction_register": 1_000},
            (1_000, 1),
            "wal",
            0.000005,
        ),
        # 100 meters, one after the other: 0.1 s until the answer, 0.02 s to store it.
        (
            {},
            {"worker_sweep_request": 0.015, "database_sweep_request": 0.005},
            (100, 1),
            "sweep",
            12.0,
        ),
        (
            {},
            {"worker_sweep_request": 0.015, "database_sweep_request": 0.005},
            (100, 10),
            "sweep",
            1.2,
        ),
        ({"sources": 4}, {}, (100, 1), "sweep", 2.5),
        # Four at a time share the wait; sixteen are as quick as the work alone. Beginning with one
        # costs them 3/4 and 2/4 of an answer's time, and 15/16, 14/16, 12/16 and 8/16.
        (
            {"at_once": 4},
            {"worker_sweep_request": 0.015, "database_sweep_request": 0.005},
            (100, 1),
            "sweep",
            3.125,
        ),
        (
            {"at_once": 16},
            {"worker_sweep_request": 0.015, "database_sweep_request": 0.005},
            (100, 1),
            "sweep",
            2.30625,
        ),
        ({"at_once": 4, "utilisation": 0.051}, {}, (9_000, 1), "workers", 5),
        # 72 hours are 288 readings and one is new, of 1 ms each, and 0.1 s.
        ({}, {"worker_sweep_reading": 0.001}, (1, 1), "sweep", 0.389),
        # 10 requests/s of 0.1 s each, by processes that are to be busy half of the time.
        ({"utilisation": 0.5}, {}, (9_000, 1), "workers", 2),
        ({"utilisation": 0.5}, {"worker_sweep_request": 0.1}, (9_000, 1), "workers", 4),
        # 20 chores an hour in each tenant, and four runs.
        ({}, {}, (1, 900), "messages", 6.0),
        # 10 people × 40 pages in each of 216 tenants, 1/s on the mean.
        ({"users": 10, "peak": 4}, {}, (216, 216), "web_requests", 4.0),
        ({"calls": 2, "peak": 4}, {}, (43_200, 1), "web_requests", 4.0),
        (
            {"calls": 2, "utilisation": 0.5},
            {"web_month": 0.5, "web_year": 0.5},
            (43_200, 1),
            "web",
            4,
        ),
        ({"calls": 2, "utilisation": 0.5}, {"database_month": 0.5}, (43_200, 1), "cores", 3.6),
        # A tenth of the pages are overviews of 100 registers, 1 ms each.
        (
            {"users": 10, "overviews": 0.1, "peak": 1, "utilisation": 0.004},
            {"web_overview_register": 0.001},
            (21_600, 216),
            "web",
            3,
        ),
        # 2 web processes × 8, 4 workers × 2, and six others.
        (
            {"calls": 2, "utilisation": 0.5, "latency": 2.0},
            {"web_month": 0.2, "web_year": 0.2},
            (43_200, 1),
            "connections",
            2 * 8 + 2 * 192 + 6,
        ),
        # All of them of tenants that feed in, or half.
        (
            {"users": 10, "overviews": 0.5, "peak": 1, "utilisation": 0.05},
            {"web_overview_feeding": 0.5},
            (216, 216),
            "web",
            5,
        ),
        (
            {"users": 10, "overviews": 0.5, "peak": 1, "utilisation": 0.05, "feeding": 0.5},
            {"web_overview_feeding": 0.5},
            (216, 216),
            "web",
            3,
        ),
        # Pages of meters with two registers, 0.5 s each.
        (
            {"users": 10, "overviews": 0.0, "peak": 1, "utilisation": 0.1, "registers": 2},
            {"web_meter_register": 0.5},
            (216, 216),
            "web",
            10,
        ),
        ({}, {"worker_tick": 0.001, "database_tick": 0.002}, (1_000, 1_000), "tick", 3.0),
        ({}, {"worker_look": 0.001, "database_look": 0.002}, (1_000, 1_000), "look", 3.0),
        # Two messages of 1,000 B for each tenant.
        ({}, {"message_bytes": 1_000}, (1_000, 1_000), "redis", 2.0),
        # 1,000 meters × 365.25 × 96 readings of 1 ms, on 24 processes.
        (
            {"years": 1, "latency": 0},
            {"worker_backfill_reading": 0.001},
            (1_000, 1),
            "history",
            0.40583,
        ),
        # With two registers a row holds two of them.
        (
            {"years": 1, "registers": 2, "latency": 0},
            {"worker_backfill_row": 0.001},
            (1_000, 1),
            "history",
            0.40583,
        ),
        ({"years": 0}, {"worker_backfill_meter": 3_600}, (24, 1), "history", 1.0),
        # A run in each of 24 tenants, on as many processes.
        ({"years": 0}, {"database_backfill_run": 3_600}, (24, 24), "history", 1.0),
        # As many rows, 5,000 at a time, each page 0.1 s late.
        ({"years": 1}, {}, (1_000, 1), "history", 0.0081167),
        ({"years": 1}, {"wal_backfill_reading": 100}, (1_000, 1), "history_wal", 3.5064),
        # 4 cores of PostgreSQL's for 730 hours, and no web process.
        (
            {"calls": 2, "utilisation": 0.5, "core_hour": 1.0},
            {"database_month": 0.5},
            (43_200, 1),
            "cost",
            4 * 730,
        ),
    ],
)
def test_what_is_worked_out_by_hand(
    assumed: dict[str, float],
    costs: dict[str, float],
    size: tuple[int, int],
    field: str,
    expected: float,
) -> None:
    meters, tenants = size
    need = predict(replace(BARE, **assumed), only(**costs), meters=meters, tenants=tenants)
    assert getattr(need, field) == pytest.approx(expected, rel=1e-4)


def test_memory_is_that_of_connections_and_of_tenants_they_have_worked_in() -> None:
    """Of a pool of 8: in half an hour each has served no more than so many requests."""
    a = replace(BARE, users=10, peak=4, lifetime=1_800)
    c = only(web_meter=0.1, backend_memory=1e7, backend_tenant=1e6)
    need = predict(a, c, meters=216, tenants=216)
    # 4 requests/s by 1 process with 8 connections: 900 in 1,800 s, more than there are tenants.
    assert need.web == 1
    assert need.memory == pytest.approx((need.connections * 1e7 + 8 * 216 * 1e6) / 1e9)
    short = predict(replace(a, lifetime=20), c, meters=216, tenants=216)
    assert short.memory == pytest.approx((need.connections * 1e7 + 8 * 10 * 1e6) / 1e9)


def test_what_binds_first_is_the_largest_share_of_a_limit() -> None:
    a = replace(BARE, worker_limit=10, utilisation=1.0, sources=1_000)
    need = predict(a, only(), meters=45_000, tenants=1)
    # 50 requests/s of 0.1 s each keep five busy.
    assert need.shares["workers"] == pytest.approx(0.5)
    assert need.binds_first == "workers"
    few = predict(replace(a, sources=5), only(), meters=45_000, tenants=1)
    # 9,000 meters of 0.1 s take a worker 900 s.
    assert few.shares["sweep of a source"] == pytest.approx(1.0)
    assert few.binds_first == "sweep of a source"


@pytest.fixture(scope="module")
def measured() -> Coefficients:
    return load()


def told(a: Assumptions, c: Coefficients) -> list[dict[str, float]]:
    """All figures of a large installation, on machines as assumed and on some with less memory."""
    small = replace(a, node_memory=a.node_memory / 100)
    sizes = (LARGE, LARGE | {"tenants": 100})
    return [numbers(predict(one, c, **size)) for one in (a, small) for size in sizes]


@pytest.mark.parametrize("name", NAMES)
def test_each_coefficient_counts(name: str, measured: Coefficients) -> None:
    other = replace(measured, **{name: 1.0 + 3 * getattr(measured, name)})
    assert told(Assumptions(), other) != told(Assumptions(), measured)


@pytest.mark.parametrize("name", [one.name for one in fields(Assumptions)])
def test_each_assumption_counts(name: str, measured: Coefficients) -> None:
    a = Assumptions()
    assert told(replace(a, **{name: getattr(a, name) / 2}), measured) != told(a, measured)


@pytest.mark.parametrize("tenants", [1, 10, 1_000])
def test_more_meters_never_need_less(tenants: int, measured: Coefficients) -> None:
    sizes = [tenants * many for many in (1, 3, 10, 100, 1_000)]
    needs = [numbers(predict(Assumptions(), measured, meters=m, tenants=tenants)) for m in sizes]
    # More connections share the requests, so each has met fewer tenants: that may cost less.
    shared = {"memory", "share of PostgreSQL's memory"}
    for less, more in pairwise(needs):
        assert [n for n in less if less[n] > more[n] * (1 + 1e-9) and n not in shared] == []


@pytest.mark.parametrize("meters", [1_000, 1_000_000])
def test_more_tenants_never_need_less_but_for_shorter_sweeps(
    meters: int, measured: Coefficients
) -> None:
    needs = [
        numbers(predict(Assumptions(), measured, meters=meters, tenants=t)) for t in (1, 10, 1_000)
    ]
    shorter = {"sweep", "share of sweep of a source", "memory", "share of PostgreSQL's memory"}
    for less, more in pairwise(needs):
        assert [n for n in less if less[n] > more[n] * (1 + 1e-9) and n not in shorter] == []


def test_an_unknown_kind_of_request_is_refused(measured: Coefficients) -> None:
    with pytest.raises(ValueError, match="'week' is no kind of request: overview, meter"):
        model.request(measured, "week", registers=1, feeding=0, own=1)


def test_large_tenants_are_drawn_by_day_as_the_overview_does() -> None:
    quarters = 28 * 96
    assert MOST_VALUES // quarters == model.FINE
    assert model.by_resolution(model.FINE) == (model.FINE, 0)
    assert model.by_resolution(1_000) == (0, 1_000)


# --- Fitting and checking -------------------------------------------------------------------------


def test_a_fit_finds_what_costs_are_made_of() -> None:
    sizes = [(2, 10, 0), (5, 12, 8), (12, 5, 0), (3, 0, 40)]
    found = [Found(Size(tenants=t, single=s, double=d, days=30, reread=72)) for t, s, d in sizes]
    terms: list[Callable[[Found], float]] = [
        lambda one: one.size.registers,
        lambda one: one.size.meters,
        lambda one: one.size.tenants,
    ]
    costs = fit(
        found,
        lambda one: 300 * one.size.registers + 200 * one.size.meters + 7_000 * one.size.tenants,
        terms,
    )
    assert costs == pytest.approx([300, 200, 7_000])


def test_what_costs_nothing_is_never_fitted_as_less() -> None:
    found = [Found(Size(tenants=t, single=10, double=0, days=1, reread=1)) for t in (1, 2, 3)]
    costs = fit(
        found,
        lambda one: 100 - 10 * one.size.tenants,
        [lambda _: 1.0, lambda one: one.size.tenants],
    )
    assert costs[1] == 0
    assert costs[0] > 0


@pytest.mark.parametrize(
    ("predicted", "holds"), [(75, True), (74, False), (125, True), (126, False)]
)
def test_a_prediction_holds_within_a_quarter(predicted: float, holds: bool) -> None:
    check = Check("log", "MB", predicted, 100)
    assert check.holds is holds
    assert failed([check]) == ([] if holds else [check])


def test_a_plant_is_checked_by_the_model_that_predicts() -> None:
    """What was made of the model's own costs is predicted to the last digit."""
    size = Size(tenants=2, single=9, double=3, days=365, reread=24)
    c = only(
        wal_backfill_reading=2.0,
        wal_sweep_reading=100.0,
        worker_sweep_request=0.01,
        database_sweep_request=0.005,
        worker_backfill_reading=1e-6,
        database_backfill_reading=2e-6,
        wal_correction_reading=10.0,
        day_bytes=1_000.0,
        web_month=0.01,
    )
    found = Found(
        size,
        backfill=Spent(own=1.0, database=2.0, wal=2e6),
        backfill_readings=1_000_000,
        sweep=Spent(own=SWEEPS * 24 * 0.01, database=SWEEPS * 24 * 0.005, wal=SWEEPS * 30 * 100.0),
        correction=Spent(wal=1e6),
        correction_readings=100_000,
        day_rows=30 * 365,
        tables={"daily_profile": 30 * 365 * 1_000.0},
    )
    assert found.backfill_rows == 800_000
    told = list(checks(c, found, {"month": Cost(0.01, 0.0)}))
    assert len(told) == 10
    assert [one.what for one in told if abs(one.off) > 1e-9] == []


# --- What is printed, and what the documentation shows -------------------------------------------


def test_coefficients_are_kept(tmp_path: Path, measured: Coefficients) -> None:
    path = tmp_path / "measured.json"
    save(replace(measured, day_bytes=1234.567), "two cores", path)
    assert load(path) == replace(measured, day_bytes=1235.0)


@pytest.mark.parametrize("arguments", [[], ["assumptions"]])
def test_the_documentation_shows_what_the_command_prints(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    for table in capsys.readouterr().out.split("\n\n"):
        assert table.strip() in PAGE.read_text()


def test_an_assumption_is_changed_by_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--meters", "900", "--tenants", "3"])
    usual = capsys.readouterr().out
    main(["--meters", "900", "--tenants", "3", "--sweep", "60"])
    hourly = capsys.readouterr().out
    assert "| 900 | 3 | 1 | 1 |" in usual
    assert "| 900 | 3 | 1 | 0.25 |" in hourly


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (0.01234, "0.012"), (9.96, "10"), (123, "120"), (12_345, "12,000"), (2e6, "2 M")],
)
def test_figures_are_written_with_the_digits_that_count(value: float, written: str) -> None:
    assert tables.figure(value) == written
