"""Meters that keep failing: asked ever less often, given up in sight, tried again by hand."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from ingestion.failing import TRIES
from ingestion.models import Feed, Run, Source
from ingestion.services import execute_run, plan_due
from ingestion.steering import retry_meters
from tests.ingestion.plant import make_meter, make_source, sweep
from tests.ingestion.upstreams import Handler, Running, answering, refusing, rows


class Plant:
    """A source with a meter that works and one that the upstream does not know."""

    def __init__(self, upstream: Running) -> None:
        self.upstream = upstream
        self.good, self.bad = make_meter("Good"), make_meter("Bad")
        self.source = make_source(upstream.address, self.good, self.bad)

    @property
    def feed(self) -> Feed:
        return Feed.objects.get(meter=self.bad)

    def scheduled(self) -> set[str]:
        """Let a scheduled sweep be done now; return the names of the meters that were asked."""
        Source.objects.update(next_sweep_at=timezone.now())
        (run,) = plan_due(timezone.now())
        result = execute_run(Run.objects.get(pk=run), worker="w", sleep=lambda _: None)
        assert result
        self.run = result.run
        return {meter.name for meter in result.meters}

    def time_passes(self) -> None:
        """Let the next try be due."""
        Feed.objects.exclude(retry_at=None).update(retry_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def plant(in_acme: object) -> Iterator[Plant]:
    def serve(handler: Handler) -> None:
        bad = handler.server.asked[-1].query["muid"] == str(made.bad.muid)
        (refusing(404) if bad and broken else rows({"data": []}))(handler)

    broken = [True]
    with answering(serve) as upstream:
        made = Plant(upstream)
        made.mend = broken.clear  # type: ignore[attr-defined]
        yield made


def test_a_failing_meter_is_asked_less_often_then_given_up_and_probed(plant: Plant) -> None:
    both = {"Good", "Bad"}
    pauses = []
    for n in range(1, TRIES + 1):
        assert plant.scheduled() == both
        assert plant.run.state == Run.State.PARTIAL
        feed = plant.feed
        assert feed.failures == n
        pause = feed.retry_at - timezone.now() if feed.retry_at else timedelta()
        pauses.append(round(pause / timedelta(minutes=15)))
        if feed.retry_at:
            # Until then sweeps leave it out, and go well.
            assert plant.scheduled() == {"Good"}
            assert plant.run.state == Run.State.SUCCEEDED
        assert (n == TRIES) == (feed in Feed.objects.given_up())
        plant.time_passes()
    assert pauses == [0, 1, 3, 7, 15, 96]
    # A day later it is asked once more, and comes back by itself where it has been mended.
    assert plant.scheduled() == both
    assert plant.feed.failures == TRIES + 1
    plant.time_passes()
    plant.mend()  # type: ignore[attr-defined]
    assert plant.scheduled() == both
    feed = plant.feed
    assert (feed.failures, feed.retry_at, feed.given_up_at, feed.last_error) == (0, None, None, "")


def test_what_was_given_up_is_tried_again_by_hand(plant: Plant) -> None:
    for _ in range(TRIES):
        plant.scheduled()
        plant.time_passes()
    Feed.objects.filter(pk=plant.feed.pk).update(retry_at=timezone.now() + timedelta(days=1))
    done = retry_meters(feeds=Feed.objects.given_up())
    assert done.meters == 1
    (run,) = done.runs
    assert (run.only, run.trigger) == ([plant.bad.muid], Run.Trigger.ADMIN)
    assert not Feed.objects.given_up().exists()
    result = execute_run(run, worker="w", sleep=lambda _: None)
    assert result
    assert result.run.state == Run.State.FAILED
    # Trying by hand is no sweep: the meter has all its tries again.
    assert plant.feed.failures == 0
    assert plant.scheduled() == {"Good", "Bad"}


def test_an_upstream_that_fails_for_all_gives_up_no_meter(in_acme: object) -> None:
    meters = [make_meter(f"Meter {n}") for n in range(2)]
    with answering(refusing(503)) as upstream:
        source = make_source(upstream.address, *meters)
        for _ in range(TRIES + 1):
            # As if it had been left alone for as long as its breaker wants.
            Source.objects.update(next_sweep_at=timezone.now(), rests_until=None)
            (run,) = plan_due(timezone.now())
            result = execute_run(Run.objects.get(pk=run), worker="w", sleep=lambda _: None)
            assert result
            assert (result.run.state, len(result.meters)) == (Run.State.FAILED, 2)
    assert set(Feed.objects.values_list("failures", "retry_at", "given_up_at")) == {(0, None, None)}
    # Nor does one that is away: the meters are excused.
    Source.objects.update(address="http://127.0.0.1:1")
    source.refresh_from_db()
    sweep(source)
    assert not Feed.objects.filter(failures__gt=0).exists()
