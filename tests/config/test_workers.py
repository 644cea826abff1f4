"""What a worker tells: its tasks by outcome, whichever process did them, and its log."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from structlog.contextvars import bound_contextvars

from ingestion.tasks import ingest_run
from tests.conftest import CUSTOMERS, Customer
from tests.monitoring.exposed import Exposed
from tests.tenants.processes import free_port, wait_until, worker
from tests.tenants.queue_tasks import again, die, fail, operators, told, where

QUEUE = f"metrics-{uuid.uuid4().hex[:8]}"
REQUEST = "0b9e4bd2a3f14c6f9e3b7c1f2d4e5a6b"


class Worker:
    """A worker with two processes, its log and its figures."""

    def __init__(self, log: Path, port: int) -> None:
        self._log, self._port = log, port

    def scrape(self) -> Exposed:
        return Exposed(requests.get(f"http://127.0.0.1:{self._port}/metrics", timeout=20).text)

    def ended(self, task: str, outcome: str) -> float:
        return self.scrape().value("lastgang_tasks_total", task=task, outcome=outcome) or 0

    def lines(self, words: str) -> list[str]:
        return [line for line in self._log.read_text().splitlines() if words in line]


@pytest.fixture(scope="module")
def working(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    log, port = tmp_path_factory.mktemp("worker") / "worker.log", free_port()
    listening = {"METRICS_PORT": str(port), "METRICS_HOST": "127.0.0.1"}
    with django_db_blocker.unblock(), worker(log, queue=QUEUE, concurrency=2, **listening):
        yield Worker(log, port)


@pytest.fixture
def key() -> str:
    return f"told-{uuid.uuid4().hex}"


def send(customer: Customer, task: Any, key: str) -> None:
    with customer.tenant.entered():
        task.apply_async([key], queue=QUEUE)


@pytest.mark.django_db
def test_what_has_not_failed_yet_is_told_as_none(working: Worker) -> None:
    told_now = working.scrape()
    for task in ("ingestion.ingest_run", "tenants.upkeep"):
        for outcome in ("failure", "killed"):
            found = told_now.value("lastgang_tasks_total", task=task, outcome=outcome)
            assert found == 0, task


@pytest.mark.django_db
def test_tasks_are_counted_whichever_process_did_them(working: Worker, key: str) -> None:
    acme, nordwind = CUSTOMERS["acme"], CUSTOMERS["nordwind"]
    for _ in range(3):
        send(acme, where, key)
        send(nordwind, where, key)
    send(acme, fail, key)
    send(acme, again, key)
    operators.apply_async([key], queue=QUEUE)

    def counts() -> list[float]:
        return [
            working.ended("tests.where", "success"),
            working.ended("tests.fail", "failure"),
            working.ended("tests.again", "retry"),
            working.ended("tests.again", "success"),
            working.ended("tests.operators", "success"),
        ]

    wait_until(lambda: counts() == [6, 1, 2, 1, 1], f"all are counted once: {counts()}")
    told_now = working.scrape()
    seconds = told_now.value("lastgang_task_duration_seconds_count", task="tests.where")
    assert seconds == 6
    # Tasks are told by name alone, so that tenants don't multiply them.
    assert told_now.labels("lastgang_tasks_total", "tenant") == set()
    assert (told_now.value("process_resident_memory_bytes") or 0) > 0


@pytest.mark.django_db
def test_a_process_that_is_killed_is_counted_and_loses_no_counts(working: Worker, key: str) -> None:
    acme = CUSTOMERS["acme"]
    send(acme, where, key)
    wait_until(lambda: told(key), "the first is done")
    before = working.ended("tests.where", "success")
    dying = f"{key}-dying"
    send(acme, die, dying)
    wait_until(lambda: working.ended("tests.die", "success"), "it got through the second time")
    assert len(told(dying)) == 2
    assert working.ended("tests.die", "killed") == 1
    assert working.ended("tests.where", "success") >= before
    # The parent tells of it, which is in no tenant itself.
    [line] = [one for one in working.lines("WorkerLostError") if "level=error" in one]
    assert "tenant=acme" in line
    assert "task=tests.die" in line


@pytest.mark.django_db
def test_a_message_that_is_too_old_is_counted_as_such(working: Worker, key: str) -> None:
    with CUSTOMERS["acme"].tenant.entered():
        where.apply_async([key], queue=QUEUE, expires=-1)
    wait_until(lambda: working.ended("tests.where", "expired") == 1, "it is let go")


@pytest.mark.django_db
def test_a_task_s_lines_name_tenant_task_and_the_request_it_came_from(
    working: Worker, key: str
) -> None:
    with bound_contextvars(request=REQUEST):
        send(CUSTOMERS["nordwind"], fail, key)
    send(CUSTOMERS["nordwind"], where, key)

    def told_failure() -> list[str]:
        return [line for line in working.lines("no_such_table") if REQUEST in line]

    wait_until(told_failure, "the failure is in the log")
    [line] = told_failure()
    for words in ("tenant=nordwind", "task=tests.fail", "task_id=", f"request={REQUEST}"):
        assert words in line
    wait_until(lambda: len(told(key)) == 2, "the other one is done")
    # What comes after it in the same process is of no request.
    assert all(REQUEST not in line for line in working.lines("tests.where"))


@pytest.mark.django_db
def test_a_run_s_lines_name_it_to_the_end_of_its_task(working: Worker, key: str) -> None:
    acme = CUSTOMERS["acme"]
    with acme.tenant.entered():
        ingest_run.apply_async([987_654], queue=QUEUE)
    send(acme, where, key)
    send(acme, where, key)
    wait_until(lambda: len(told(key)) == 2, "all is done")
    # Celery's own line, which comes once the task has returned.
    [line] = [
        one
        for one in working.lines("task=ingestion.ingest_run")
        if "logger=celery.app.trace" in one
    ]
    assert "tenant=acme" in line
    assert "run=987654" in line
    assert all("run=" not in one for one in working.lines("task=tests.where"))
