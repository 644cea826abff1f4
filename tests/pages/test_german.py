"""What the pages of meters and sites say in German: plurals, dates, and names within a sentence."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone, translation

from analytics.pages.cards import completeness_tile, days_before, named_within, straddling_words
from ingestion.models import Feed, Source
from meters.models import Site
from meters.obis import Direction
from meters.qualities import Quality
from meters.zones import DAY, zone
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT, Customer
from tests.meters.stored import (
    EXPORT,
    IMPORT,
    Readings,
    at,
    make_meter,
    make_register,
    store_recordings,
    write,
)
from tests.pages.test_pages import text_of

HOME = "Europe/Zurich"


@pytest.fixture
def reader(acme: Customer) -> Client:
    client = acme.client()
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    return client


@pytest.mark.parametrize(
    ("words", "one", "several"),
    [
        (days_before, "am Tag davor", "in den 28 Tagen davor"),
        (
            lambda count: straddling_words(count).partition(", ")[2],
            "in dem es beginnt, und wird dort gezählt.",
            "in dem sie beginnen, und werden dort gezählt.",
        ),
        (
            lambda count: completeness_tile(96 - count, 96, count)["change"],
            "1 von 96 Intervallen fehlt",
            "28 von 96 Intervallen fehlen",
        ),
    ],
)
def test_one_is_told_from_several(words: Any, one: str, several: str) -> None:
    with translation.override("de"):
        assert words(1) == one
        assert words(28) == several


def test_german_nouns_keep_their_capital_within_a_sentence() -> None:
    assert named_within(Direction.IMPORT) == "import"
    with translation.override("de"):
        assert named_within(Direction.IMPORT) == "Bezug"
        assert named_within(Direction.NET) == "Bezug minus Einspeisung"


def test_a_day_far_off_the_usual(reader: Client, acme: Customer) -> None:
    place = zone(HOME)
    midnight = place.midnight(place.date_at(int(timezone.now().timestamp())))
    readings = Readings.steady(midnight - 40 * DAY, midnight, value=0.1)
    yesterday = place.midnight(place.date_at(midnight - 1))
    readings.values[readings.instants >= yesterday] = 1.0
    with acme.tenant.entered():
        write(make_register(make_meter(name="Rohrbruch")), readings)
    [row] = reader.get("/").context["odd"]["rows"]
    assert row["state"] == "ungewöhnlich"
    assert re.match(r"(\w+tag|Mittwoch), \d+\. [A-Z]", row["words"])
    assert "Bezug von " in row["words"]
    assert ", das 10,0-Fache der üblichen " in row["words"]
    assert re.search(r"\(Median der \d+ (Werktage|Wochenendtage) davor\)\.$", row["words"])


def test_a_comparison_names_its_range(reader: Client, acme: Customer) -> None:
    start = at("2024-10-01", HOME)
    readings = Readings.steady(start, at("2024-10-11", HOME), value=0.1)
    readings.values[readings.instants >= at("2024-10-06", HOME)] = 0.2
    with acme.tenant.entered():
        meter = make_meter(name="Mühle")
        write(make_register(meter), readings)
    path = f"/meters/{meter.muid}/?compare=before&"
    page = reader.get(path + "start=2024-10-06&end=2024-10-11")
    assert page.context["curve"].chart.sentence == (
        "Bezug: 96,00\u2009kWh, 100\u2009% mehr als im Zeitraum vom 1. bis 5. Oktober 2024 "
        "(48,00\u2009kWh)."
    )
    [note] = [one for one in page.context["curve"].chart.notes if "Wochentage" in one]
    assert note == (
        "Die Wochentage stimmen nicht überein: Der 6. Oktober 2024 war ein Sonntag, der "
        "1. Oktober 2024 ein Dienstag."
    )
    page = reader.get(path + "start=2024-10-06&end=2024-10-07")
    assert "mehr als am 5. Oktober 2024 (" in page.context["curve"].chart.sentence
    assert page.context["tiles"][0]["change"] == "100\u2009% mehr als am Tag davor"


def test_a_table_names_qualities(reader: Client, acme: Customer) -> None:
    start = at("2024-10-01", HOME)
    readings = Readings.steady(start, start + 2 * DAY, value=1.25)
    readings.qualities[1:4] = Quality.ESTIMATED
    with acme.tenant.entered():
        meter = make_meter()
        write(make_register(meter), readings)
    page = reader.get(
        f"/meters/{meter.muid}/?table=1&resolution=PT1H&start=2024-10-01&end=2024-10-03"
    )
    table = page.context["curve"].table
    assert [head for head, _ in table.heads] == ["kWh", "kW", "Messwerte", "Qualität"]
    time, cells = table.rows[0]
    assert time.startswith("Di. 1. Okt. 2024, 00:00")
    assert [text for text, _ in cells] == ["5", "5", "4 von 4", "1 gemessen, 3 geschätzt"]


def test_self_consumption_is_stated(reader: Client, acme: Customer) -> None:
    start, end = at("2024-10-20", HOME), at("2024-10-30", HOME)
    with acme.tenant.entered():
        site = Site.objects.create(name="Mühlegasse 4")
        for name, codes in (("Netz", {IMPORT: 0.1, EXPORT: 0.2}), ("Dach", {EXPORT: 0.3})):
            meter = make_meter(name=name, site=site)
            for obis, value in codes.items():
                write(make_register(meter, obis), Readings.steady(start, end, value=value))
    page = reader.get(f"/sites/{site.pk}/?start=2024-10-20&end=2024-10-30")
    # Ten days with the 25 hours of the last Sunday of October have 964 quarter-hours.
    assert page.context["balance"].words == (
        "Von 289,2 kWh Erzeugung wurden 96,40 kWh vor Ort verbraucht und 192,8 kWh eingespeist "
        "(20. bis 29. Oktober 2024). Mit 96,40 kWh aus dem Netz wurden insgesamt 192,8 kWh "
        "verbraucht, davon 50,0\u2009% aus der eigenen Erzeugung."
    )
    said = text_of(page)
    assert "Bezug und Einspeisung zählt am Netzanschluss Netz, die Erzeugung Dach." in said
    assert "per Saldo ins Netz eingespeist" in said


def test_why_self_consumption_cannot_be_stated(reader: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        site = Site.objects.create(name="Mühlegasse 4")
        register = make_register(make_meter(name="Dach", site=site), EXPORT)
        write(register, Readings.steady(at("2024-10-20", HOME), at("2024-10-30", HOME)))
    words = reader.get(f"/sites/{site.pk}/").context["balance"].words
    assert words == (
        "Der Eigenverbrauch lässt sich nur angeben, wenn ein Zähler am Netzanschluss Bezug und "
        "Einspeisung zählt; hier tut das keiner."
    )


def test_an_error_of_a_source_stays_english(reader: Client, acme: Customer) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        source = Source.objects.create(name="Netzbetreiber", address="https://meters.example.com")
        Feed.objects.create(meter=meter, source=source, last_error="It did not answer.")
    html = reader.get(f"/meters/{meter.muid}/").content.decode()
    assert re.search(r'<dd lang="en">\s*It did not answer\.\s*</dd>', html)


# --- The report ---------------------------------------------------------------------------------


def words_of_scripts(html: str) -> Any:
    found = re.search(r'<script id="words" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_report_is_in_the_readers_language(
    reader: Client, acme: Customer, recordings: Path
) -> None:
    store_recordings(acme, recordings)
    html = reader.get(f"/meters/{RECORDED_IMPORT}/report/").content.decode()
    assert '<html lang="de"' in html
    assert "Was dieser Zähler misst" in html
    assert words_of_scripts(html)["wholeRange"] == "Ganzer Zeitraum"
    english = acme.client().get(f"/meters/{RECORDED_IMPORT}/report/").content.decode()
    assert '<html lang="en"' in english
    assert words_of_scripts(english)["wholeRange"] == "Whole range"


@pytest.mark.parametrize(
    ("of_tenant", "asked", "language"),
    [("", [], "en"), ("de", [], "de"), ("de", ["--language", "en"], "en")],
)
def test_the_command_speaks_as_asked(
    acme: Customer, recordings: Path, of_tenant: str, asked: list[str], language: str
) -> None:
    store_recordings(acme, recordings)
    acme.tenant.language = of_tenant
    acme.tenant.save()
    out = StringIO()
    call_command(
        *("report", "--tenant", "acme", "--meter", str(RECORDED_EXPORT), "--output", "-"),
        *asked,
        stdout=out,
    )
    assert f'<html lang="{language}"' in out.getvalue()
    assert translation.get_language() == settings.LANGUAGE_CODE
