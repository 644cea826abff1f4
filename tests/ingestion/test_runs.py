"""Runs and the schedule: what is due, who takes it up, and how a backfill goes on."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from ingestion.models import Feed, Run, Source, validate_address
from ingestion.record import Counts
from ingestion.services import MOST_ATTEMPTS, execute_run, plan_due, plan_run
from ingestion.simulator.server import running_simulator
from ingestion.simulator.synthetic import SyntheticMeter, year_readings
from meters.models import DailyProfile, Register
from tenants.models import Tenant
from tests.ingestion.plant import ago, check_rows, make_meter, make_source, stored, sweep
from tests.ingestion.upstreams import answering, rows

MUID = UUID("00000000-0000-4000-8000-000000000001")
NOTHING_THERE = rows({"data": []})


def synthetic(**options: Any) -> SyntheticMeter:
    return SyntheticMeter(str(MUID), "household", "Household", **options)


def readings_of(meter: SyntheticMeter, start: datetime, stop: datetime) -> dict[int, float]:
    """What the simulator serves of a meter, made by the generator itself."""
    found: dict[int, float] = {}
    for year in range(start.year, stop.year + 1):
        whole = year_readings(meter, year)
        inside = (whole.instants >= start.timestamp()) & (whole.instants < stop.timestamp())
        values = np.round(whole.values[inside], meter.decimals)
        found |= dict(zip(whole.instants[inside].tolist(), values.tolist(), strict=True))
    return found


def equal(have: dict[int, tuple[float, int]], expected: dict[int, float]) -> None:
    assert have.keys() == expected.keys()
    assert all(have[at][0] == pytest.approx(value, abs=1e-9) for at, value in expected.items())


# --- Backfill -----------------------------------------------------------------------------------

START, STOP = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 2, 5, tzinfo=UTC)


@pytest.mark.usefixtures("piece_by_piece")
def test_four_hundred_days_come_complete_and_oldest_first(in_acme: object) -> None:
    meter, wanted = make_meter(muid=MUID), synthetic(missing_share=0.01)
    seen: list[tuple[int, float]] = []
    with running_simulator(meters=[wanted]) as simulator:
        source = make_source(simulator.base_url, meter, limit=1000)
        run = plan_run(source=source, trigger=Run.Trigger.COMMAND, start=START, stop=STOP)
        result = execute_run(
            run, worker="w", progress=lambda m, share: seen.append((m.counts.new, share))
        )
        asked = len(simulator.log)
    expected = readings_of(wanted, START, STOP)
    assert result
    assert result.counts == Counts(new=len(expected))
    assert len(expected) > 37_000
    equal(stored(MUID), expected)
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 40
    assert result.run.requests == asked <= 45
    check_rows()


def test_pieces_that_come_quickly_are_stored_together(in_acme: object) -> None:
    meter, wanted = make_meter(muid=MUID), synthetic(missing_share=0.01)
    with running_simulator(meters=[wanted]) as simulator:
        source = make_source(simulator.base_url, meter, limit=1000)
        run = plan_run(source=source, trigger=Run.Trigger.COMMAND, start=START, stop=STOP)
        result = execute_run(run, worker="w")
        asked = len(simulator.log)
    assert result
    equal(stored(MUID), readings_of(wanted, START, STOP))
    versions = DailyProfile.objects.values_list("version", flat=True).distinct()
    assert len(versions) < asked / 2, "fewer transactions than pieces"
    assert result.run.requests == asked


@pytest.mark.usefixtures("piece_by_piece")
def test_a_backfill_that_breaks_off_goes_on_where_it_was(in_acme: object) -> None:
    class BrokenOffError(BaseException):
        """As if the process had died."""

    def break_off(_meter: object, share: float) -> None:
        if share > 0.4:
            raise BrokenOffError

    meter, wanted = make_meter(muid=MUID), synthetic()
    with running_simulator(meters=[wanted], now=STOP) as simulator:
        source = make_source(
            simulator.base_url, meter, limit=1000, backfill_from=START, reread_hours=24
        )
        # The simulator lives on 2024-02-05, and so does the run.
        run = plan_run(source=source, trigger=Run.Trigger.COMMAND, stop=STOP)
        with pytest.raises(BrokenOffError):
            execute_run(run, worker="first", progress=break_off)
        part = stored(MUID)
        assert 0.35 < len(part) / (400 * 96) < 0.5
        # No hole behind what is stored.
        assert max(part) - min(part) == (len(part) - 1) * 900
        assert execute_run(run, worker="second") is None
        Run.objects.update(lease_until=ago(seconds=1))
        asked = len(simulator.log)
        result = execute_run(run, worker="second")
        again = len(simulator.log) - asked
    assert result
    assert (result.run.attempts, result.run.state) == (2, Run.State.SUCCEEDED)
    expected = readings_of(wanted, START, STOP)
    equal(stored(MUID), expected)
    assert result.run.new == len(expected)
    # Nothing is asked for twice.
    assert result.run.unchanged == 0
    assert again < 30
    # What was asked ahead when the first worker died is on no record.
    assert result.run.requests in {asked + again - 1, asked + again}


@pytest.mark.parametrize("limit", [200, 289, 1000, 5000])
def test_readings_finer_than_the_source_says(in_acme: object, limit: int) -> None:
    meter, wanted = make_meter(muid=MUID), synthetic(interval=300)
    stop = START + timedelta(days=10)
    with running_simulator(meters=[wanted]) as simulator:
        source = make_source(simulator.base_url, meter, limit=limit, interval=900)
        result = sweep(source, start=START, stop=stop)
        expected = readings_of(wanted, START, stop)
        assert result.counts == Counts(new=len(expected))
        assert not result.meters[0].warnings
        equal(stored(MUID), expected)
        assert Register.objects.get().interval == 300
        assert sweep(source, start=START, stop=stop).counts == Counts(unchanged=len(expected))
    check_rows()


# --- The schedule -------------------------------------------------------------------------------


def test_what_is_due_gets_exactly_one_run(in_acme: object) -> None:
    now = timezone.now()
    due = make_source("http://a", next_sweep_at=now - timedelta(minutes=1))
    later = make_source("http://b", next_sweep_at=now + timedelta(minutes=1))
    asleep = make_source("http://c", next_sweep_at=now - timedelta(days=1), is_active=False)
    assert list(Source.objects.due(now)) == [due]
    (run,) = plan_due(now)
    assert (Run.objects.get().source, Run.objects.get().trigger) == (due, Run.Trigger.SCHEDULE)
    # The next question finds the same run, which still waits, and plans no other.
    assert plan_due(now) == plan_due(now + timedelta(seconds=50)) == [run]
    due.refresh_from_db()
    assert due.next_sweep_at == now + timedelta(minutes=14)
    # Neither does it plan one while the last is open, however late it is.
    assert plan_due(now + timedelta(minutes=59)) == [run, *plan_due(now)[1:]]
    assert set(Run.objects.values_list("source", flat=True)) == {due.pk, later.pk}
    Run.objects.update(state=Run.State.SUCCEEDED)
    (second,) = set(plan_due(now + timedelta(minutes=15))) - {run}
    assert Run.objects.get(pk=second).source in {due, later}
    assert not Run.objects.filter(source=asleep).exists()


def test_the_beat_is_kept(in_acme: object) -> None:
    """A dispatcher that comes late does not move the sweeps; missed ones are not made up for."""
    first = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    source = make_source("http://a", next_sweep_at=first, sweep_minutes=15)
    for minutes, following in ((0.7, 15), (15.9, 30), (100, 105), (105, 120)):
        plan_due(first + timedelta(minutes=minutes))
        Run.objects.update(state=Run.State.SUCCEEDED)
        source.refresh_from_db()
        assert source.next_sweep_at == first + timedelta(minutes=following)
    assert Run.objects.count() == 4


def test_dispatchers_that_ask_at_once_plan_one_run(committed: Tenant) -> None:
    now = timezone.now()
    for n in range(5):
        make_source(f"http://source-{n}", next_sweep_at=now - timedelta(minutes=1))
    start = threading.Barrier(4)

    def dispatch() -> None:
        try:
            with committed.entered():
                start.wait()
                plan_due(now)
        finally:
            connection.close()

    threads = [threading.Thread(target=dispatch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(Run.objects.values_list("source__name", flat=True)) == [
        f"Source {n}" for n in range(1, 6)
    ]


def test_feeds_that_rest_are_left_out(in_acme: object) -> None:
    active, resting = make_meter("active"), make_meter("resting")
    with answering(NOTHING_THERE) as upstream:
        source = make_source(upstream.address, active, resting)
        Feed.objects.filter(meter=resting).update(is_active=False)
        result = sweep(source)
        assert [meter.name for meter in result.meters] == ["active"]
        # Asked for by name it is read all the same.
        assert len(sweep(source, only=[resting.muid]).meters) == 1
    assert [asked.query["muid"] for asked in upstream.asked] == [
        str(active.muid),
        str(resting.muid),
    ]


def test_a_late_correction_is_found_by_the_next_sweep(in_acme: object) -> None:
    meter = make_meter(muid=MUID)
    now = timezone.now().replace(microsecond=0)
    with running_simulator(meters=[synthetic()]) as simulator:
        source = make_source(
            simulator.base_url, meter, backfill_from=now - timedelta(days=10), reread_hours=48
        )
        whole = sweep(source).counts.new
        assert whole > 900
        before = stored(MUID)
        latest = max(before)
    # Another scale: the upstream has corrected everything, and the window finds two days of it.
    with running_simulator(meters=[synthetic(scale=2.0)]) as simulator:
        Source.objects.update(address=simulator.base_url)
        counts = sweep(Source.objects.get()).counts
    after = stored(MUID)
    changed = {at for at in before if before[at] != after[at]}
    assert counts.corrected == len(changed)
    assert latest + 900 - 48 * 3600 <= min(changed)
    assert len(changed) > 150
    assert before.keys() <= after.keys()


def test_a_run_that_kills_its_workers_is_given_up(in_acme: object) -> None:
    source = make_source("http://127.0.0.1:1", make_meter())
    run = plan_run(source=source, trigger=Run.Trigger.SCHEDULE)
    Run.objects.update(attempts=MOST_ATTEMPTS)
    result = execute_run(run, worker="w")
    assert result
    assert result.run.state == Run.State.FAILED
    assert result.run.error == "The workers of this run have died 10 times; their log tells more."


def test_a_source_that_is_gone(in_acme: object) -> None:
    source = make_source("http://127.0.0.1:1")
    run = plan_run(source=source, trigger=Run.Trigger.SCHEDULE)
    source.delete()
    result = execute_run(run, worker="w")
    assert result
    assert result.run.error == "The source of this run has been deleted."


def test_a_source_without_meters_succeeds(in_acme: object) -> None:
    result = sweep(make_source("http://127.0.0.1:1"))
    assert (result.run.state, result.run.meters) == (Run.State.SUCCEEDED, 0)
    assert not DailyProfile.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "https://meters.example.com",
        "http://127.0.0.1:8100/",
        "https://meters.example.com/a/{muid}.json",
        "https://meters.example.com/a/{muid}.json?version=1",
        "https://meters.example.com/a?id={muid}",
    ],
)
def test_addresses(address: str) -> None:
    validate_address(address)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://meters.example.com", "begins with https://"),
        ("meters.example.com", "begins with https://"),
        ("https://", "names a host"),
        ("https://[::1", "no address"),
        ("https://host:99999", "no address"),
        ("https://user:secret@host", "out of the address"),
        ("https://host/{muid.__class__}", "only placeholder"),
        ("https://host/{muid!r}", "only placeholder"),
        ("https://host/{0}", "only placeholder"),
        ("https://host/{", "only placeholder"),
        ("https://host/{muid}/{meter}", "only placeholder"),
        ("https://{muid}.example.com", "only placeholder"),
        ("https://host/a b", "only placeholder"),
        ("https://host?key=1", "no “?”"),
    ],
)
def test_addresses_that_are_none(address: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("?", r"\?")):
        validate_address(address)
