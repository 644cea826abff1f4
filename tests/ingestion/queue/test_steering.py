"""Pause, resume, cancel, do again: as services, on pages, in the admin and by command."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from ingestion.lease import LostLeaseError
from ingestion.models import Feed, Outcome, Run, Source
from ingestion.services import execute_run, plan_due, plan_run
from ingestion.steering import SteeringError, cancel_run, pause_source, resume_source, retry_run
from tests.conftest import Customer
from tests.ingestion.plant import make_meter, make_source, stored
from tests.ingestion.upstreams import answering, refusing, row, rows

SCHEDULE, COMMAND, ADMIN = Run.Trigger.SCHEDULE, Run.Trigger.COMMAND, Run.Trigger.ADMIN


@contextmanager
def source_of(meters: int, **options: object) -> Iterator[Source]:
    """A source whose meters have one reading each, an hour ago."""
    when = (timezone.now() - timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)

    def serve(handler: object) -> None:
        muid = handler.server.asked[-1].query["muid"]  # type: ignore[attr-defined]
        rows({"data": [row(muid, f"{when:%Y-%m-%dT%H:%M:%SZ}")]})(handler)  # type: ignore[arg-type]

    with answering(serve) as upstream:
        made = [make_meter(f"Meter {n}") for n in range(meters)]
        yield make_source(upstream.address, *made, **options)


def due(source: Source) -> None:
    Source.objects.filter(pk=source.pk).update(next_sweep_at=timezone.now())


def run_up_to(run: Run, meters: int, then: object) -> None:
    """Work on a run; after so many meters something happens to it."""
    done: list[str] = []

    def watch(meter: object, _share: float) -> None:
        if meter.is_done:  # type: ignore[attr-defined]
            done.append(meter.name)  # type: ignore[attr-defined]
            if len(done) == meters:
                then()  # type: ignore[operator]

    with pytest.raises(LostLeaseError):
        execute_run(run, worker="w", progress=watch)


def readings() -> int:
    return sum(len(stored(feed.meter.muid)) for feed in Feed.objects.select_related("meter"))


def test_a_paused_source_is_not_swept_and_catches_up_when_resumed(in_acme: object) -> None:
    with source_of(3) as source:
        due(source)
        (pk,) = plan_due(timezone.now())
        run = Run.objects.get(pk=pk)
        run_up_to(run, 1, lambda: pause_source(source=source, person="ada@acme.example"))
        # The sweep under way stopped after one meter; what is stored stays, and it waits.
        run.refresh_from_db()
        assert (run.state, run.worker, run.new) == (Run.State.QUEUED, "", 1)
        assert readings() == 1
        source.refresh_from_db()
        assert (source.is_active, source.paused_by) == (False, "ada@acme.example")
        due(source)
        assert plan_due(timezone.now()) == []
        # What somebody asks for by hand is done all the same.
        by_hand = plan_run(source=source, trigger=ADMIN, only=[])
        assert plan_due(timezone.now()) == [by_hand.pk]
        Run.objects.filter(pk=by_hand.pk).delete()

        resume_source(source=source)
        assert plan_due(timezone.now()) == [pk]
        result = execute_run(run, worker="second")
    assert result
    assert (result.run.state, result.run.new, readings()) == (Run.State.SUCCEEDED, 3, 3)


def test_a_run_under_way_is_cancelled_within_one_window(in_acme: object) -> None:
    with source_of(3) as source:
        run = plan_run(source=source, trigger=COMMAND)
        run_up_to(run, 2, lambda: cancel_run(run=Run.objects.get(), person="ada@acme.example"))
        run.refresh_from_db()
        assert run.state == Run.State.CANCELLED
        assert run.error == "Cancelled by ada@acme.example. What was stored stays."
        assert (run.new, readings(), run.lease_until) == (2, 2, None)
        assert run.finished_at
        assert plan_due(timezone.now() + timedelta(minutes=5)) != [run.pk]
        assert execute_run(run, worker="other") is None
        with pytest.raises(SteeringError, match="has ended already: cancelled"):
            cancel_run(run=run, person="ada@acme.example")
        again = retry_run(run=run)
        result = execute_run(again, worker="w")
    assert result
    assert (result.run.new, result.run.unchanged) == (1, 2)


def test_only_what_failed_is_done_again(in_acme: object) -> None:
    bad, good = make_meter("Bad"), make_meter("Good")
    with answering(refusing(404), rows({"data": []})) as upstream:
        run = plan_run(source=make_source(upstream.address, bad, good), trigger=COMMAND)
        result = execute_run(run, worker="w")
        assert result
        assert result.run.state == Run.State.PARTIAL
        again = retry_run(run=result.run)
        assert again.only == [bad.muid]
        result = execute_run(again, worker="w")
        assert result
    assert result.run.state == Run.State.SUCCEEDED
    with pytest.raises(SteeringError, match="can't be done again: succeeded"):
        retry_run(run=result.run)
    brought = Run.objects.create(trigger=Run.Trigger.FILE, state=Run.State.FAILED)
    with pytest.raises(SteeringError, match="no source"):
        retry_run(run=brought)
    with pytest.raises(SteeringError, match="in one go"):
        cancel_run(run=brought, person="x")


# --- Pages --------------------------------------------------------------------------------------


@pytest.fixture
def record(acme: Customer) -> tuple[Source, Run, Run, Feed]:
    """A source, a run that waits, one that failed, and a meter that was given up."""
    with acme.tenant.entered():
        meter = make_meter("Cellar")
        source = make_source("https://meters.example.com", meter, name="Upstream")
        waits = plan_run(source=source, trigger=COMMAND)
        failed = Run.objects.create(source=source, trigger=COMMAND, state=Run.State.FAILED)
        Feed.objects.update(
            given_up_at=timezone.now(), failures=6, last_error="meters.example.com answered 404."
        )
        return source, waits, failed, Feed.objects.get()


def text_of(response: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))  # type: ignore[attr-defined]


def test_the_buttons(acme: Customer, record: tuple[Source, Run, Run, Feed]) -> None:
    source, waits, failed, feed = record
    browser = acme.client()

    def press(path: str) -> str:
        return text_of(browser.post(f"/ingestion/{path}/", follow=True))

    page = text_of(browser.get("/ingestion/"))
    assert "Meters that keep failing" in page
    assert "meters.example.com answered 404." in page
    assert "Upstream is paused. Nothing is lost" in press(f"sources/{source.pk}/pause")
    assert f"by {acme.email}" in text_of(browser.get("/ingestion/"))
    assert "Upstream is swept again" in press(f"sources/{source.pk}/resume")
    assert "Cancel" in text_of(browser.get(waits.get_absolute_url()))
    assert f"Cancelled by {acme.email}. What was stored stays." in press(f"runs/{waits.pk}/cancel")
    assert "has ended already" in press(f"runs/{waits.pk}/cancel")
    assert "does it again" in press(f"runs/{failed.pk}/retry")
    assert "1 meter will be asked for again" in press(f"meters/{feed.pk}/retry")
    assert "0 meters will be asked for again" in press("meters/retry")
    assert "Meters that keep failing" not in text_of(browser.get("/ingestion/"))
    with acme.tenant.entered():
        queued = Run.objects.filter(state=Run.State.QUEUED)
        assert sorted(queued.values_list("trigger", flat=True)) == ["admin", "admin"]


PATHS = ["sources/{0}/pause", "sources/{0}/resume", "runs/{1}/cancel", "runs/{2}/retry"]
PATHS += ["meters/{3}/retry"]


@pytest.mark.parametrize("path", PATHS)
def test_who_may_press_them(
    acme: Customer, nordwind: Customer, record: tuple[Source, Run, Run, Feed], path: str
) -> None:
    address = f"/ingestion/{path.format(*(one.pk for one in record))}/"
    before = states(acme)
    assert nordwind.client().post(address).status_code == 404
    assert acme.client().get(address).status_code == 405
    assert "/sign-in/" in acme.client(signed_in=False).post(address)["Location"]
    with acme.tenant.entered():
        User.objects.create_user(email="reader@acme.example", password="only-reads-7")
    reader = Client(HTTP_HOST=acme.domain)
    reader.post("/sign-in/", {"username": "reader@acme.example", "password": "only-reads-7"})
    page = reader.get("/ingestion/")
    assert page.status_code == 200
    assert b"Pause" not in page.content
    assert reader.post(address).status_code == 403
    assert states(acme) == before


def states(customer: Customer) -> list[object]:
    with customer.tenant.entered():
        return [
            *Source.objects.values_list("is_active", "paused_by"),
            *Run.objects.order_by("pk").values_list("state", flat=True),
            *Feed.objects.values_list("failures", flat=True),
            Outcome.objects.count(),
        ]


def test_the_admins_actions(acme: Customer, record: tuple[Source, Run, Run, Feed]) -> None:
    source, waits, failed, feed = record
    browser = acme.client()

    def act(model: str, action: str, pk: int) -> str:
        form = {"action": action, "_selected_action": pk}
        return text_of(browser.post(f"/admin/ingestion/{model}/", form, follow=True))

    assert "Paused. Nothing is lost" in act("source", "pause", source.pk)
    assert states(acme)[0] == (False, acme.email)
    assert "Catching up" in act("source", "resume", source.pk)
    assert "is cancelled" in act("run", "cancel", waits.pk)
    assert "has ended already" in act("run", "cancel", waits.pk)
    assert f"does Run {failed.pk} again" in act("run", "retry", failed.pk)
    assert "given_up_at__isempty" in browser.get("/admin/ingestion/feed/").content.decode()
    assert "1 meters are asked for again" in act("feed", "retry", feed.pk)


# --- The command --------------------------------------------------------------------------------


def queue(*words: str) -> str:
    out = StringIO()
    call_command("queue", "--tenant", "acme", *words, stdout=out)
    return out.getvalue()


def test_the_command(acme: Customer, record: tuple[Source, Run, Run, Feed]) -> None:
    _, waits, failed, _ = record
    told = queue()
    assert f"acme · run {waits.pk} · Upstream: queued for" in told
    assert "acme · Cellar: given up. meters.example.com answered 404." in told
    assert "Upstream is paused" in queue("--pause", "Upstream")
    assert "acme · Upstream: paused by" in queue()
    assert "is swept again" in queue("--resume", "Upstream")
    assert "is cancelled" in queue("--cancel", str(waits.pk))
    assert "nothing waits" in queue()
    assert f"does run {failed.pk} again" in queue("--retry", str(failed.pk))
    assert "1 meters are asked for again" in queue("--retry-meters")
    for words, error in (
        (["--pause", "Nowhere"], "There are: Upstream"),
        (["--cancel", "999999"], "no run 999999"),
        (["--cancel", str(waits.pk)], "has ended already"),
    ):
        with pytest.raises(CommandError, match=error):
            queue(*words)
