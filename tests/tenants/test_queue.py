"""A task runs in the tenant from which it was sent, and nowhere else."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from celery import Celery, chain
from django.conf import settings
from django.db import connection

from config.celery import app
from ingestion.models import Run, Source
from ingestion.tasks import dispatch, ingest_run
from tenants.models import Tenant
from tenants.onboarding import create_tenant
from tenants.schema import current_schema
from tenants.tasks import NoTenantError
from tests.conftest import Customer
from tests.tenants.processes import environment, free_port, wait_until, web, worker
from tests.tenants.queue_tasks import again, fail, operators, told, where

QUEUE = f"tenancy-{uuid.uuid4().hex[:8]}"
# Where messages that wake for runs lie: Redis keeps a list for each priority.
RUNS = "lastgang:celery\x06\x166"
Tenants = dict[str, Customer]


@pytest.fixture(scope="module")
def log(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A worker with one process, so that messages are worked on in the order in which they come."""
    path = tmp_path_factory.mktemp("queue") / "worker.log"
    with django_db_blocker.unblock(), worker(path, queue=QUEUE, concurrency=1):
        yield path


@pytest.fixture
def key() -> str:
    return f"told-{uuid.uuid4().hex}"


def telling(customer: Customer, **more: object) -> dict[str, object]:
    schema = customer.tenant.schema_name
    return {"schema": schema, "path": schema, "email": customer.email, **more}


def send(customer: Customer, task: Any, *args: Any, **options: Any) -> None:
    with customer.tenant.entered():
        task.apply_async(args, queue=QUEUE, **options)


def settled(customer: Customer, key: str) -> list[dict[str, object]]:
    """Wait until all that was sent before has been worked on; return what was told."""
    done = f"{key}-done"
    send(customer, where, done)
    wait_until(lambda: told(done), "the worker got this far")
    return told(key)


def send_unchecked(task: str, key: str, **headers: str) -> None:
    """Send as a program would that is not ours."""
    Celery.send_task(app, task, [key], queue=QUEUE, headers=headers)


@pytest.mark.django_db
def test_the_sender_refuses_what_has_no_tenant(acme: Customer) -> None:
    refusals: list[Callable[[], Any]] = [
        lambda: where.delay("x"),
        lambda: where.apply_async(["x"], countdown=5),
        lambda: where.apply_async(["x"], headers={"_schema_name": "public"}),
        lambda: where.apply_async(["x"], headers={"_schema_name": ""}),
        lambda: where.si("x").apply_async(),
        lambda: chain(where.si("x"), where.si("x")).apply_async(),
        lambda: app.send_task("tests.where", ["x"]),
        lambda: ingest_run.delay(1),
        lambda: ingest_run(1),
        lambda: where.apply(["x"]).get(),
    ]
    for refused in refusals:
        with pytest.raises(NoTenantError, match="has no tenant"):
            refused()
    with acme.tenant.entered():
        for refused in (lambda: operators.delay("x"), lambda: dispatch.delay(), dispatch):
            with pytest.raises(NoTenantError, match="works for the installation"):
                refused()
        with pytest.raises(app.tasks.NotRegistered):
            app.send_task("no.such.task")


@pytest.mark.django_db
def test_a_task_called_as_a_function_runs_where_the_caller_is(in_acme: Customer) -> None:
    assert ingest_run(987_654) == "gone"
    assert ingest_run.apply([987_654]).get() == "gone"
    assert current_schema() == "acme"


def test_a_task_runs_in_the_tenant_it_came_from(committed: Tenants, log: Path, key: str) -> None:
    acme, nordwind = committed["acme"], committed["nordwind"]
    order = [acme, nordwind, nordwind, acme, nordwind, acme, acme, acme, nordwind]
    for customer in order:
        send(customer, where, key)
    assert settled(acme, key) == [telling(customer) for customer in order]
    assert current_schema() == "public", "nothing sticks to the sender"


def test_later_tasks_keep_the_tenant(committed: Tenants, log: Path, key: str) -> None:
    """Retries, tasks with a delay, chains, and what follows a failure."""
    acme, nordwind = committed["acme"], committed["nordwind"]
    names = {name: f"{key}-{name}" for name in ("again", "later", "chain", "errback")}
    for customer in (acme, nordwind):
        send(customer, again, names["again"])
        send(customer, where, names["later"], countdown=0.2)
        send(
            customer, fail, names["errback"], link_error=where.si(names["errback"]).set(queue=QUEUE)
        )
        with customer.tenant.entered():
            steps = chain(
                where.si(names["chain"]), where.si(names["chain"]), where.si(names["chain"])
            )
            steps.apply_async(queue=QUEUE)
    for name, times in (("again", 3), ("later", 1), ("chain", 3), ("errback", 2)):
        found = wait_until(
            lambda name=name, times=times: len(told(names[name])) >= 2 * times, f"all of {name}"
        )
        assert found
        for customer in (acme, nordwind):
            schema = customer.tenant.schema_name
            own = [one for one in told(names[name]) if one["schema"] == schema]
            assert len(own) == times, (name, told(names[name]))
            for number, one in enumerate(own):
                more = {"retries": number} if name == "again" else {}
                assert one == telling(customer, **more), name


def test_the_worker_refuses_what_has_no_tenant(committed: Tenants, log: Path, key: str) -> None:
    gone = create_tenant(slug="gone")
    with gone.tenant.entered():
        where.apply_async([f"{key}-never"], queue=QUEUE, countdown=2)
    gone.tenant.delete(force_drop=True)
    send_unchecked("tests.where", key)
    for schema in ("", "public", "nowhere", "gone", 'acme"; DROP SCHEMA acme; --', "pg_catalog"):
        send_unchecked("tests.where", key, _schema_name=schema)
    for schema in ("acme", "nordwind", ""):
        send_unchecked("tests.operators", key, _schema_name=schema)
    send_unchecked("ingestion.ingest_run", "1")
    assert settled(committed["acme"], key) == [], "nothing ran, in public or elsewhere"
    words = log.read_text()
    assert words.count("tests.where has no tenant") >= 3
    assert "tests.where was sent by “nowhere”, which can't be entered" in words
    assert "tests.operators works for the installation, not for “acme”" in words
    # Runs come last, by their priority.
    wait_until(lambda: "ingestion.ingest_run has no tenant" in log.read_text(), "the run's refusal")
    wait_until(
        lambda: log.read_text().count("sent by “gone”") >= 2, "the one that was sent in time"
    )
    assert told(f"{key}-never") == []


def test_a_failure_leaves_the_worker_in_public(committed: Tenants, log: Path, key: str) -> None:
    acme, nordwind = committed["acme"], committed["nordwind"]
    for customer in (acme, nordwind):
        send(customer, fail, key)
        operators.apply_async([key], queue=QUEUE)
    found = settled(nordwind, key)
    assert [one["path"] for one in found] == ["acme", "public", "nordwind", "public"]
    assert all(one["email"] not in {acme.email, nordwind.email} for one in found[1::2])
    lines = [
        line for line in log.read_text().splitlines() if "tests.fail" in line and "no_such" in line
    ]
    assert {"acme", "nordwind"} <= {
        word.partition("=")[2]
        for line in lines
        for word in line.split()
        if word.startswith("tenant=")
    }, lines


def test_two_processes_never_mix_two_tenants(committed: Tenants, key: str, tmp_path: Path) -> None:
    acme, nordwind = committed["acme"], committed["nordwind"]
    queue = f"{QUEUE}-two"
    with worker(tmp_path / "worker.log", queue=queue, concurrency=2):
        for number in range(40):
            customer = (acme, nordwind)[number % 2]
            with customer.tenant.entered():
                where.apply_async([f"{key}-{customer.tenant.schema_name}", 0.002], queue=queue)
        for customer in (acme, nordwind):
            name = f"{key}-{customer.tenant.schema_name}"
            wait_until(lambda name=name: len(told(name)) == 40, "all tasks have told twice")
            assert all(one == telling(customer) for one in told(name))


def test_the_dispatcher_asks_every_tenant(committed: Tenants, log: Path, key: str) -> None:
    """Also those that come after one whose schema is not in order."""
    broken = create_tenant(slug="aa-broken")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE aa_broken.ingestion_source CASCADE")
    customers = [committed["acme"], committed["nordwind"]]
    made: list[tuple[Customer, int]] = []
    try:
        assert next(iter(Tenant.objects.order_by("schema_name"))) == broken.tenant
        for customer in customers:
            with customer.tenant.entered():
                source = Source.objects.create(name=key, address="https://upstream.example")
                made.append((customer, source.pk))
        dispatch.apply_async(queue=QUEUE)
        for customer, source in made:

            def finished(customer: Customer = customer, source: int = source) -> bool:
                with customer.tenant.entered():
                    return Run.objects.filter(source=source, finished_at__isnull=False).exists()

            wait_until(finished, f"the run of {customer.tenant}")
            with customer.tenant.entered():
                run = Run.objects.get(source=source)
            assert (run.state, run.trigger, run.attempts) == ("succeeded", "schedule", 1)
        assert "tenant can't be asked what is due" in log.read_text()
    finally:
        for customer, source in made:
            with customer.tenant.entered():
                Run.objects.filter(source=source).delete()
                Source.objects.filter(pk=source).delete()
        broken.tenant.delete(force_drop=True)


@pytest.mark.parametrize("redis_is", ["there", "gone"])
def test_a_web_process_wakes_a_worker_where_it_can(
    committed: Tenants, key: str, tmp_path: Path, redis_is: str
) -> None:
    """The runs table is the record of work; a message only wakes a worker, and may be lost."""
    acme = committed["acme"]
    session = acme.client().cookies["session"].value
    with acme.tenant.entered():
        source = Source.objects.create(name=key, address="https://upstream.example")
    # A thread of the server sends, in which Celery by itself knows of no app of ours.
    env = environment()
    if redis_is == "gone":
        env["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    try:
        with web(tmp_path / "web.log", env=env) as address, requests.Session() as browser:
            browser.headers["Host"] = acme.domain
            browser.headers["Cookie"] = f"session={session}; csrf={'c' * 32}"
            form = {"action": "ingest_now", "_selected_action": source.pk}
            answer = browser.post(
                f"{address}/admin/ingestion/source/",
                data=form | {"csrfmiddlewaretoken": "c" * 32},
                timeout=60,
                allow_redirects=False,
            )
        assert answer.status_code == 302, answer.text
        assert answer.elapsed.total_seconds() < 10, "nobody waits for long"
        with acme.tenant.entered():
            [run] = Run.objects.filter(source=source)
        assert run.state == "queued"
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            found = [json.loads(text) for text in client.lrange(RUNS, 0, -1)]
            client.delete(RUNS)
        sent = [one["headers"] for one in found]
        # Beside what other tests may have sent, for other tenants.
        sent = [(one["task"], one["argsrepr"], one["_schema_name"]) for one in sent]
        assert sent.count(("ingestion.ingest_run", f"({run.pk},)", "acme")) == (redis_is == "there")
    finally:
        with acme.tenant.entered():
            Run.objects.filter(source=source).delete()
            source.delete()
