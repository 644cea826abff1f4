"""Runs over HTTP: what fails, what goes on, what is put on record, and in how many queries."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ingestion import jobs
from ingestion.gapkeeping import look
from ingestion.models import Feed, Gap, Outcome, RejectedReading, Run
from ingestion.record import Counts
from ingestion.services import execute_run, plan_run
from ingestion.store import store
from meters.models import Meter
from tests.ingestion.plant import (
    EXPORT,
    QUARTER,
    batch,
    check_rows,
    make_meter,
    make_source,
    queries,
    stored,
    sweep,
)
from tests.ingestion.upstreams import Handler, Respond, answering, row, rows

pytestmark = pytest.mark.usefixtures("in_acme")

START, STOP = datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 1, 2, tzinfo=UTC)
WINDOW = {"start": START, "stop": STOP}


def day_of(muid: object, count: int = 96) -> list[dict[str, object]]:
    times = [START + timedelta(minutes=15 * i) for i in range(count)]
    return [row(muid, time.isoformat(), 0.5) for time in reversed(times)]


def by_meter(bad: dict[UUID, Respond]) -> Respond:
    """Serve every meter's day, but answer otherwise for some of them."""

    def respond(handler: Handler) -> None:
        muid = handler.server.asked[-1].query["muid"]
        bad.get(UUID(muid), rows({"data": day_of(muid)}))(handler)

    return respond


def refuse(handler: Handler) -> None:
    handler.answer(b"{}", 404)


def test_one_meter_fails_and_the_others_are_ingested() -> None:
    meters = [make_meter(f"Meter {n}") for n in range(4)]
    bad = {meters[1].muid: refuse}
    with answering(by_meter(bad)) as upstream:
        source = make_source(upstream.address, *meters)
        result = sweep(source, **WINDOW)
        host = upstream.address.removeprefix("http://")
        words = f"{host} answered 404 Not Found. "
        words += "It does not know this meter, or the address is wrong."
        run = result.run
        assert (run.state, run.meters, run.failed, run.error) == (Run.State.PARTIAL, 4, 1, "")
        assert result.failed
        assert (run.new, run.requests) == (3 * 96, 4)
        assert [meter.error for meter in result.meters] == ["", words, "", ""]
        outcomes = {one.meter: one for one in Outcome.objects.filter(run=run)}
        assert {meter: one.new for meter, one in outcomes.items()} == {
            meter: 0 if meter == meters[1] else 96 for meter in meters
        }
        assert outcomes[meters[1]].error == words
        for feed in Feed.objects.all():
            assert feed.last_run == run
            assert feed.last_error == (words if feed.meter == meters[1] else "")
            assert (feed.last_success_at is None) == (feed.meter == meters[1])

        # The next run resumes, succeeds and clears the error.
        bad.clear()
        again = sweep(source, **WINDOW)
    assert again.run.state == Run.State.SUCCEEDED
    assert again.counts == Counts(new=96, unchanged=3 * 96)
    assert set(Feed.objects.values_list("last_error", flat=True)) == {""}
    assert not Feed.objects.filter(last_success_at=None).exists()
    assert [one.meter for one in Outcome.objects.filter(run=again.run)] == [meters[1]]


def test_all_fail_alike() -> None:
    meters = [make_meter(f"Meter {n}") for n in range(2)]
    with answering(refuse) as upstream:
        result = sweep(make_source(upstream.address, *meters), **WINDOW)
    assert result.run.state == Run.State.FAILED
    assert "answered 404" in result.run.error
    assert result.run.failed == 2


def test_all_fail_otherwise() -> None:
    meters = [make_meter(f"Meter {n}") for n in range(2)]
    bad: dict[UUID, Respond] = {meters[0].muid: refuse, meters[1].muid: rows({"nothing": 1})}
    with answering(by_meter(bad)) as upstream:
        result = sweep(make_source(upstream.address, *meters), **WINDOW)
    assert (result.run.state, result.run.error) == (Run.State.FAILED, "No meter could be read.")


def test_what_was_stored_stays_and_the_next_run_resumes() -> None:
    """The upstream breaks down in the middle of a backfill."""
    meter = make_meter()
    day = day_of(meter.muid)

    def full_of(hours: int) -> Respond:
        # Newest first, as many as the limit, of the day's first hours.
        return rows({"data": day[-4 * hours :][:40]})

    broken = rows(b"no json")
    with answering(
        rows({"data": day[:40]}), full_of(8), broken, broken, broken, broken, rows({"data": day})
    ) as upstream:
        source = make_source(upstream.address, meter, limit=40)
        result = sweep(source, **WINDOW)
        (told,) = result.meters
        assert "is not JSON" in told.error
        assert told.counts.new == 32
        assert len(stored(meter.muid)) == 32
        run = result.run
        assert (run.state, run.new, run.requests, run.retries) == (Run.State.FAILED, 32, 6, 3)
        (outcome,) = Outcome.objects.all()
        assert (outcome.new, outcome.error) == (32, told.error)
        source.limit = 5000
        source.save()
        again = sweep(source, **WINDOW)
    assert again.counts == Counts(new=64, unchanged=32)
    assert Feed.objects.get().last_error == ""
    check_rows()


def test_a_fault_of_ours_is_one_meters_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    meters = [make_meter(f"Meter {n}") for n in range(2)]
    right = jobs.store

    def wrong(batch, **options):  # type: ignore[no-untyped-def]
        if options["context"].asked == meters[0].muid:
            raise ZeroDivisionError("secret")
        return right(batch, **options)

    monkeypatch.setattr(jobs, "store", wrong)
    with answering(by_meter({})) as upstream:
        result = sweep(make_source(upstream.address, *meters), **WINDOW)
    assert result.run.state == Run.State.PARTIAL
    assert [meter.error for meter in result.meters] == [
        "An unexpected error (ZeroDivisionError); the worker's log tells more.",
        "",
    ]
    assert "ZeroDivisionError" in caplog.text


def test_a_fault_of_ours_while_the_next_piece_is_asked_for_stops_no_other_meter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meters = [make_meter(f"Meter {n}") for n in range(2)]
    right = jobs.store

    def wrong(batch, **options):  # type: ignore[no-untyped-def]
        if options["context"].asked == meters[0].muid:
            raise ZeroDivisionError
        return right(batch, **options)

    def respond(handler: Handler) -> None:
        query = handler.server.asked[-1].query
        start, stop = (datetime.fromisoformat(query[name]) for name in ("start", "stop"))
        if start > START:
            time.sleep(0.1)
        inside = [
            one
            for one in day_of(query["muid"])
            if start <= datetime.fromisoformat(str(one["timestamp"])) < stop
        ]
        rows({"data": inside[:40]})(handler)

    monkeypatch.setattr(jobs, "store", wrong)
    with answering(respond) as upstream:
        result = sweep(make_source(upstream.address, *meters, limit=40), **WINDOW)
    assert "ZeroDivisionError" in result.meters[0].error
    assert (result.meters[1].error, result.meters[1].counts) == ("", Counts(new=96))
    check_rows()


def test_a_dead_host_is_not_asked_for_every_meter() -> None:
    meters = [make_meter(f"Meter {n}") for n in range(10)]
    source = make_source("http://127.0.0.1:1", *meters)
    result = sweep(source, **WINDOW)
    assert result.run.state == Run.State.FAILED
    assert (result.run.failed, result.run.requests, result.run.retries) == (10, 12, 9)
    assert "can't be reached: Connection refused" in result.run.error
    assert {meter.error for meter in result.meters} == {result.run.error}
    assert set(Feed.objects.values_list("last_error", flat=True)) == {result.run.error}


def test_refused_readings_are_counted_alike_everywhere() -> None:
    asked, other = make_meter("asked"), make_meter("other")
    page = day_of(asked.muid)
    page[0]["0100011D00FF"] = "much"
    page[1]["tags"] = {"muid": str(other.muid)}
    page[2]["timestamp"] = "2023-01-01T23:00:00"
    page[50]["timestamp"] = "2023-01-01T11:16:00Z"
    with answering(rows({"data": page})) as upstream:
        source = make_source(upstream.address, asked)
        result = sweep(source, **WINDOW)
        (told,) = result.meters
        assert told.counts == result.counts == Counts(new=92, rejected=4)
        (outcome,) = Outcome.objects.all()
        assert (outcome.meter, outcome.new, outcome.rejected) == (asked, 92, 4)
        assert (result.run.new, result.run.rejected) == (92, 4)
        assert result.run.state == Run.State.SUCCEEDED
        reasons = sorted(RejectedReading.objects.values_list("reason", "times"))
        assert reasons == [("meter", 1), ("misaligned", 1), ("time", 1), ("value", 1)]
        again = sweep(source, **WINDOW)
    assert again.counts == Counts(unchanged=92, rejected=4)
    assert set(RejectedReading.objects.values_list("times", flat=True)) == {2}


def test_pieces_of_a_window_are_counted_alike_everywhere() -> None:
    """Unchanged pieces before and after one with news belong to the same outcome."""
    meter = make_meter(zone="UTC")
    day = day_of(meter.muid)

    def serve(handler: Handler) -> None:
        query = handler.server.asked[-1].query
        start, stop = (datetime.fromisoformat(query[name]) for name in ("start", "stop"))
        inside = [r for r in day if start <= datetime.fromisoformat(str(r["timestamp"])) < stop]
        rows({"data": inside[: int(query["limit"])]})(handler)

    with answering(serve) as upstream:
        source = make_source(upstream.address, meter, limit=20)
        first = sweep(source, **WINDOW)
        assert first.counts == Counts(new=96)
        day[48]["0100011D00FF"] = 9.0
        result = sweep(source, **WINDOW)
    (told,) = result.meters
    assert told.counts == Counts(corrected=1, unchanged=95)
    outcome = Outcome.objects.get(run=result.run)
    assert (outcome.corrected, outcome.unchanged) == (1, 95)
    assert (result.run.corrected, result.run.unchanged) == (1, 95)


def test_a_meter_that_is_removed_is_not_asked_beyond() -> None:
    meter = make_meter()
    Meter.objects.update(
        commissioned_at=START + timedelta(hours=6), removed_at=START + timedelta(hours=18)
    )
    with answering(by_meter({})) as upstream:
        source = make_source(upstream.address, meter, backfill_from=START)
        result = sweep(source)
    (asked,) = upstream.asked
    assert (asked.query["start"], asked.query["stop"]) == (
        "2023-01-01T06:00:00Z",
        "2023-01-01T18:00:00Z",
    )
    assert result.counts == Counts(new=48)


def test_times_that_nothing_can_be_read_of_are_not_asked_for() -> None:
    meter = make_meter()
    with answering(rows({"data": []})) as upstream:
        source = make_source(upstream.address, meter)
        sweep(source, start=datetime(1, 1, 1, tzinfo=UTC), stop=datetime(9999, 1, 1, tzinfo=UTC))
    (asked,) = upstream.asked
    assert asked.query["start"] == "2000-01-01T00:00:00Z"
    assert datetime.fromisoformat(asked.query["stop"]) < datetime.now(UTC) + timedelta(days=2)


def test_a_register_that_lags_does_not_hold_the_others_back() -> None:
    """Else every sweep would read all that came since. What it lacks is a gap."""
    meter = make_meter()
    now = int(datetime.now(UTC).timestamp()) // QUARTER * QUARTER
    lagging = now - 11 * 86_400
    store(batch(meter.muid, [(lagging + i * QUARTER, 1.0) for i in range(96)], obis=EXPORT))
    store(batch(meter.muid, [(now - i * QUARTER, 1.0) for i in range(1, 97)]))
    with answering(rows({"data": []})) as upstream:
        source = make_source(upstream.address, meter, reread_hours=72)
        sweep(source)
        started = datetime.fromisoformat(upstream.asked[0].query["start"])
        assert abs(started.timestamp() - (now - 72 * 3600)) <= QUARTER
        look(source=source, now=datetime.now(UTC))
    gap = Gap.objects.get()
    assert (gap.register.obis, gap.missing, gap.goes_on) == (EXPORT, 10 * 96, True)


@pytest.mark.parametrize("at_once", [1, 4])
def test_queries_of_a_sweep_in_which_nothing_has_changed(settings: Any, at_once: int) -> None:
    """Each meter costs a lock, two statements, a copy of its stored days and a mark on its feed."""
    settings.INGESTION_AT_ONCE = at_once
    meters = [make_meter(f"Meter {n}") for n in range(5)]
    with answering(by_meter({})) as upstream:
        source = make_source(upstream.address, *meters, backfill_from=START)
        sweep(source)
        run = plan_run(source=source, trigger=Run.Trigger.COMMAND)
        with queries() as told:
            result = execute_run(run, worker="tester")
    assert result
    assert result.counts == Counts(unchanged=5 * 96)
    expected = [
        "UPDATE ingestion_run",  # claim
        "SELECT ingestion_run",
        "SELECT ingestion_source",
        "SELECT ingestion_feed",  # how many are to do
        "SELECT ingestion_feed",  # which
        "SELECT ingestion_feed",  # of how many
        "UPDATE ingestion_run",
        "SELECT meters_register",  # then, by COPY, up to when each is stored
        *[
            "SELECT ?",  # a lock on the meter
            "SELECT meters_register",
            "UPDATE ingestion_run",
            "SELECT ?",
            "UPDATE ingestion_feed",
        ]
        * 5,
        "SELECT ingestion_outcome",
        "SELECT ingestion_run",
        "UPDATE ingestion_run",
        "SELECT ingestion_run",
    ]
    # Locks are taken earlier where several meters are asked for at a time.
    assert told == expected if at_once == 1 else sorted(told) == sorted(expected)


def test_the_words_of_an_error_are_not_lost_to_a_later_attempt() -> None:
    """A run that is taken up counts the failures of the attempt before."""
    meters = [make_meter(f"Meter {n}") for n in range(2)]
    with answering(by_meter({})) as upstream:
        source = make_source(upstream.address, *meters)
        run = plan_run(source=source, trigger=Run.Trigger.COMMAND, **WINDOW)
        Outcome.objects.create(run=run, meter=meters[0], error="It was so.")
        Feed.objects.filter(meter=meters[0]).update(last_run=run)
        result = execute_run(run, worker="second")
    assert result
    assert (result.run.state, result.run.failed) == (Run.State.PARTIAL, 1)
    assert [meter.name for meter in result.meters] == ["Meter 1"]
