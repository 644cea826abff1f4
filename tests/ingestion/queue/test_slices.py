"""Runs that are done in slices: handed over where they are, gone on with there, never twice."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from ingestion.client import Client, UpstreamError
from ingestion.endpoint import Endpoint, Limits
from ingestion.meterlock import MeterBusyError, alone_with
from ingestion.models import Feed, Outcome, Run
from ingestion.services import MOST_STRIKES, execute_run, plan_due, plan_run
from ingestion.simulator.server import running_simulator
from ingestion.simulator.synthetic import SyntheticMeter
from meters.models import DailyProfile
from tenants.models import Tenant
from tests.ingestion.plant import ago, check_rows, make_meter, make_source, stored, sweep
from tests.ingestion.test_runs import equal, readings_of
from tests.ingestion.upstreams import Handler, answering, refusing, rows

START = datetime(2023, 3, 1, tzinfo=UTC)
STOP = START + timedelta(days=30)
COMMAND, SCHEDULE = Run.Trigger.COMMAND, Run.Trigger.SCHEDULE


def synthetic(number: int) -> SyntheticMeter:
    return SyntheticMeter(f"00000000-0000-4000-8000-{number:012}", "household", "Household")


@pytest.mark.parametrize("explicit", [True, False])
def test_a_run_in_the_smallest_slices_does_what_one_in_one_go_does(
    in_acme: object, piece_by_piece: None, explicit: bool
) -> None:
    served = [synthetic(n) for n in range(3)]
    meters = [make_meter(muid=UUID(meter.muid)) for meter in served]
    with running_simulator(meters=served, now=STOP) as simulator:
        source = make_source(
            simulator.base_url, *meters, limit=700, backfill_from=START, reread_hours=240
        )
        window = {"start": START, "stop": STOP} if explicit else {"stop": STOP}
        run = plan_run(source=source, trigger=COMMAND, **window)
        other = plan_run(source=source, trigger=COMMAND, start=START, stop=START)
        slices = 0
        while (result := execute_run(run, worker=f"w{slices}", seconds=0)) and (
            result.run.state == Run.State.QUEUED
        ):
            slices += 1
            assert (result.run.worker, result.run.lease_until) == ("", None)
            assert plan_due(timezone.now())[-1] == run.pk, "it goes behind the others"
        assert plan_due(timezone.now()) == [other.pk]
        asked = len(simulator.log)
    assert result
    assert slices >= 14, "each piece of each meter is a slice of its own"
    expected = {meter.muid: readings_of(meter, START, STOP) for meter in served}
    for muid, readings in expected.items():
        equal(stored(UUID(muid)), readings)
    run = result.run
    # Nothing was stored or read twice, and what it cost is all on record.
    assert (run.state, run.new, run.unchanged) == (
        Run.State.SUCCEEDED,
        sum(map(len, expected.values())),
        0,
    )
    assert run.requests == asked
    assert run.meters == 3
    assert Outcome.objects.filter(run=run).count() == 3
    check_rows()


def test_time_that_is_not_over_changes_nothing(in_acme: object) -> None:
    meter = make_meter()
    with answering(rows({"data": []})) as upstream:
        run = plan_run(source=make_source(upstream.address, meter), trigger=COMMAND)
        result = execute_run(run, worker="w", seconds=1000)
    assert result
    assert result.run.state == Run.State.SUCCEEDED


def test_a_hung_piece_fails_its_meter_and_no_other(
    in_acme: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery's soft limit is an exception out of nowhere, in the midst of whatever is done."""
    meters = [make_meter(f"Meter {n}") for n in range(3)]

    def hang(self: Client, muid: UUID, *window: int) -> object:
        if muid == meters[1].muid:
            raise SoftTimeLimitExceeded
        return right(self, muid, *window)

    right = Client.page
    monkeypatch.setattr(Client, "page", hang)
    with answering(rows({"data": []})) as upstream:
        result = sweep(make_source(upstream.address, *meters))
    assert result.run.state == Run.State.PARTIAL
    assert [bool(meter.error) for meter in result.meters] == [False, True, False]
    assert "longer than a worker's time limit" in result.meters[1].error


def test_a_question_is_not_asked_again_when_patience_is_over() -> None:
    with answering(refusing(503)) as upstream:
        client = Client(
            Endpoint(upstream.address), limits=Limits(patience=0.0), sleep=lambda _: None
        )
        with client, pytest.raises(UpstreamError, match=r"answered 503"):
            client.page(UUID(int=1), 0, 900)
        assert len(upstream.asked) == 1


def test_a_meter_that_kills_its_workers_is_left_out_in_the_end(in_acme: object) -> None:
    class DiedError(BaseException):
        """As if the process had been killed."""

    meters = [make_meter(f"Meter {n}") for n in range(3)]
    poison = str(meters[1].muid)

    def serve(handler: Handler) -> None:
        rows({"data": []})(handler)

    def die(result: object, _share: float) -> None:
        if getattr(result, "name", "") == "Meter 1" and not getattr(result, "error", ""):
            raise DiedError

    with answering(serve) as upstream:
        source = make_source(upstream.address, *meters)
        run = plan_run(source=source, trigger=SCHEDULE)
        deaths = 0
        for attempt in range(20):
            try:
                result = execute_run(run, worker=f"w{attempt}", progress=die)
                break
            except DiedError:
                deaths += 1
                # Before its outcome is on record.
                Feed.objects.filter(meter=meters[1]).update(last_run=None)
                Run.objects.update(lease_until=ago(seconds=1))
    assert deaths == MOST_STRIKES
    assert result
    assert result.run.state == Run.State.PARTIAL
    failed = Outcome.objects.get(run=run)
    assert str(failed.meter.muid) == poison
    assert failed.error.startswith(f"{MOST_STRIKES} workers in a row have died at this meter")
    assert Feed.objects.get(meter=meters[2]).last_run == run


def test_a_meter_is_asked_for_by_one_run_at_a_time(committed: Tenant) -> None:
    """Who asked before a correction can't store after who asked behind it."""
    import threading

    from django.db import connection

    meter = make_meter()
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with committed.entered(), alone_with(meter.pk, check=lambda: None):
                held.set()
                release.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(20)
    with answering(rows({"data": []})) as upstream:
        source = make_source(upstream.address, meter)
        with (
            pytest.raises(MeterBusyError),
            alone_with(meter.pk, check=lambda: None, patience=0, sleep=lambda _: None),
        ):
            pass
        waits: list[float] = []

        def let_go() -> None:
            waits.append(1)
            release.set()

        with alone_with(meter.pk, check=let_go):
            assert waits
        thread.join()
        assert sweep(source).run.state == Run.State.SUCCEEDED
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert cursor.fetchone() == (0,)


def test_a_stale_answer_is_never_stored_over_a_later_one(committed: Tenant) -> None:
    """One worker asks, the upstream corrects, another worker asks and stores, the first stores."""
    import threading

    from django.db import connection

    meter = make_meter()
    first_asks, may_answer = threading.Event(), threading.Event()
    instant = "2023-01-01T00:00:00Z"
    asked: list[int] = []

    def serve(handler: Handler) -> None:
        asked.append(1)
        if len(asked) == 1:
            first_asks.set()
            may_answer.wait(20)
            value = 1.0
        else:
            value = 2.0
        row = {
            "measurement": "energy",
            "timestamp": instant,
            "tags": {"muid": str(meter.muid), "quality": "measured"},
            "0100011D00FF": value,
        }
        rows({"data": [row]})(handler)

    window = {"start": datetime(2023, 1, 1, tzinfo=UTC), "stop": datetime(2023, 1, 2, tzinfo=UTC)}
    errors: list[Exception] = []

    def ask() -> None:
        try:
            with committed.entered():
                sweep(source, worker=threading.current_thread().name, **window)
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)
        finally:
            connection.close()

    with answering(serve) as upstream:
        source = make_source(upstream.address, meter)
        threads = [threading.Thread(target=ask, name=f"worker-{n}") for n in range(2)]
        threads[0].start()
        assert first_asks.wait(20)
        # From here on the upstream tells the corrected value.
        threads[1].start()
        threads[1].join(0.5)
        may_answer.set()
        for thread in threads:
            thread.join()
    assert not errors
    assert [value for value, _ in stored(meter.muid).values()] == [2.0]
    assert sorted(Run.objects.values_list("new", "corrected")) == [(0, 1), (1, 0)]
    assert DailyProfile.objects.count() == 1
