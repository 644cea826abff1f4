"""The watch: who is told what, once, and together."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from ingestion.models import Feed, Run, Source
from meters.models import Meter
from notices.models import Heard, Letter, Preference, Trouble, Watch
from notices.sources import judged
from notices.watching import watch
from tenants.models import Tenant
from tests.conftest import Customer
from tests.meters.stored import make_meter, make_register
from tests.notices.people import (
    DAY,
    HOUR,
    NOW,
    deliver,
    every,
    looked,
    meters_of,
    person,
    ran,
    subjects,
    upstream,
)

MINUTES = timedelta(minutes=1)
SILENT = 3 * DAY  # the health rule's


@pytest.fixture
def tenant(in_acme: Customer) -> Tenant:
    return in_acme.tenant


def test_fifty_meters_that_fall_silent_together_are_one_mail(tenant: Tenant) -> None:
    source = upstream()
    meters = meters_of(source, 50, NOW)
    assert looked(tenant, NOW).open == 0
    falls = NOW + SILENT
    assert every(tenant, 5, falls - HOUR, falls + 3 * HOUR) == 1
    assert subjects() == ["[Acme] 50 meters fell silent"]
    letter = Letter.objects.get()
    assert {event["name"] for event in letter.events} == {meter.name for meter in meters}
    assert letter.created_at - falls >= HOUR, "not at once"
    assert letter.created_at - falls <= HOUR + timedelta(minutes=20)
    # Nothing more while they stay silent.
    assert every(tenant, 60, falls + 3 * HOUR, falls + 10 * DAY) == 0


def test_recovery_is_told_after_fresh_readings_alone(tenant: Tenant) -> None:
    [meter] = meters_of(upstream(), 1, NOW)
    looked(tenant, NOW)
    day = NOW + 4 * DAY
    assert every(tenant, 5, day, day + 2 * HOUR) == 1
    # Old readings come in: late, no longer silent, and not yet well.
    deliver(meter, day - 2 * DAY)
    assert every(tenant, 5, day + 2 * HOUR, day + 6 * HOUR) == 0
    deliver(meter, day + 6 * HOUR)
    assert every(tenant, 5, day + 6 * HOUR, day + 6 * HOUR + 55 * MINUTES) == 0
    assert every(tenant, 5, day + 7 * HOUR, day + 9 * HOUR) == 1
    assert subjects() == [
        "[Acme] meter Meter 00 fell silent",
        "[Acme] meter Meter 00 delivers again",
    ]
    assert not Trouble.objects.exists()


def test_silence_that_is_being_mended_is_not_told(tenant: Tenant) -> None:
    [meter] = meters_of(upstream(), 1, NOW)
    looked(tenant, NOW)
    falls = NOW + SILENT
    assert every(tenant, 5, falls, falls + 50 * MINUTES) == 0
    assert Trouble.objects.count() == 1
    deliver(meter, falls)
    assert every(tenant, 5, falls + 50 * MINUTES, falls + DAY) == 0
    assert not Trouble.objects.exists()
    assert not Letter.objects.exists()


def test_what_was_silent_before_anybody_looked_is_no_news(tenant: Tenant) -> None:
    meters_of(upstream(), 3, NOW - 400 * DAY)
    make_register(make_meter(name="Without readings"))
    assert every(tenant, 30, NOW, NOW + DAY) == 0
    assert not Heard.objects.exists()


def test_meters_that_are_paused_or_removed_are_left_alone(tenant: Tenant) -> None:
    source = upstream()
    paused, removed, _ = meters_of(source, 3, NOW)
    looked(tenant, NOW)
    Feed.objects.filter(meter=paused).update(is_active=False)
    Meter.objects.filter(pk=removed.pk).update(removed_at=NOW + DAY)
    day = NOW + 4 * DAY
    assert every(tenant, 5, day, day + 2 * HOUR) == 1
    assert subjects() == ["[Acme] meter Meter 02 fell silent"]
    # The whole source is paused: the trouble is over, and nobody is told of a recovery.
    Source.objects.update(is_active=False)
    assert every(tenant, 30, day + 2 * HOUR, day + DAY) == 0
    assert not Trouble.objects.exists()


def test_a_meter_that_is_sent_its_readings_is_watched_as_well(tenant: Tenant) -> None:
    meter = make_meter(name="Pushed", timezone="UTC")
    deliver(meter, NOW)
    looked(tenant, NOW)
    day = NOW + 4 * DAY
    assert every(tenant, 5, day, day + 2 * HOUR) == 1


def test_at_most_one_mail_an_hour(tenant: Tenant) -> None:
    source = upstream()
    meters = meters_of(source, 12, NOW)
    for number, meter in enumerate(meters):
        deliver(meter, NOW + number * 10 * MINUTES)
    looked(tenant, NOW + 2 * HOUR)
    falls = NOW + SILENT
    letters = every(tenant, 5, falls, falls + 5 * HOUR)
    assert letters == 3
    told = [event["name"] for letter in Letter.objects.all() for event in letter.events]
    assert sorted(told) == [meter.name for meter in meters], "each once"


# --- Sources ------------------------------------------------------------------------------------


def test_a_source_that_keeps_failing_and_works_again(tenant: Tenant) -> None:
    source = upstream()
    for number in range(3):
        ran(source, Run.State.FAILED, NOW + number * 15 * MINUTES, "It answers 503.")
    assert every(tenant, 5, NOW, NOW + 25 * MINUTES) == 0, "not long enough"
    assert every(tenant, 5, NOW + 30 * MINUTES, NOW + 2 * HOUR) == 1
    [event] = Letter.objects.get().events
    assert event["words"] == "It answers 503."
    later = NOW + 5 * HOUR
    ran(source, Run.State.PARTIAL, later)
    assert every(tenant, 5, later, later + 25 * MINUTES) == 0
    ran(source, Run.State.FAILED, later + 26 * MINUTES, "It answers 503.")
    assert every(tenant, 5, later + 26 * MINUTES, later + 3 * HOUR) == 0, "no flapping"
    ran(source, Run.State.SUCCEEDED, later + 3 * HOUR)
    assert every(tenant, 5, later + 3 * HOUR, later + 5 * HOUR) == 1
    assert subjects() == [
        "[Acme] source Grid operator keeps failing",
        "[Acme] source Grid operator works again",
    ]


@pytest.mark.parametrize(
    ("runs", "keeps_failing", "works"),
    [
        ("", False, False),
        ("s", False, True),
        ("p", False, True),
        ("f", False, False),
        ("ff", False, False),
        ("fff", True, False),
        ("fffs", True, False),
        ("ffs", False, False),
        ("sfff", False, True),
        ("ffsf", False, False),
    ],
)
def test_how_runs_are_judged(runs: str, keeps_failing: bool, works: bool) -> None:
    """Quarter-hourly, the latest first."""
    states = {"s": Run.State.SUCCEEDED, "p": Run.State.PARTIAL, "f": Run.State.FAILED}
    told = [(states[r], NOW - i * 15 * MINUTES, "Why.") for i, r in enumerate(runs)]
    found = judged(told, NOW)
    assert (found.keeps_failing, found.works) == (keeps_failing, works)


def test_daily_sweeps_keep_failing_after_two_days_and_fast_ones_after_half_an_hour() -> None:
    def of(*ages: timedelta) -> bool:
        return judged([(Run.State.FAILED, NOW - age, "") for age in ages], NOW).keeps_failing

    assert not of(timedelta(0), HOUR)
    assert of(timedelta(0), DAY)
    assert not of(*(i * MINUTES for i in range(20)))
    assert of(*(i * MINUTES for i in range(31)))


def test_runs_of_single_meters_and_of_long_ago_tell_nothing(tenant: Tenant) -> None:
    source = upstream()
    for number in range(4):
        run = ran(source, Run.State.FAILED, NOW - HOUR * number)
        Run.objects.filter(pk=run.pk).update(only=[make_meter(name=f"M{number}").muid])
        ran(source, Run.State.FAILED, NOW - 30 * DAY - HOUR * number)
    assert every(tenant, 10, NOW, NOW + DAY) == 0


# --- Who is told --------------------------------------------------------------------------------


def fall_silent(tenant: Tenant) -> None:
    meters_of(upstream(), 2, NOW)
    looked(tenant, NOW)
    every(tenant, 5, NOW + 4 * DAY, NOW + 4 * DAY + 2 * HOUR)


def test_staff_is_told_and_others_who_asked(tenant: Tenant) -> None:
    person("reader@example.com")
    asked = person("asked@example.com")
    Preference.objects.create(user=asked, silent_meters=True, failing_sources=False)
    tired = person("tired@example.com", is_staff=True)
    Preference.objects.create(user=tired, silent_meters=False, failing_sources=True)
    person("gone@example.com", is_staff=True, is_active=False)
    fall_silent(tenant)
    told = set(Letter.objects.values_list("user__email", flat=True))
    assert told == {"admin@acme.localhost", "asked@example.com"}


def test_each_is_told_only_what_they_want(tenant: Tenant) -> None:
    asked = person("asked@example.com")
    Preference.objects.create(user=asked, silent_meters=False, failing_sources=True)
    source = upstream()
    meters_of(source, 1, NOW)
    looked(tenant, NOW)
    day = NOW + 4 * DAY
    for number in range(3):
        ran(source, Run.State.FAILED, day + HOUR - number * 15 * MINUTES, "Down.")
    assert every(tenant, 5, day, day + 2 * HOUR) == 2
    subject = Letter.objects.get(user=asked).subject
    assert subject == "[Acme] source Grid operator keeps failing"
    both = Letter.objects.exclude(user=asked).get().subject
    assert both == "[Acme] source Grid operator keeps failing, meter Meter 00 fell silent"


def test_without_a_mail_server_nothing_piles_up(tenant: Tenant, settings: Any) -> None:
    settings.SENDS_MAIL = False
    fall_silent(tenant)
    assert not Letter.objects.exists()
    assert Trouble.objects.filter(told_at__isnull=False).count() == 2


def test_a_name_adds_no_header_and_a_long_one_is_cut(tenant: Tenant) -> None:
    meter = make_meter(name="Evil\nBcc: all@example.com " + "x" * 70, timezone="UTC")
    Feed.objects.create(meter=meter, source=upstream())
    deliver(meter, NOW)
    looked(tenant, NOW)
    every(tenant, 5, NOW + 4 * DAY, NOW + 4 * DAY + 2 * HOUR)
    [subject] = subjects()
    assert "\n" not in subject
    assert len(subject) <= 200


# --- Killed, and side by side -------------------------------------------------------------------


def test_a_look_is_one_transaction(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off after the letters were written, neither they nor what counts as told is kept."""
    meters_of(upstream(), 2, NOW)
    looked(tenant, NOW)
    falls = NOW + 4 * DAY
    every(tenant, 5, falls, falls + 65 * MINUTES)
    assert Trouble.objects.filter(told_at=None).count() == 2

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("notices.watching._keep", die)
        with pytest.raises(KeyboardInterrupt):
            watch(tenant, falls + 75 * MINUTES)
    assert not Letter.objects.exists()
    assert Trouble.objects.filter(told_at=None).count() == 2
    assert looked(tenant, falls + 80 * MINUTES).letters == 1
    assert looked(tenant, falls + 85 * MINUTES).letters == 0


def test_of_two_workers_one_looks(committed: Tenant) -> None:
    Watch.objects.create()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(f'SET search_path = "{committed.schema_name}"')
            cursor.execute("BEGIN")
            cursor.execute("SELECT * FROM notices_watch FOR UPDATE")
            assert watch(committed, NOW) is None
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert watch(committed, NOW) is not None


def test_letters_are_forgotten_after_a_month(tenant: Tenant) -> None:
    fall_silent(tenant)
    letter = Letter.objects.get()
    Letter.objects.update(sent_at=NOW + 4 * DAY)
    looked(tenant, NOW + 33 * DAY)
    assert Letter.objects.get() == letter
    looked(tenant, NOW + 35 * DAY)
    assert not Letter.objects.exists()


def test_another_tenant_is_told_nothing(acme: Customer, nordwind: Customer) -> None:
    with acme.tenant.entered():
        fall_silent(acme.tenant)
        assert Letter.objects.count() == 1
    with nordwind.tenant.entered():
        assert every(nordwind.tenant, 30, NOW, NOW + 5 * DAY) == 0
        assert not Letter.objects.exists()
        assert not Trouble.objects.exists()


def test_a_look_asks_a_fixed_number_of_questions(
    tenant: Tenant, django_assert_num_queries: Any
) -> None:
    counts = []
    at: datetime = NOW + 4 * DAY
    for number in (2, 10):
        meters_of(upstream(f"Source of {number}"), number, NOW)
        looked(tenant, NOW)
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as asked:
            looked(tenant, NOW + HOUR)
        counts.append(len(asked))
    # One more for the runs of the second source.
    assert counts[1] == counts[0] + 1, at
