"""`manage.py recut` on the real table: revisions move along, writers wait, nothing is lost."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import User
from ingestion.corrections import Range, delete_readings, restore_readings, set_readings
from ingestion.cutting import UncuttableError
from ingestion.history import history
from ingestion.models import ReadingRevision
from ingestion.recutting import meters_to_recut, recut_meter
from ingestion.store import store
from meters.models import DailyProfile, Meter, Register
from tenants.models import Tenant
from tests.conftest import Customer
from tests.ingestion.plant import JANUARY, QUARTER, batch, check_days, make_meter, stored
from tests.ingestion.record.waiting import in_a_thread, wait_for_a_lock
from tests.meters.test_admin_meters import errors, form

DAY = 86_400


def a_meter(zone: str = "Europe/Zurich", days: int = 4) -> Meter:
    meter = make_meter(zone=zone)
    store(batch(meter.muid, [(JANUARY + i * QUARTER, i / 4) for i in range(days * 96)]))
    return meter


def register_of(meter: Meter) -> Register:
    return Register.objects.select_related("meter").get(meter=meter)


def rows() -> list[tuple[Any, ...]]:
    """Day rows as they are stored, but for their versions; empty ones say nothing."""
    names = ("register_id", "day", "first", "interval", "values", "qualities", "total", "count")
    found = DailyProfile.objects.filter(count__gt=0).order_by("register_id", "day")
    return list(found.values_list(*names, "quality"))


def revisions() -> list[dict[str, Any]]:
    """Revisions as they are kept; one that was joined and divided again has another number."""
    names = [field.attname for field in ReadingRevision._meta.fields if field.name != "id"]
    found = ReadingRevision.objects.order_by("version", "day").values(*names)
    # What is no number is equal to nothing, so it is compared as a word.
    return [{**one, "values": [str(value) for value in one["values"]]} for one in found]


def run(customer: Customer, *arguments: str) -> str:
    told = StringIO()
    connection.set_schema_to_public()
    call_command("recut", "--tenant", customer.tenant.slug, *arguments, stdout=told, stderr=told)
    return told.getvalue()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(
    acts=st.lists(
        st.tuples(
            st.sampled_from(["source", "set", "delete"]),
            st.integers(0, 3 * 96),
            st.integers(1, 120),
        ),
        min_size=1,
        max_size=5,
    ),
    there=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland"]),
)
def test_there_and_back_is_where_one_was(
    in_acme: Customer, acts: list[tuple[str, int, int]], there: str
) -> None:
    meter, author = a_meter(), User.objects.get()
    register = register_of(meter)
    for act, slot, n in acts:
        start = JANUARY + slot * QUARTER
        where = Range(register, start, start + n * QUARTER)
        if act == "source":
            store(batch(meter.muid, [(start + i * QUARTER, 7.0) for i in range(n)]))
        elif act == "set":
            set_readings(where=where, value=9.0, quality=None, author=author, reason="x")
        elif any(where.start <= at < where.end for at in stored(meter.muid)):
            delete_readings(where=where, author=author, reason="x")
    before, readings, kept = rows(), stored(meter.muid), revisions()
    done = recut_meter(meter=meter, timezone=there)
    assert done.days
    assert stored(meter.muid) == readings
    check_days()
    assert Meter.objects.get(pk=meter.pk).timezone == there
    assert _replaced() == {key for one in kept for key in _slots(one)}
    for day in DailyProfile.objects.filter(register=register).values_list("day", flat=True):
        assert history(register_of(meter), day)[-1].readings == {
            at: one for at, one in readings.items() if meter_day(meter, at) == day
        }
    assert recut_meter(meter=meter, timezone=there).days == 0
    recut_meter(meter=meter, timezone="Europe/Zurich")
    assert rows() == before
    assert revisions() == kept
    DailyProfile.objects.all().delete()
    Meter.objects.all().delete()


def meter_day(meter: Meter, at: int) -> object:
    return Meter.objects.get(pk=meter.pk).zone.date_at(at)


def _slots(one: dict[str, Any]) -> set[tuple[Any, ...]]:
    first = int(one["first"].timestamp())
    return {
        (one["version"], first + slot * one["interval"], value if quality else "", quality)
        for slot, value, quality in zip(one["slots"], one["values"], one["qualities"], strict=True)
    }


def _replaced() -> set[tuple[Any, ...]]:
    return {key for one in revisions() for key in _slots(one)}


def test_a_changed_zone_database_is_noticed_and_mended(in_acme: Customer) -> None:
    meter, fine = a_meter(), a_meter(zone="UTC")
    before = stored(meter.muid)
    # What the rows say is as if the zone's midnight had been an hour off.
    Meter.objects.filter(pk=meter.pk).update(timezone="Europe/London")
    version = max(DailyProfile.objects.values_list("version", flat=True))
    told = run(in_acme, "--dry-run")
    assert "nothing was kept" in told
    with in_acme.tenant.entered():
        assert DailyProfile.objects.filter(version__gt=version).count() == 0
    told = run(in_acme)
    assert "Meter: 5 days by Europe/London" in told
    assert "acme: 5 days of 1 meters cut anew" in told
    with in_acme.tenant.entered():
        assert stored(meter.muid) == before
        days = DailyProfile.objects.filter(register__meter=meter).order_by("day")
        assert [row.count for row in days] == [96] * 4
        assert not DailyProfile.objects.filter(register__meter=fine, version__gt=version), (
            "what is cut rightly stays untouched"
        )
    assert "0 days of 0 meters" in run(in_acme)


def test_a_wrong_zone_is_corrected(in_acme: Customer) -> None:
    meter = a_meter()
    run(in_acme, "--meter", str(meter.muid), "--timezone", "UTC", "--dry-run")
    with in_acme.tenant.entered():
        assert Meter.objects.get(pk=meter.pk).timezone == "Europe/Zurich"
    run(in_acme, "--meter", str(meter.muid), "--timezone", "UTC")
    with in_acme.tenant.entered():
        assert Meter.objects.get(pk=meter.pk).timezone == "UTC"
        assert [row.count for row in DailyProfile.objects.order_by("day")] == [96] * 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--timezone", "UTC"], "name the meters"),
        (["--meter", "x"], "no MUID"),
        (["--meter", "00000000-0000-4000-8000-00000000dead"], "has no meter"),
        (
            ["--meter", "00000000-0000-4000-8000-00000000dead", "--timezone", "Europe/Zurch"],
            "did you mean",
        ),
    ],
)
def test_what_is_wrong_is_said(in_acme: Customer, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run(in_acme, *arguments)


def test_what_cannot_be_cut_stays_and_the_others_are_done(in_acme: Customer) -> None:
    odd, good = a_meter(), a_meter()
    late = JANUARY + 10 * DAY + 7
    for day in (0, 1):
        start = late + day * DAY + day
        store(batch(odd.muid, [(start + i * QUARTER, 1.0) for i in range(90)]))
    before = rows()
    Meter.objects.update(timezone="Asia/Kathmandu")
    with pytest.raises(UncuttableError):
        recut_meter(meter=odd)
    with pytest.raises(CommandError, match="1 meters could not"):
        run(in_acme)
    with in_acme.tenant.entered():
        assert [r for r in rows() if r[0] == register_of(odd).pk] == [
            r for r in before if r[0] == register_of(odd).pk
        ]
        assert recut_meter(meter=good).days == 0


def test_restoring_and_holding_go_on_afterwards(in_acme: Customer) -> None:
    meter, author = a_meter(), User.objects.get()
    where = Range(register_of(meter), JANUARY + 90 * QUARTER, JANUARY + 94 * QUARTER)
    done = set_readings(where=where, value=1.5, quality=None, author=author, reason="x")
    recut_meter(meter=meter, timezone="Asia/Kathmandu")
    # The source's old value is still held off.
    sent = [(JANUARY + i * QUARTER, i / 4) for i in range(88, 96)]
    assert store(batch(meter.muid, sent)).counts.unchanged == 8
    for revision in ReadingRevision.objects.filter(version=done.revisions[0].version):
        restore_readings(revision=revision, author=author, reason="x")
    assert stored(meter.muid)[JANUARY + 91 * QUARTER] == (91 / 4, 1)


def test_the_admin_names_the_command(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = a_meter()
        data = form(meter, timezone="UTC")
    response = acme.client().post(f"/admin/meters/meter/{meter.pk}/change/", data)
    assert f"recut --tenant … --meter {meter.muid} --timezone UTC" in errors(response)


def test_a_writer_that_waited_finds_the_new_zone(committed: Tenant) -> None:
    """It has looked for the meter before the zone changed, and got it only afterwards."""
    meter = a_meter()
    sent = batch(meter.muid, [(JANUARY + i * QUARTER, 5.0) for i in range(6 * 96)])
    with transaction.atomic():
        recut_meter(meter=meter, timezone="Asia/Kathmandu")
        thread, told = in_a_thread(committed, lambda: store(sent))
        wait_for_a_lock()
    thread.join()
    [done] = told
    assert done.counts.total == 6 * 96
    assert stored(meter.muid) == {JANUARY + i * QUARTER: (5.0, 1) for i in range(6 * 96)}
    assert recut_meter(meter=meter).days == 0, "all days are cut by the new zone"


def test_killed_it_is_begun_again(in_acme: Customer) -> None:
    """What is done stays done, and what was under way is as it was."""
    meters = [a_meter() for _ in range(3)]
    Meter.objects.update(timezone="UTC")
    before = {meter.muid: stored(meter.muid) for meter in meters}
    recut_meter(meter=meters[0])
    with transaction.atomic():
        recut_meter(meter=meters[1])
        transaction.set_rollback(True)
    left = list(meters_to_recut(list(Meter.objects.order_by("pk"))))
    assert left == meters[1:]
    assert [recut_meter(meter=meter).days for meter in left] == [5, 5]
    assert not list(meters_to_recut(list(Meter.objects.all())))
    assert {meter.muid: stored(meter.muid) for meter in meters} == before
    check_days()
