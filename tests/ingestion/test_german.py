"""Ingestion in German: pages speak it, and what is put on record stays English."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from ingestion.breaker import resting, told
from ingestion.erasing import erase_meter
from ingestion.inbox import Upload
from ingestion.models import Erasure, Outcome, RejectedReading, Run, Source
from ingestion.progress import left_in_words
from ingestion.registration import register_meters
from ingestion.steering import cancel_run
from ingestion.store import store
from ingestion.uploads import preview
from meters.models import Meter
from meters.wording import THIN
from tests.conftest import Customer
from tests.ingestion.doors.test_folded import DAY, ENDS, LONDON, lines, series, take
from tests.ingestion.plant import JANUARY, batch, make_meter, make_source
from tests.ingestion.test_registration import FILE, ONE
from tests.ingestion.test_upload_page import bring, say, text_of

SPRING = b"""Zeit;kWh
26.03.2023 01:45;1
26.03.2023 02:15;2
26.03.2023 03:00;x
26.03.2023 04:00;1
26.03.2023 04:15;1
26.03.2023 04:30;1
"""
NOON = datetime(2023, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def meter(in_acme: Customer) -> Meter:
    return make_meter("Bäckerei")


@pytest.fixture
def client(in_acme: Customer) -> Client:
    client = in_acme.client()
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    return client


@pytest.fixture
def german() -> Iterator[None]:
    with translation.override("de"):
        yield


def test_what_is_refused_is_shown_in_german_and_kept_in_english(
    client: Client, meter: Meter
) -> None:
    address = bring(client, SPRING)
    page = say(client, address, meter="Bäckerei", timezone="Europe/Zurich")
    assert "die Uhr in Europe/Zurich hat sie nie gezeigt" in page
    assert "„x“ ist keine Zahl" in page
    assert "4 Messwerte speichern" in page
    assert "26. März 2023 in Europe/Zurich, die Uhr wird vorgestellt" in page
    assert "Der Tag hat 23 Stunden" in page
    report = client.post(f"{address}store/", follow=True)
    said = "4 neu, 0 korrigiert, 0 unverändert, 2 zurückgewiesen."
    assert said in text_of(report)
    assert set(RejectedReading.objects.values_list("words", flat=True)) == {
        "the clock of Europe/Zurich never showed it: clocks went forward over it",
        "“x” is not a number",
    }
    # The same again in English is the same: it is only counted.
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    again = bring(client, SPRING)
    say(client, again, meter="Bäckerei", timezone="Europe/Zurich")
    client.post(f"{again}store/")
    assert set(RejectedReading.objects.values_list("times", flat=True)) == {2}


def test_warnings_and_errors_of_an_upload_are_kept_in_english(client: Client, meter: Meter) -> None:
    address = bring(client, b"Zeit;kWh\n01.01.2123 00:00;1\n01.01.2123 00:15;1\n")
    page = say(client, address, meter="Bäckerei", timezone="Europe/Zurich")
    assert "Kein einziger Messwert ließ sich speichern." in page
    report = client.post(f"{address}store/", follow=True)
    error = "Not one reading could be stored."
    assert Run.objects.get().error == error
    assert f'<p lang="en">{error}</p>' in report.content.decode()
    twice = ["2023-01-01T00:00Z;1", "2023-01-01T00:00Z;2", "2023-01-01T00:15Z;1"]
    address = bring(client, "\n".join(["Zeit;kWh", *twice]).encode())
    say(client, address, meter="Bäckerei")
    client.post(f"{address}store/")
    [warning] = Outcome.objects.exclude(warnings=[]).get().warnings
    assert "came twice with different values" in warning


def test_a_file_that_can_not_be_stored_says_why_in_german(client: Client, meter: Meter) -> None:
    address = bring(client, SPRING)
    stored_anyway = client.post(f"{address}store/", follow=True)
    page = text_of(stored_anyway)
    assert "Es wurde nichts gespeichert." in page
    assert "Die Zeitangaben haben keinen UTC-Versatz." in page
    assert not Run.objects.exists()


def test_a_rehearsal_in_german_leaves_no_word(meter: Meter, client: Client) -> None:
    bring(client, SPRING)
    kept = Upload.objects.get()
    kept.choices = {"meter": str(meter.muid), "timezone": "Europe/Zurich"}
    with translation.override("de"):
        found = preview(kept, worker="tester")
    assert all("„" in one.words or "Uhr" in one.words for one in found.refused)
    assert not RejectedReading.objects.exists()


def test_the_log_of_a_registration_is_english(client: Client, in_acme: Customer) -> None:
    make_source("https://portal.example", name="Portal")
    register_meters(FILE.encode("cp1252"), default_zone="Europe/Berlin")
    file = SimpleUploadedFile("meters.csv", f"muid;name;site\n{ONE};Neu;Halle\n".encode())
    response = client.post("/ingestion/register/", {"file": file, "register": ""})
    page = text_of(response)
    assert "name war Bäckerei; site war Mühle" in page
    assert "Die Zähler sind angelegt." in page
    message = LogEntry.objects.get().change_message
    assert message == "From a file: name was Bäckerei; site was Mühle."


def test_who_cancels_a_run_in_german_leaves_an_english_record(
    client: Client, in_acme: Customer, meter: Meter
) -> None:
    source = make_source("https://upstream.example", meter)
    run = Run.objects.create(source=source, trigger=Run.Trigger.ADMIN)
    page = text_of(client.post(f"/ingestion/runs/{run.pk}/cancel/", follow=True))
    assert f"Abruf {run.pk} ist abgebrochen." in page
    run.refresh_from_db()
    assert run.error == f"Cancelled by {in_acme.email}. What was stored stays."


@pytest.mark.usefixtures("german")
def test_what_was_erased_is_recorded_in_english_and_told_in_german(meter: Meter) -> None:
    store(batch(meter.muid, [(JANUARY + n * 900, 1.0) for n in range(1200)]))
    erase_meter(muid=meter.muid, person="a@b.ch", reason="Antrag 7")
    erasure = Erasure.objects.get()
    assert erasure.counts["readings"] == 1200
    assert "stored days" in erasure.counts
    assert erasure.told.startswith(f"Messwerte: 1{THIN}200, gespeicherte Tage: ")


@pytest.mark.usefixtures("german", "in_acme")
def test_a_source_that_is_left_alone() -> None:
    source = Source(failures=5, rests_until=NOON + timedelta(days=1), last_failure="It is down.")
    words = resting(source, "Europe/Zurich", NOON)
    assert words == (
        "Bis 2. Juli 14:00 (Europe/Zurich) nicht gefragt, weil 5 Antworten in Folge "
        "fehlgeschlagen sind:"
    )
    assert told(source, "Europe/Zurich", NOON) == f"{words} It is down."


@pytest.mark.usefixtures("german", "in_acme")
def test_a_run_names_itself_and_its_state() -> None:
    run = Run.objects.create(trigger=Run.Trigger.SCHEDULE)
    assert (str(run), run.get_trigger_display()) == (f"Abruf {run.pk}", "nach Plan")
    assert cancel_run(run=run, person="x").get_state_display() == "abgebrochen"
    assert run.origin == "gelöschte Quelle"


@pytest.mark.usefixtures("german")
def test_days_that_end_at_midnight_are_understood_in_german_too() -> None:
    found = take(lines(ENDS, (1200012345678, "13/06/2023", *DAY)))
    with translation.override("en"):
        assert series(found) == series(take(lines(ENDS, (1, "13/06/2023", *DAY)), LONDON))


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "noch etwa eine Minute"), (5, "noch etwa 5 Minuten"), (3000, "noch etwa 2 Tage")],
)
def test_how_long_a_run_takes_still(minutes: int, words: str) -> None:
    assert left_in_words(timedelta(minutes=minutes)) == words


def test_one_and_many(client: Client, meter: Meter) -> None:
    store(batch(meter.muid, [(JANUARY, 1.0), (JANUARY + 900, 1.0)]))
    address = f"/ingestion/meters/{meter.muid}/readings/correct/"
    said = {"start": "2023-01-01T00:00Z", "act": "delete", "reason": "Probe"}
    one = client.post(address, said | {"end": "2023-01-01T00:15Z"})
    assert "1 Intervall enthielte danach etwas anderes." in text_of(one)
    assert "1 Messwert löschen" in text_of(one)
    both = client.post(address, said | {"end": "2023-01-01T00:30Z"})
    assert "2 Intervalle enthielten danach etwas anderes." in text_of(both)
    assert "2 Messwerte löschen" in text_of(both)
