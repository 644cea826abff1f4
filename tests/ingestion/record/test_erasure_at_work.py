"""Doors and workers that are at work while a meter is erased, or come back to it later."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from ingestion.batch import Batch, Reason, Rejection
from ingestion.erasing import erase_meter
from ingestion.erasure_record import Erasure, erased_among
from ingestion.files import RowsFile, ingest_file
from ingestion.models import Feed, Outcome, RejectedReading, Run
from ingestion.results import RunResult
from ingestion.services import execute_run, plan_run
from ingestion.simulator.server import running_simulator
from ingestion.store import Context, store
from meters.models import Meter
from tenants.models import Tenant
from tests.conftest import Customer
from tests.ingestion.faulty import START, STOP, catalogue
from tests.ingestion.plant import JANUARY, QUARTER, batch, make_meter, make_source, stored
from tests.ingestion.record.waiting import in_a_thread, wait_for_a_lock
from tests.ingestion.rows import stamp
from tests.ingestion.upstreams import Handler, answering, row, rows

MUID = UUID("0dd0e0d0-1111-4222-8333-444455556666")
OTHER = UUID("5afe5afe-1111-4222-8333-444455556666")
REASON = "Request 17."
HALF_A_DAY = timedelta(hours=12)


def brought(muid: UUID) -> list[object]:
    return [row(muid, stamp(JANUARY + slot * QUARTER), slot / 4) for slot in range(100)]


def meters() -> tuple[Meter, Meter]:
    return make_meter("Flat", muid=MUID), make_meter("Bakery", muid=OTHER)


def erase() -> Erasure:
    return erase_meter(muid=MUID, person="x", reason=REASON)


def named() -> set[str]:
    """The tables in which the meter's number stands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        found = set()
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT 1 FROM "{table}" t WHERE t::text ILIKE %s', [f"%{MUID}%"])
            found |= {table} if cursor.fetchone() else set()
        return found


@pytest.mark.parametrize("answer", ["readings", "nothing but refused", "nothing", "broken"])
def test_an_answer_on_its_way_is_not_written_down(committed: Tenant, answer: str) -> None:
    """The run was for this meter by name, so both the run and the erasure write to it."""
    meter, other = meters()
    payload = {
        "readings": rows({"data": brought(MUID)}),
        "nothing but refused": rows({"data": [row(MUID, stamp(JANUARY), "x")]}),
        "nothing": rows({"data": []}),
        "broken": rows([], status=404),
    }[answer]

    def erasing(handler: Handler) -> None:
        thread, told = in_a_thread(committed, erase)
        thread.join()
        assert isinstance(told[0], Erasure), told
        payload(handler)

    with answering(erasing, rows({"data": brought(OTHER)})) as upstream:
        source = make_source(upstream.address, meter, other)
        run = plan_run(
            source=source,
            trigger=Run.Trigger.COMMAND,
            only=[MUID, OTHER],
            start=datetime(2023, 1, 1, tzinfo=UTC),
            stop=datetime(2023, 1, 3, tzinfo=UTC),
        )
        result = execute_run(run, worker="w", sleep=lambda _: None)
    assert result is not None
    assert result.run.state == Run.State.SUCCEEDED, result.run.error
    assert result.run.requests >= 2, "what asking has cost is told"
    assert len(stored(OTHER)) == 100
    assert not named()


def test_closing_a_meter_and_erasing_it_wait_for_each_other_in_one_order(
    committed: Tenant,
) -> None:
    """Else each would hold what the other waits for, and the run be broken off."""
    meter, _ = meters()
    with answering(rows([], status=404)) as upstream:
        source = make_source(upstream.address, meter)
        run = plan_run(source=source, trigger=Run.Trigger.COMMAND, only=[MUID])
        with transaction.atomic():
            # The erasure holds the meter and has yet to come to the run that names it.
            list(Meter.objects.select_for_update())
            thread, told = in_a_thread(
                committed, lambda: execute_run(run, worker="w", sleep=lambda _: None)
            )
            wait_for_a_lock()
            Run.objects.filter(pk=run.pk).update(error="")
            erase()
        thread.join()
    [result] = told
    assert not isinstance(result, Exception), result
    assert not Outcome.objects.exists()
    assert not Feed.objects.exists()


@pytest.mark.usefixtures("piece_by_piece")
def test_handing_a_meter_over_and_erasing_it_wait_for_each_other_in_one_order(
    committed: Tenant,
) -> None:
    """A run that is left in the middle of the meter writes to the outcome and to itself as well."""
    served = catalogue()[0]
    muid, dusk = UUID(served.muid), START + timedelta(hours=20)
    stored_piece, may_go_on = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        stored_piece.set()
        assert may_go_on.wait(30)

    with running_simulator(meters=[served]) as simulator:
        source = make_source(simulator.base_url, make_meter("Flat", muid=muid), limit=50)
        command = Run.Trigger.COMMAND
        earlier = plan_run(source=source, trigger=command, start=dusk - HALF_A_DAY, stop=STOP)
        assert execute_run(earlier, worker="w") is not None
        run = plan_run(source=source, trigger=command, only=[muid], start=START, stop=STOP)
        # The first piece has news, hence an outcome; the second one has none.
        execute_run(run, worker="w", seconds=0)
        with transaction.atomic():
            thread, told = in_a_thread(
                committed, lambda: execute_run(run, worker="x", seconds=0, progress=hold)
            )
            assert stored_piece.wait(30)
            # The erasure holds the outcome and has yet to come to the run that names the meter.
            assert list(Outcome.objects.filter(run=run).select_for_update())
            may_go_on.set()
            wait_for_a_lock()
            Run.objects.filter(pk=run.pk).update(error="")
            erase_meter(muid=muid, person="x", reason=REASON)
        thread.join()
    [result] = told
    assert isinstance(result, RunResult), result
    assert result.run.state == Run.State.QUEUED
    assert not Outcome.objects.exists()


def test_a_file_on_its_way_leaves_nothing_of_it(committed: Tenant) -> None:
    """Its rows are refused by a transaction that began before the meter went."""
    meters()
    run = Run.objects.create(trigger=Run.Trigger.FILE)
    refused = [
        Rejection(Reason.VALUE, "no number", "x", str(muid), "", "") for muid in (MUID, OTHER)
    ]
    with transaction.atomic():
        erase()
        thread, told = in_a_thread(
            committed,
            lambda: store(Batch.empty(), rejections=refused, context=Context(run=run)),
        )
        wait_for_a_lock()
    thread.join()
    [done] = told
    assert not isinstance(done, Exception), done
    assert done.counts.rejected == 2, "counted all the same"
    assert RejectedReading.objects.get().meter.muid == OTHER  # type: ignore[union-attr]
    assert not named()


def test_a_file_does_not_register_it_anew(in_acme: Customer) -> None:
    meters()
    store(batch(MUID, [(JANUARY, 1.0)]))
    erase()
    assert erased_among([MUID, OTHER]) == {MUID}
    done = ingest_file(RowsFile([*brought(MUID), *brought(OTHER)], register_zone="UTC"), worker="w")
    assert (done.counts.new, done.counts.rejected) == (100, 100)
    done = ingest_file(RowsFile(brought(MUID), register_zone="UTC"), worker="w")
    assert done.run.state == Run.State.FAILED
    assert not Meter.objects.filter(muid=MUID).exists()
    assert not RejectedReading.objects.exists()


def test_a_file_that_is_registering_it_at_that_moment_does_not_either(committed: Tenant) -> None:
    meters()
    with transaction.atomic():
        erase()
        thread, told = in_a_thread(
            committed,
            lambda: ingest_file(RowsFile(brought(MUID), register_zone="UTC"), worker="w"),
        )
        wait_for_a_lock()
    thread.join()
    [done] = told
    assert not isinstance(done, Exception), done
    assert not Meter.objects.filter(muid=MUID).exists()
    assert not RejectedReading.objects.exists()


def test_by_hand_it_can_be_registered_again(in_acme: Customer) -> None:
    """As where somebody else moves in; what is refused of it then is kept as of any other."""
    meters()
    erase()
    make_meter("Next one", muid=MUID)
    odd = row(MUID, stamp(JANUARY + 200 * QUARTER), "odd")
    done = ingest_file(RowsFile([*brought(MUID), odd], register_zone="UTC"), worker="w")
    assert (done.counts.new, done.counts.rejected) == (100, 1)
    assert RejectedReading.objects.count() == 1
