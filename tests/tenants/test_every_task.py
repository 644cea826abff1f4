"""Every task that the queue knows does its work in the tenant that sent it, and nowhere else.

The registry is walked, and each task is sent through Redis and worked on as a worker does it.
Whoever adds one with arguments is told to say here what they may be.
"""

import inspect
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import transaction

from config.celery import app
from ingestion.models import Run
from tenants.links import tenant_address
from tests.tenants import queued
from tests.tenants.busy import assert_asked_by, busy
from tests.tenants.marks import Marked
from tests.tenants.test_isolation import BOTH_WAYS, pair
from tests.tenants.traces import (
    assert_nothing,
    holdings,
    mail_of,
    operators_holdings,
    standing,
    watched,
)

pytestmark = pytest.mark.django_db


def _of_reset(things: Marked, here: Marked) -> list[tuple[Any, ...]]:
    tenant = here.customer.tenant
    return [(things.customer.email, tenant.name, tenant_address(tenant), "en")]


def _of_runs(things: Marked, _here: Marked) -> list[tuple[Any, ...]]:
    with things.customer.tenant.entered():
        return [(run.pk,) for run in Run.objects.filter(state=Run.State.QUEUED)]


# What tasks take: by the tenant whose things they name, and the tenant that they are sent from.
ARGUMENTS: dict[str, Callable[[Marked, Marked], list[tuple[Any, ...]]]] = {
    "accounts.send_reset": _of_reset,
    "ingestion.ingest_run": _of_runs,
}


def tasks(*, operators: bool) -> list[Any]:
    """Return the tasks that there are, without Celery's own, by name."""
    app.loader.import_default_modules()
    found = [
        task
        for name, task in sorted(app.tasks.items())
        if not name.startswith(("celery.", "tests.")) and task.operators == operators
    ]
    assert len(found) > 3
    return found


def arguments(task: Any, things: Marked, here: Marked) -> list[tuple[Any, ...]]:
    if not inspect.signature(task.run).parameters:
        return [()]
    if task.name not in ARGUMENTS:
        pytest.fail(f"Say in ARGUMENTS of {__name__} what {task.name} takes, so that it is tried.")
    found = ARGUMENTS[task.name](things, here)
    assert found, f"there is nothing that {task.name} could be given"
    return found


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any) -> None:
    settings.SENDS_MAIL = True
    queued.clear()


@contextmanager
def undone() -> Any:
    """Take back what is done to the database meanwhile."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@BOTH_WAYS
def test_a_task_keeps_to_the_tenant_it_was_sent_from(
    marked: tuple[Marked, Marked], way: int, tmp_path: Path
) -> None:
    mine, others = pair(marked, way)
    schema, idle = mine.customer.tenant.schema_name, []
    with busy(*marked) as asked:
        for task in tasks(operators=False):
            for given in arguments(task, mine, mine):
                with undone(), watched(tmp_path, marked) as seen:
                    before, own = standing(others.customer), standing(mine.customer)
                    with mine.customer.tenant.entered():
                        task.apply_async(given)
                    for message, _ in queued.worked_off():
                        assert message.tenant == schema, message
                        assert_nothing(message.text, others, f"a message of {task.name}")
                    assert standing(others.customer) == before, f"{task.name} changed the other"
                    assert_nothing(
                        holdings(mine.customer.tenant), others, f"after {task.name} a table"
                    )
                    assert mine.word not in operators_holdings(), f"{task.name} wrote in public"
                    seen.assert_clean(mine, others)
                    if standing(mine.customer) == own:
                        idle.append((task.name, given))
    assert not idle, "these did nothing, so this test would not notice where they do it"
    assert asked
    assert_asked_by(mine, asked, others)


@BOTH_WAYS
def test_what_another_tenant_has_is_not_found_by_a_task(
    marked: tuple[Marked, Marked], way: int, tmp_path: Path
) -> None:
    mine, others = pair(marked, way)
    with busy(*marked) as asked, watched(tmp_path, marked) as seen:
        before = standing(mine.customer), standing(others.customer)
        for task in tasks(operators=False):
            for given in arguments(task, others, mine):
                if not given:
                    continue
                with mine.customer.tenant.entered():
                    task.apply_async(given)
                sent = [message.task for message, _ in queued.worked_off()]
                assert sent == [task.name], "nothing follows from it"
        assert (standing(mine.customer), standing(others.customer)) == before
        assert asked == []
        assert mail.outbox == []
        seen.assert_log_clean({mine.customer.tenant.schema_name: others}, but=others.customer.email)


def test_the_installations_tasks_keep_tenants_apart(
    marked: tuple[Marked, Marked], tmp_path: Path
) -> None:
    apart = {one.customer.tenant.schema_name: one for one in marked}
    first, second = apart
    of_others = {first: apart[second], second: apart[first]}
    nobody = Marked(marked[0].customer, "nobody", 0, marked[0].own)
    reached = []
    with busy(*marked) as asked:
        for task in tasks(operators=True):
            asked.clear()
            with undone(), watched(tmp_path, marked) as seen:
                task.apply_async()
                for message, _ in queued.worked_off():
                    if message.tenant == "public":
                        assert message.task == task.name
                        for one in marked:
                            assert_nothing(message.text, one, f"a message of {task.name}")
                        continue
                    reached.append((task.name, message.tenant))
                    assert_nothing(message.text, of_others[message.tenant], message.task)
                for schema, others in of_others.items():
                    assert_nothing(
                        holdings(apart[schema].customer.tenant), others, f"after {task.name}"
                    )
                    mails = [one for one in mail.outbox if one.to == [apart[schema].customer.email]]
                    for one in mails:
                        assert_nothing(mail_of(apart[schema].customer, one), others, "a mail")
                    word = apart[schema].word
                    own = [one for one in asked if f"/{word}" in one.path]
                    assert_asked_by(apart[schema], own, others)
                    assert word not in operators_holdings(), f"{task.name} wrote in public"
                assert len(mail.outbox) in {0, 2, 4}, "as many of one as of the other"
                seen.assert_log_clean({**of_others, "public": nobody})
    expected = {(task.name, schema) for task in tasks(operators=True) for schema in apart}
    assert set(reached) == expected, "each task reaches each tenant"
