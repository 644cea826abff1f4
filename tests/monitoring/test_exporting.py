"""What the exporter tells of an installation: each tenant's figures, and who can't be asked."""

import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from ingestion.models import Feed, Gap, Run, Source
from ingestion.tasks import repair_gaps
from meters.models import Register
from monitoring.exporting import InstallationCollector
from notices.models import UNWANTED, Letter
from tenants.lifecycle import suspend
from tenants.models import Tenant
from tests.conftest import Customer
from tests.ingestion.conftest import committed as committed
from tests.ingestion.plant import make_meter, make_source
from tests.monitoring.exposed import Exposed
from tests.tenants.processes import environment, free_port, process, wait_until
from tests.tenants.test_fail_closed import drop

UPSTREAM = "https://upstream.example"


def collector() -> InstallationCollector:
    """Look at each scrape."""
    return InstallationCollector(every=0)


def plant() -> Source:
    """Five meters, in each state one; the well one was read 100 s ago, the failing one 300 s."""
    now = timezone.now()
    meters = {name: make_meter(name) for name in ("well", "failing", "given up", "unread", "off")}
    source = make_source(UPSTREAM, *meters.values())

    def feed(name: str, **values: Any) -> None:
        Feed.objects.filter(meter=meters[name]).update(**values)

    feed("well", last_success_at=now - timedelta(seconds=100))
    feed("failing", last_success_at=now - timedelta(seconds=300), failures=2)
    feed("given up", last_success_at=now - timedelta(days=9), failures=6, given_up_at=now)
    feed("off", is_active=False)
    return source


def test_each_tenant_tells_how_far_behind_it_is(acme: Customer, nordwind: Customer) -> None:
    with acme.tenant.entered():
        plant()
    told = Exposed.of(collector())
    for state in ("well", "failing", "given_up", "unread", "paused"):
        assert told.value("lastgang_feeds", tenant="acme", state=state) == 1, state
        assert told.value("lastgang_feeds", tenant="nordwind", state=state) == 0, state
    # Neither the meter that is given up nor those never read or paused make the tenant late.
    oldest = told.value("lastgang_ingestion_lag_oldest_seconds", tenant="acme")
    median = told.value("lastgang_ingestion_lag_median_seconds", tenant="acme")
    assert oldest is not None
    assert median is not None
    assert 300 <= oldest < 360
    assert median == pytest.approx(oldest - 100)
    # Who has no meters is not late, and not on time either.
    assert told.value("lastgang_ingestion_lag_oldest_seconds", tenant="nordwind") is None
    assert told.value("lastgang_look_ok", of="database") == 1
    assert told.value("lastgang_tenant_look_ok", tenant="acme") == 1


def test_sources_rest_fail_or_are_paused(in_acme: Customer) -> None:
    now = timezone.now()
    make_source(UPSTREAM, name="well")
    make_source(UPSTREAM, name="failing", failures=2)
    make_source(UPSTREAM, name="resting", failures=6, rests_until=now + timedelta(minutes=9))
    # Its rest is over: it is failing until an answer says otherwise.
    make_source(UPSTREAM, name="rested", failures=6, rests_until=now - timedelta(minutes=9))
    make_source(UPSTREAM, name="paused", failures=1, is_active=False)
    told = Exposed.of(collector())
    found = {
        state: told.value("lastgang_sources", tenant="acme", state=state)
        for state in ("well", "failing", "resting", "paused")
    }
    assert found == {"well": 1, "failing": 2, "resting": 1, "paused": 1}


def test_runs_wait_are_under_way_or_paused(in_acme: Customer) -> None:
    now = timezone.now()
    source, paused = make_source(UPSTREAM), make_source(UPSTREAM, is_active=False)

    def run(source: Source, minutes: int, **values: Any) -> None:
        values = {"trigger": Run.Trigger.SCHEDULE} | values
        Run.objects.create(source=source, queued_at=now - timedelta(minutes=minutes), **values)

    run(source, 5)
    # Its worker has died, so it waits as well.
    run(source, 10, state=Run.State.RUNNING, lease_until=now - timedelta(seconds=1))
    run(source, 20, state=Run.State.RUNNING, lease_until=now + timedelta(seconds=30))
    run(paused, 500)
    # Somebody asked for it by hand, paused or not.
    run(paused, 7, trigger=Run.Trigger.ADMIN)
    run(source, 900, state=Run.State.SUCCEEDED)
    told = Exposed.of(collector())
    states = {
        state: told.value("lastgang_runs", tenant="acme", state=state)
        for state in ("waiting", "running", "paused")
    }
    assert states == {"waiting": Run.objects.waiting(now).count(), "running": 1, "paused": 1}
    assert states["waiting"] == 3
    waited = told.value("lastgang_run_waiting_oldest_seconds", tenant="acme")
    assert waited is not None
    assert 600 <= waited < 660


def test_gaps_and_mails_that_are_due(in_acme: Customer) -> None:
    now, meter = timezone.now(), make_meter()
    register = Register.objects.create(meter=meter, obis="1-0:1.29.0*255", interval=900)
    for state in (Gap.State.OPEN, Gap.State.GIVEN_UP):
        Gap.objects.create(
            register=register,
            start=now - timedelta(hours=2),
            stop=now,
            missing=8,
            at_first=8,
            state=state,
        )
    user = User.objects.get(email=in_acme.email)

    def letter(**values: Any) -> None:
        Letter.objects.create(user=user, subject="Meter silent", events=[], **values)

    letter()
    letter(due_at=now + timedelta(hours=1))
    letter(sent_at=now)
    letter(given_up_at=now, error="550 no such mailbox")
    letter(given_up_at=now, error=UNWANTED)
    letter(given_up_at=now - timedelta(days=2), error="550 no such mailbox")
    told = Exposed.of(collector())
    assert told.value("lastgang_gaps_open", tenant="acme") == 1
    assert told.value("lastgang_letters", tenant="acme", state="due") == 1
    assert told.value("lastgang_letters", tenant="acme", state="given_up") == 1


def test_readings_are_counted_as_runs_go_on(in_acme: Customer) -> None:
    begun = Run.objects.create(trigger=Run.Trigger.SCHEDULE, state=Run.State.RUNNING, new=500)
    shown = collector()

    def new() -> float | None:
        return Exposed.of(shown).value("lastgang_readings_total", tenant="acme", outcome="new")

    assert new() == 0
    Run.objects.filter(pk=begun.pk).update(new=700)
    assert new() == 200
    Run.objects.create(
        trigger=Run.Trigger.API, state=Run.State.SUCCEEDED, new=40, rejected=3, retries=2
    )
    Run.objects.filter(pk=begun.pk).update(state=Run.State.PARTIAL)
    told = Exposed.of(shown)
    assert told.value("lastgang_readings_total", tenant="acme", outcome="new") == 240
    assert told.value("lastgang_readings_total", tenant="acme", outcome="rejected") == 3
    assert told.value("lastgang_upstream_retries_total", tenant="acme") == 2
    assert told.value("lastgang_runs_ended_total", tenant="acme", state="partial") == 1
    assert told.value("lastgang_runs_ended_total", tenant="acme", state="succeeded") == 1


def test_a_counter_never_falls_when_old_runs_are_removed(in_acme: Customer) -> None:
    old = timezone.now() - timedelta(days=1)
    shown = collector()

    def total() -> float | None:
        return Exposed.of(shown).value("lastgang_readings_total", tenant="acme", outcome="new")

    assert total() == 0
    expected = 0
    for step in range(1, 6):
        made = Run.objects.create(trigger=Run.Trigger.API, state=Run.State.RUNNING, new=step)
        assert total() == expected + step
        expected += 10 * step
        Run.objects.filter(pk=made.pk).update(
            new=10 * step, state=Run.State.SUCCEEDED, created_at=old
        )
        assert total() == expected
        if step == 3:
            # All of it has been counted, and this is what retention does.
            Run.objects.all().delete()
            assert total() == expected
    assert expected == 150


def test_a_broken_schema_keeps_nobody_else_from_being_told(
    acme: Customer, nordwind: Customer
) -> None:
    with nordwind.tenant.entered():
        plant()
    drop(acme, "ingestion_gap")
    told = Exposed.of(collector())
    assert told.value("lastgang_tenant_look_ok", tenant="acme") == 0
    assert told.value("lastgang_feeds", tenant="acme", state="well") is None
    assert told.value("lastgang_tenant_look_ok", tenant="nordwind") == 1
    assert told.value("lastgang_feeds", tenant="nordwind", state="well") == 1
    assert told.value("lastgang_look_ok", of="database") == 1


def test_a_suspended_tenant_is_told_as_such_and_not_asked(
    acme: Customer, nordwind: Customer
) -> None:
    suspend(acme.tenant, by="a test")
    told = Exposed.of(collector())
    assert told.value("lastgang_tenant_suspended", tenant="acme") == 1
    assert told.value("lastgang_tenant_suspended", tenant="nordwind") == 0
    assert told.labels("lastgang_feeds", "tenant") == {"nordwind"}
    assert told.labels("lastgang_tenant_look_ok", "tenant") == {"nordwind"}


def test_what_is_shown_is_not_asked_for_again_at_once(
    acme: Customer, django_assert_num_queries: Any
) -> None:
    shown = InstallationCollector(every=3600)
    before = Exposed.of(shown)
    with acme.tenant.entered():
        plant()
    with django_assert_num_queries(0):
        again = Exposed.of(shown)
    assert again.samples == before.samples


def test_many_tenants_take_few_queries(
    acme: Customer, nordwind: Customer, django_assert_num_queries: Any
) -> None:
    # The search path, the tenants; a savepoint and its release, two limits of time, one question.
    with django_assert_num_queries(7):
        Exposed.of(collector())


def test_messages_in_the_queue_are_counted(in_acme: Customer) -> None:
    def waiting() -> float | None:
        return Exposed.of(collector()).value("lastgang_queue_messages")

    before = waiting()
    assert before is not None
    repair_gaps.delay()
    assert waiting() == before + 1


def test_redis_gone_is_told(acme: Customer, settings: Any) -> None:
    from config.celery import app

    address = app.conf.broker_read_url
    app.conf.broker_read_url = f"redis://127.0.0.1:{free_port()}/0"
    try:
        told = Exposed.of(collector())
    finally:
        app.conf.broker_read_url = address
    assert told.value("lastgang_look_ok", of="queue") == 0
    assert told.value("lastgang_queue_messages") is None
    assert told.value("lastgang_look_ok", of="database") == 1


def test_the_command_prints_what_there_is(acme: Customer, capsys: Any) -> None:
    call_command("export_metrics", once=True)
    told = Exposed(capsys.readouterr().out)
    assert told.value("lastgang_tenant_look_ok", tenant="acme") == 1
    assert connection.in_atomic_block


def test_the_command_wants_a_port() -> None:
    assert settings.METRICS_PORT == 0
    with pytest.raises(CommandError, match="METRICS_PORT, or --port"):
        call_command("export_metrics")


def test_the_command_serves_until_it_is_stopped(committed: Tenant, tmp_path: Path) -> None:
    """As a process of its own; its scrapes share a connection, which ends with it."""
    port, log = free_port(), tmp_path / "exporter.log"
    name = f"exporter-{port}"
    env = environment(METRICS_HOST="127.0.0.1", METRICS_PORT=str(port), PGAPPNAME=name)

    def scrape() -> Exposed | None:
        try:
            found = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=20)
        except requests.ConnectionError:
            return None
        assert found.status_code == 200, found.text
        return Exposed(found.text)

    def connections() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name]
            )
            return int(cursor.fetchone()[0])

    with process(log, "manage", "export_metrics", env=env) as running:
        told = wait_until(lambda: running.poll() is not None or scrape(), "an answer")
        assert running.poll() is None, log.read_text()
        assert told.value("lastgang_tenant_look_ok", tenant=committed.schema_name) == 1
        assert told.value("lastgang_look_ok", of="queue") == 1
        assert scrape()
        assert connections() == 1
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    wait_until(lambda: connections() == 0, "its connection is closed")
    assert "Stopped by SIGTERM." in log.read_text()
