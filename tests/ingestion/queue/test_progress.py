"""How far a run is, told while it goes on; and going on from there after the worker has died."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from ingestion.models import LEASE, Feed, Run, Source
from ingestion.progress import left_in_words, progress_of
from ingestion.services import execute_run, plan_run
from ingestion.simulator.server import running_simulator
from ingestion.simulator.synthetic import SyntheticMeter
from tests.conftest import Customer
from tests.ingestion.plant import make_meter, make_source, stored
from tests.meters.stored import Api

START = datetime(2023, 1, 1, tzinfo=UTC)
STOP = START + timedelta(days=100)
MUIDS = [f"5ca1ab1e-0000-4000-8000-00000000000{n}" for n in range(2)]


class Died(BaseException):
    """What a worker that is killed looks like from within."""


@pytest.fixture
def broken_off(acme: Customer, piece_by_piece: None) -> Run:
    """A backfill of two meters in ten pieces each, whose worker died at the second one's fifth."""
    with acme.tenant.entered(), running_simulator(
        meters=[SyntheticMeter(muid, "household", muid, "Europe/Zurich", 1) for muid in MUIDS]
    ) as simulator:  # fmt: skip
        meters = [make_meter(f"Meter {n}", muid=muid) for n, muid in enumerate(MUIDS)]
        source = make_source(simulator.base_url, *meters, limit=1068)
        run = plan_run(source=source, trigger=Run.Trigger.COMMAND, start=START, stop=STOP)
        pieces: list[float] = []

        def die(_: object, share: float) -> None:
            pieces.append(share)
            if share >= 0.75:
                raise Died

        with pytest.raises(Died):
            execute_run(run, worker="w", progress=die)
        return Run.objects.get()


def test_a_run_says_how_far_it_is(acme: Customer, broken_off: Run) -> None:
    with acme.tenant.entered():
        now = broken_off.started_at + timedelta(minutes=30)
        found = progress_of(broken_off, now)
        assert found is not None
        assert (found.done, found.meters, found.percent) == (1, 2, 75)
        assert found.meter is not None
        assert found.meter.name == "Meter 1"
        assert found.until is not None
        assert abs(found.until - (START + timedelta(days=50))) <= timedelta(days=1)
        assert found.left is not None
        assert abs(found.left - timedelta(minutes=10)) <= timedelta(minutes=1)
        out = StringIO()
        call_command("queue", tenant="acme", stdout=out)
        assert "75 % done" in out.getvalue()
    text = acme.client().get(f"/ingestion/runs/{broken_off.pk}/").content.decode()
    assert "75 %: 1 of 2 meters done, Meter 1 read up to 20 Feb 2023" in text
    told = Api(acme).get(f"runs/{broken_off.pk}/").json()
    assert told["progress"] == pytest.approx(0.75, abs=0.01)
    assert told["seconds_left"] >= 0


def test_whoever_takes_it_up_goes_on_where_it_was(acme: Customer, broken_off: Run) -> None:
    """Not with the meter at which it was, all over again."""
    with acme.tenant.entered(), running_simulator(
        meters=[SyntheticMeter(muid, "household", muid, "Europe/Zurich", 1) for muid in MUIDS]
    ) as simulator:  # fmt: skip
        Source.objects.update(address=simulator.base_url)
        Run.objects.update(lease_until=timezone.now() - LEASE)
        before = Run.objects.get().requests
        result = execute_run(broken_off, worker="x")
        assert result is not None
        assert result.run.state == Run.State.SUCCEEDED
        # Ten pieces each, of which five of the second meter had been stored.
        assert result.run.requests - before in {5, 6}
        for feed in Feed.objects.select_related("meter"):
            assert len(stored(feed.meter.muid)) == 9600
        assert result.run.new == 2 * 9600
        assert result.run.strikes == 0
        assert progress_of(result.run, timezone.now()) is None
    told = Api(acme).get(f"runs/{broken_off.pk}/").json()
    assert (told["progress"], told["seconds_left"]) == (None, None)


def test_before_it_begins_nothing_is_told(in_acme: Customer) -> None:
    source = make_source("http://127.0.0.1:1", make_meter())
    run = plan_run(source=source, trigger=Run.Trigger.SCHEDULE)
    assert progress_of(run, timezone.now()) is None
    run.state, run.started_at, run.meters = Run.State.RUNNING, timezone.now(), 1000
    found = progress_of(run, timezone.now())
    assert found is not None
    assert (found.share, found.left, found.meter) == (0.0, None, None)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (None, ""),
        (0, "about a minute left"),
        (12.4, "about 12 minutes left"),
        (240, "about 4 hours left"),
        (5000, "about 3 days left"),
    ],
)
def test_the_rest_is_told_as_roughly_as_it_is_known(minutes: float | None, words: str) -> None:
    left = None if minutes is None else timedelta(minutes=minutes)
    assert left_in_words(left) == words
