"""A worker that is to end leaves what it does where it is, for others to go on with."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config import ending
from ingestion import lease
from ingestion.models import Run
from ingestion.services import execute_run, plan_run
from tests.ingestion.plant import make_meter, make_source, stored
from tests.ingestion.upstreams import Handler, answering, row, rows

MIDNIGHT = datetime(2023, 3, 1, tzinfo=UTC)
COMMAND = Run.Trigger.COMMAND


@pytest.fixture
def worker() -> Iterator[None]:
    """Be a worker, until the test is over."""
    ending.begin()
    assert ending.told_ago() is None
    yield
    ending._Told.at = None


def end() -> None:
    ending.note()


def queued(run: Run) -> tuple[str, str, int, int]:
    run.refresh_from_db()
    return str(run.state), run.worker, run.attempts, run.strikes


def test_the_piece_that_is_under_way_is_stored_and_the_next_meter_not_begun(
    in_acme: object, worker: None, settings: Any
) -> None:
    settings.INGESTION_AT_ONCE = 1
    meters = [make_meter(f"Meter {number}") for number in range(3)]

    def serve(handler: Handler) -> None:
        muid = handler.server.asked[-1].query["muid"]
        if len(handler.server.asked) == 2:
            end()
        rows({"data": [row(muid, "2023-03-01T00:00:00Z", 0.5)]})(handler)

    window = {"start": MIDNIGHT, "stop": MIDNIGHT + timedelta(hours=1)}
    with answering(serve) as upstream:
        run = plan_run(source=make_source(upstream.address, *meters), trigger=COMMAND, **window)
        execute_run(run, worker="one")
        assert len(upstream.asked) == 2
        assert queued(run) == ("queued", "", 0, 0)
        ending._Told.at = None
        result = execute_run(run, worker="another")
        assert len(upstream.asked) == 3, "what was done is not done again"
    assert result
    assert (result.run.state, result.run.new, result.run.attempts) == ("succeeded", 3, 1)
    assert all(len(stored(meter.muid)) == 1 for meter in meters)


def test_who_is_to_end_begins_nothing(in_acme: object, worker: None) -> None:
    with answering(rows({"data": []})) as upstream:
        run = plan_run(source=make_source(upstream.address, make_meter()), trigger=COMMAND)
        end()
        execute_run(run, worker="one", seconds=1000)
        assert upstream.asked == []
    assert queued(run) == ("queued", "", 0, 0)


def test_an_upstream_that_is_late_is_not_waited_for_without_end(
    in_acme: object, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "PATIENCE", 0.1)
    done, late = make_meter(), make_meter("Late")

    def serve(handler: Handler) -> None:
        if len(handler.server.asked) == 2:
            end()
            time.sleep(5)
        rows({"data": [row(done.muid, "2023-03-01T00:00:00Z", 0.5)]})(handler)

    window = {"start": MIDNIGHT, "stop": MIDNIGHT + timedelta(hours=1)}
    with answering(serve) as upstream:
        run = plan_run(source=make_source(upstream.address, done, late), trigger=COMMAND, **window)
        began = time.monotonic()
        execute_run(run, worker="one")
        assert time.monotonic() - began < 4.5, "broken off"
    assert queued(run) == ("queued", "", 0, 0)
    # It is gone on with at the meter that was in hand, and what was stored is.
    assert (run.at_feed, run.at_time) == (late.pk, None)
    assert len(stored(done.muid)) == 1
