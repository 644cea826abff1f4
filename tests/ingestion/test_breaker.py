"""The circuit breaker of a source: when it opens, who may try, when it closes, what is told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ingestion.breaker import LONGEST, TRIES, Breaker, pause_after, told
from ingestion.models import Feed, RejectedReading, Run, Source
from ingestion.results import RunResult
from ingestion.services import execute_run, plan_due, plan_run, rehearse_run
from ingestion.steering import resume_source
from tests.conftest import Customer
from tests.ingestion.plant import make_meter, make_source
from tests.ingestion.upstreams import Handler, Respond, answering, refusing, row, rows

pytestmark = pytest.mark.usefixtures("in_acme")
EMPTY = rows({"data": []})
NOON = datetime(2023, 7, 1, 12, tzinfo=UTC)


def scheduled(source: Source) -> RunResult:
    run = plan_run(source=source, trigger=Run.Trigger.SCHEDULE)
    result = execute_run(run, worker="tester", sleep=lambda _: None)
    assert result is not None
    return result


def by_hand(source: Source) -> RunResult:
    run = plan_run(source=source, trigger=Run.Trigger.ADMIN)
    result = execute_run(run, worker="tester", sleep=lambda _: None)
    assert result is not None
    return result


def state(source: Source) -> tuple[int, bool]:
    """How many failures in a row, and whether it is left alone."""
    source.refresh_from_db()
    return source.failures, source.rests_until is not None


def rested(source: Source) -> None:
    """Let the time be over for which it is left alone."""
    Source.objects.filter(pk=source.pk).update(rests_until=datetime.now(UTC) - timedelta(seconds=1))


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_after_five_failures_in_a_row_the_others_are_not_asked(status: int) -> None:
    meters = [make_meter(f"Meter {n:02}") for n in range(8)]
    with answering(refusing(status)) as upstream:
        source = make_source(upstream.address, *meters)
        result = scheduled(source)
        questions = len(upstream.asked)
    attempts = 1 if status in {401, 403} else 4
    assert questions == TRIES * attempts
    assert state(source) == (TRIES, True)
    first, *_, last = [meter.error for meter in result.meters]
    assert f"answered {status}" in first
    assert last.startswith("Not asked until ")
    assert last.endswith(f"since 5 answers in a row failed: {first}")
    # It is no fault of the meters that were not asked.
    assert not Feed.objects.filter(failures__gt=0).exists()


def test_failures_are_counted_over_workers_and_sweeps() -> None:
    meter = make_meter()
    with answering(refusing(401)) as upstream:
        source = make_source(upstream.address, meter)
        for failures in range(1, TRIES):
            # Each worker has its own copy of the source.
            scheduled(Source.objects.get(pk=source.pk))
            assert state(source) == (failures, False)
        scheduled(Source.objects.get(pk=source.pk))
        assert state(source) == (TRIES, True)
        scheduled(Source.objects.get(pk=source.pk))
        assert len(upstream.asked) == TRIES


def test_a_source_that_is_left_alone_is_not_due_until_it_has_rested() -> None:
    source = make_source("http://127.0.0.1:1", make_meter())
    source.failures, source.rests_until = TRIES, NOON + timedelta(minutes=5)
    source.next_sweep_at = NOON - timedelta(hours=1)
    source.save()
    assert plan_due(NOON) == []
    (planned,) = plan_due(NOON + timedelta(minutes=5))
    assert Run.objects.get(pk=planned).source == source


@pytest.fixture
def open_source() -> Source:
    source = make_source("http://127.0.0.1:1", make_meter())
    source.failures, source.last_failure = TRIES, "it answered 503."
    source.rests_until = datetime.now(UTC) + timedelta(minutes=5)
    source.save()
    return source


def test_of_many_workers_one_may_try(open_source: Source) -> None:
    rested(open_source)
    workers = [Breaker(Source.objects.get(pk=open_source.pk)) for _ in range(4)]
    asked = [worker.objection() for worker in workers]
    assert asked[0] == ""
    assert all(words.startswith("Not asked until ") for words in asked[1:])
    # Whoever tries may go past meters for which there is nothing to ask.
    assert workers[0].objection() == ""


def test_a_trial_that_fails_lengthens_the_pause(open_source: Source) -> None:
    rested(open_source)
    worker = Breaker(Source.objects.get(pk=open_source.pk))
    assert worker.objection() == ""
    worker.heard("it answered 503 again.", of_source=True)
    assert state(open_source) == (TRIES + 1, True)
    assert open_source.rests_until
    pause = open_source.rests_until - datetime.now(UTC)
    assert timedelta(seconds=110) < pause <= timedelta(minutes=2)
    assert worker.objection().endswith("since 6 answers in a row failed: it answered 503 again.")


def test_pauses_double_up_to_an_hour() -> None:
    minutes = [pause_after(TRIES + n) // timedelta(minutes=1) for n in range(8)]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pause_after(10**6) == LONGEST


def test_a_trial_that_succeeds_closes_it_and_the_sweep_goes_on() -> None:
    meters = [make_meter(f"Meter {n}") for n in range(3)]
    with answering(EMPTY) as upstream:
        source = make_source(upstream.address, *meters, failures=TRIES, last_failure="Down.")
        rested(source)
        result = scheduled(source)
    assert result.run.state == Run.State.SUCCEEDED
    assert len(upstream.asked) == 3
    assert state(source) == (0, False)
    assert source.last_failure == ""


def test_a_meters_own_failure_is_an_answer() -> None:
    with answering(refusing(404)) as upstream:
        source = make_source(upstream.address, make_meter(), failures=TRIES - 1)
        scheduled(source)
    assert state(source) == (0, False)


def test_one_meter_that_upsets_the_upstream_does_not_open_it() -> None:
    meters = [make_meter(f"Meter {n:02}") for n in range(8)]
    with answering(refusing(500)) as upstream:
        source = make_source(upstream.address, *meters)
        scheduled(source)
    assert state(source) == (0, False)
    assert len(upstream.asked) == 8 * 4


def test_whoever_asks_by_hand_need_not_wait(open_source: Source) -> None:
    with answering(EMPTY) as upstream:
        Source.objects.filter(pk=open_source.pk).update(address=upstream.address)
        source = Source.objects.get(pk=open_source.pk)
        assert scheduled(source).run.error.startswith("Not asked until ")
        assert by_hand(source).run.state == Run.State.SUCCEEDED
    assert state(open_source) == (0, False)


def test_by_hand_it_is_tried_once(open_source: Source) -> None:
    others = [make_meter(f"Other {n}") for n in range(4)]
    for meter in others:
        Feed.objects.create(meter=meter, source=open_source)
    with answering(refusing(401)) as upstream:
        Source.objects.filter(pk=open_source.pk).update(address=upstream.address)
        by_hand(Source.objects.get(pk=open_source.pk))
        assert len(upstream.asked) == 1
    assert state(open_source) == (TRIES + 1, True)


def test_a_rehearsal_leaves_no_trace(open_source: Source) -> None:
    rehearse_run(source=Source.objects.get(pk=open_source.pk))
    assert state(open_source) == (TRIES, True)


def test_resuming_a_source_lets_it_be_asked(open_source: Source) -> None:
    resume_source(source=open_source)
    assert state(open_source) == (0, False)


def test_it_is_told_in_words(open_source: Source) -> None:
    open_source.rests_until = NOON + timedelta(minutes=5)
    assert told(open_source, "Europe/Zurich", NOON) == (
        "Not asked until 14:05 (Europe/Zurich) since 5 answers in a row failed: it answered 503."
    )
    assert told(open_source, "Asia/Tokyo", NOON).startswith("Not asked until 21:05 (Asia/Tokyo) ")
    assert told(open_source, "Europe/Zurich", NOON - timedelta(days=1)).startswith(
        "Not asked until 1 July 14:05"
    )
    assert told(open_source, "Europe/Zurich", NOON + timedelta(hours=1)).startswith(
        "Asked again with the next sweep, since 5 answers in a row failed: "
    )
    open_source.rests_until = None
    assert told(open_source, "Europe/Zurich", NOON) == ""


def test_pages_and_admin_say_so(acme: Customer, nordwind: Customer, open_source: Source) -> None:
    words = b"since 5 answers in a row failed: it answered 503."
    # What failed is on record in English, whatever the page speaks.
    on_page = words.replace(b"it answered", b'<span lang="en">it answered')
    for page, said in (("/ingestion/", on_page), ("/admin/ingestion/source/", words)):
        assert said in acme.client().get(page).content
        assert said not in nordwind.client().get(page).content
    address = f"/admin/ingestion/source/{open_source.pk}/change/"
    assert words in acme.client().get(address).content


TOKEN = "s3cr3t-k3y-of-the-upstream"


def echoing(handler: Handler) -> None:
    """Answer as badly as an upstream can: with what it was sent."""
    handler.send_response(401, f"no {handler.headers['X-API-Key']}")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def garbled(handler: Handler) -> None:
    muid = UUID(handler.server.asked[-1].query["muid"])
    rows({"data": [row(muid, "never", 1.0)]})(handler)


@pytest.mark.parametrize("respond", [refusing(401), refusing(503), garbled, rows(b"<html>")])
@pytest.mark.parametrize("key_header", ["", "X-API-Key"])
def test_the_key_is_shown_nowhere(
    acme: Customer, caplog: pytest.LogCaptureFixture, respond: Respond, key_header: str
) -> None:
    """Not in the log, the record, the admin, the pages, the API's description or a repr."""
    caplog.set_level("DEBUG")
    with answering(respond) as upstream:
        source = make_source(upstream.address, make_meter(), token=TOKEN, key_header=key_header)
        result = scheduled(source)
        sent = upstream.asked[0].headers
    assert sent[key_header or "Authorization"] == (TOKEN if key_header else f"Bearer {TOKEN}")
    client = acme.client()
    pages = [
        client.get(address).content.decode()
        for address in (
            "/ingestion/",
            result.run.get_absolute_url(),
            "/admin/ingestion/source/",
            f"/admin/ingestion/source/{source.pk}/change/",
            f"/admin/ingestion/run/{result.run.pk}/change/",
            "/api/v1/schema/",
        )
    ]
    assert "X-API-Key" in pages[3]
    held: Any = [caplog.text, repr(result), repr(vars(Source.objects.get(pk=source.pk))), *pages]
    held += Run.objects.values_list("error", flat=True)
    held += Feed.objects.values_list("last_error", flat=True)
    held += Source.objects.values_list("last_failure", flat=True)
    assert not any(TOKEN in text for text in held)


def no_http(handler: Handler) -> None:
    handler.wfile.write(f"{handler.headers['X-API-Key']}\r\n".encode())
    handler.drop()


def in_rows(handler: Handler) -> None:
    muid = handler.server.asked[-1].query["muid"]
    rows({"data": [row(muid, f"at {handler.headers['X-API-Key']}")]})(handler)


@pytest.mark.parametrize("respond", [echoing, no_http, in_rows])
def test_an_upstream_that_repeats_the_key_is_not_quoted(respond: Respond) -> None:
    with answering(respond) as upstream:
        source = make_source(upstream.address, make_meter(), token=TOKEN, key_header="X-API-Key")
        result = scheduled(source)
    told_of = result.run.error + "".join(RejectedReading.objects.values_list("raw", flat=True))
    assert "…" in told_of
    assert TOKEN not in told_of + repr(list(RejectedReading.objects.values()))


@pytest.mark.parametrize("header", ["Host", "content-length", "X Key", "X:Key", "X\nKey", "Ümlaut"])
def test_headers_that_can_not_carry_a_key(acme: Customer, header: str) -> None:
    source = make_source("http://127.0.0.1:1")
    answer = acme.client().post(
        f"/admin/ingestion/source/{source.pk}/change/",
        {"name": "S", "address": source.address, "key_header": header},
    )
    if header != "X\nKey":  # a form's field of one line takes no line break
        assert "can&#x27;t be the header of an API key" in answer.content.decode()
    source.refresh_from_db()
    assert source.key_header == ""


def test_an_address_inside_is_refused_where_it_is_entered(acme: Customer, settings: Any) -> None:
    settings.UPSTREAM_ALLOW = []
    source = make_source("https://meters.example.com")
    answer = acme.client().post(
        f"/admin/ingestion/source/{source.pk}/change/",
        {"name": "S", "address": "http://169.254.169.254"},
    )
    assert "169.254.169.254 is a cloud&#x27;s metadata address" in answer.content.decode()
