"""Meters in German: what codes mean, and what is wrong with what was entered."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from meters.health import State
from meters.obis import ObisCode, ObisError
from meters.qualities import Quality, quality_in_words
from meters.ranges import MomentError, parse_moment
from meters.zones import zone


@pytest.fixture(autouse=True)
def german() -> Iterator[None]:
    with translation.override("de"):
        yield


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("1-0:1.29.0*255", "Wirkenergie Bezug, je Intervall"),
        ("1-0:2.8.2*255", "Wirkenergie Einspeisung, Zählerstand, Tarif 2"),
        ("1-0:16.29.0*255", "Wirkenergie Saldo, je Intervall"),
        ("1-0:5.29.0*255", "Blindenergie Quadrant I, je Intervall"),
        ("1-0:21.25.0*255", "Wirkleistung Bezug L1, letzter Mittelwert 3"),
        ("1-0:1.8.0*12", "Wirkenergie Bezug, Zählerstand, Abrechnungsperiode 12"),
        ("1-0:91.7.0*255", "Strom Neutralleiter, Momentanwert"),
        ("8-0:1.0.0*255", "Kaltwasservolumen, Zählerstand"),
        ("7-0:99.1.0*255", "Gas 99.1.0 (nicht gedeutet)"),
    ],
)
def test_a_code_is_read_in_the_language_that_is_spoken_now(text: str, label: str) -> None:
    code = ObisCode.parse(text)
    assert code.label == label
    with translation.override("en"):
        # The meaning is kept, its words are not.
        assert code.label != label
    assert code.label == label


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("F", "1 hexadezimale Ziffer, nötig sind 12"),
        ("FF", "2 hexadezimale Ziffern, nötig sind 12"),
        ("1.8 0", "Ein Leerzeichen gehört nicht hinein"),
        ("1-0:300.8.0", "Gruppe C ist 300, höchstens 255 ist möglich"),
    ],
)
def test_a_wrong_code_is_told_in_german(text: str, reason: str) -> None:
    with pytest.raises(ObisError, match="ist keine OBIS-Kennzahl: ") as raised:
        ObisCode.parse(text)
    assert reason in str(raised.value)


def test_a_wrong_moment_is_told_in_german() -> None:
    with pytest.raises(MomentError, match=r"^„gestern“ ist weder Datum noch Zeit; .* oder "):
        parse_moment("gestern", zone("Europe/Zurich"))


def test_names_of_the_api_are_the_same_in_every_language() -> None:
    assert [quality.label for quality in (Quality.MEASURED, Quality.SUBSTITUTED)] == [
        "measured",
        "substituted",
    ]
    assert quality_in_words("substituted") == "Ersatzwert"
    assert (State.SILENT.value, State.SILENT.label) == ("silent", "verstummt")
    assert {quality_in_words(one.label) for one in Quality} == {
        *("fehlend", "gemessen", "geschätzt", "Ersatzwert", "vorläufig"),
        *("berechnet", "bereinigt", "ohne Angabe"),
    }
