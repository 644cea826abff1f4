"""Which runs are offered to workers: each tenant's share, the longest waiting first."""

import threading
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from ingestion.dispatching import in_turn, offers, with_work
from ingestion.models import OFFER, Run
from tenants.models import Tenant
from tests.conftest import Customer
from tests.ingestion.plant import make_source

ADMIN = Run.Trigger.ADMIN


def queued(count: int, trigger: Run.Trigger = ADMIN) -> list[int]:
    now = timezone.now()
    return [
        Run.objects.create(trigger=trigger, queued_at=now - timedelta(minutes=count - n)).pk
        for n in range(count)
    ]


def offered(now: object = None, share: int = 3) -> list[int]:
    return [run for _, run in offers(now or timezone.now(), share)]  # type: ignore[arg-type]


def test_a_tenant_has_its_share_offered_and_no_more(in_acme: object) -> None:
    runs = queued(5)
    assert offered() == runs[:3]
    assert offered() == []
    # One is taken and done: the next comes in its place, while the others are still offered.
    assert Run.objects.claim(runs[0], "w", timezone.now())
    assert offered() == []
    Run.objects.filter(pk=runs[0]).update(state=Run.State.SUCCEEDED)
    assert offered() == [runs[3]]
    # A message that nobody acted on is lost: its run is offered again.
    later = timezone.now() + OFFER + timedelta(seconds=1)
    assert offered(later) == [runs[1], runs[2], runs[3]]
    # What a command does takes no worker of the queue.
    Run.objects.all().delete()
    for run in queued(3, Run.Trigger.COMMAND):
        assert Run.objects.claim(run, f"w{run}", timezone.now())
    assert offered() == queued(0)
    (last,) = queued(1)
    assert offered() == [last]


def test_dispatchers_at_once_offer_each_run_once(committed: Tenant) -> None:
    runs = queued(12)
    start, got, lock = threading.Barrier(4), list[int](), threading.Lock()

    def dispatch() -> None:
        try:
            with committed.entered():
                start.wait()
                found = offered(share=3)
                with lock:
                    got.extend(found)
        finally:
            connection.close()

    threads = [threading.Thread(target=dispatch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) >= 3
    assert set(got) <= set(runs)


def test_tenants_take_turns_and_who_has_waited_longest_comes_first() -> None:
    now = timezone.now()

    def since(minutes: int) -> object:
        return now - timedelta(minutes=minutes)

    found = in_turn(
        {
            "large": [(since(9), 1), (since(8), 2), (since(7), 3)],
            "late": [(since(1), 4)],
            "small": [(since(2), 5), (since(1), 6)],
            "idle": [],
        }  # type: ignore[arg-type]
    )
    assert found == [
        ("large", 1),
        ("small", 5),
        ("late", 4),
        ("large", 2),
        ("small", 6),
        ("large", 3),
    ]


def test_one_question_finds_the_tenants_that_have_work(acme: Customer, nordwind: Customer) -> None:
    now = timezone.now()
    schemas = ["acme", "nordwind"]
    assert list(with_work(schemas, now)) == []
    with acme.tenant.entered():
        source = make_source("http://a", next_sweep_at=now - timedelta(seconds=1))
    assert list(with_work(schemas, now)) == ["acme"]
    with acme.tenant.entered():
        source.is_active = False
        source.save()
    assert list(with_work(schemas, now)) == []
    with nordwind.tenant.entered():
        (run,) = queued(1)
    assert list(with_work(schemas, now)) == ["nordwind"]
    with nordwind.tenant.entered():
        Run.objects.filter(pk=run).update(state=Run.State.CANCELLED)
    assert list(with_work(schemas, now)) == []
    with acme.tenant.entered():
        Run.objects.create(trigger=ADMIN, state=Run.State.RUNNING)
    # One whose tables are missing hides no other.
    assert list(with_work(["acme", "no_such_schema", *schemas], now)) == ["acme", "acme"]
