"""Sentences and hypotheses in German: whole, without an English word, with the English figures."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import translation

from analytics.hypothesis import Kind, RegisterLoad, argue
from analytics.hypothesis.rules import RULES
from analytics.methods.analysis import analyse
from analytics.methods.annual import Annual
from analytics.methods.anomalies import Kind as Oddity
from analytics.methods.anomalies import anomalies
from analytics.methods.correlation import Habit, Verdict, autocorrelation
from analytics.methods.data_quality import data_quality
from analytics.methods.duration import Histogram
from analytics.methods.echo import Echo
from analytics.methods.grouping import By, group
from analytics.methods.load import Load
from analytics.methods.pattern import decompose
from analytics.methods.spectrum import Period, Spectrum
from analytics.public_holidays import public_holidays
from analytics.sentences import habits, key_figures, loads, trust
from benchmarks.hypothesis_meters import PROOF, draw
from meters.language import _
from meters.obis import ObisCode
from meters.wording import THIN
from meters.zones import zone as zone_of
from tests.analytics.loads import ZURICH, at, load, with_gaps
from tests.analytics.recorded import recorded_export, recorded_import
from tests.analytics.speaking import assert_same, both, texts

IMPORT, EXPORT = ObisCode.parse("0100011D00FF"), ObisCode.parse("0100021D00FF")


def in_german(say: Callable[[], Any]) -> Any:
    with translation.override("de"):
        said = say()
    return said.replace(THIN, " ") if isinstance(said, str) else said


def gamma(n: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2, 0.2, n)


def year() -> Load:
    """A year with gaps, working days, both changes of the clock, and all kinds of oddities."""
    t = np.arange(366 * 96)
    power = (2 + np.sin(2 * np.pi * t / 96)) * np.where(t // 96 % 7 >= 5, 0.3, 1)
    power = with_gaps(power + np.random.default_rng(1).gamma(2, 0.2, len(t)), 0.03)
    power[5000] = 30
    power[9000:9012] = 0.01
    power[12000:12040] = 1.234567
    power[20000] = -1
    return load(power)


LOADS: dict[str, Callable[[], Load]] = {
    "a year": year,
    "three days": lambda: load(gamma(3 * 96)),
    "a constant": lambda: load(np.full(30 * 96, 0.5)),
    "zeros": lambda: load(np.zeros(900)),
    "nothing": lambda: load(np.full(96, np.nan)),
    "no slot": lambda: load(np.zeros(0)),
    "fed in": lambda: load(-gamma(900)),
    "minutes": lambda: load(gamma(900), interval=60, start=at(2024, 10, 20, 22)),
    "hours": lambda: load(gamma(900), interval=3600, start=at(2024, 10, 20, 22)),
    "days": lambda: load(gamma(900), interval=86_400, start=at(2024, 10, 20, 22)),
    "one reading": lambda: load(np.array([0.25])),
    "alternating": lambda: load(np.tile([0.1, 2.0], 48 * 40) + gamma(96 * 40) / 50),
}


@pytest.mark.parametrize("name", LOADS)
def test_every_sentence_says_the_same_in_german(name: str) -> None:
    of = LOADS[name]()
    said = both(lambda: loads.sentences(analyse(of, limit=20.0, corrections=2)))
    assert_same(said)
    for german in said.german.values():
        assert german.endswith(".")
        assert german[0].isupper() or german[0].isdigit()


@pytest.mark.parametrize("read", [recorded_import, recorded_export])
def test_the_recordings_say_the_same_in_german(
    recordings: Path, read: Callable[[Path], Load]
) -> None:
    of = read(recordings)
    assert_same(both(lambda: loads.sentences(analyse(of))))


def test_of_the_recorded_import_in_german(recordings: Path) -> None:
    of = recorded_import(recordings)
    said = {
        name: text.replace(THIN, " ")
        for name, text in in_german(lambda: loads.sentences(analyse(of))).items()
    }
    assert said["daily-habit"] == (
        "Ein Tagesrhythmus ist nicht nachweisbar: Die Korrelation mit dem Vortag ist mit −0,075 "
        "negativ und liegt knapp außerhalb des Zufallsbereichs (±0,062)."
    )
    assert said["annual"].startswith("Ein Jahr aus solchen Wochen ergäbe 1 272 kWh (mit 95 % Sich")
    assert said["annual"].endswith(
        "Messwerte aus Mär–Mai, Jun–Aug und Sep–Nov fehlen; diese Jahreszeiten können abweichen."
    )
    assert said["peak"] == "Die Spitzenlast betrug 3,84 kW (20. Feb. 2023, 16:00)."


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("value", [-0.5, -0.11, 0.05, 0.5])
def test_every_verdict_on_a_habit(verdict: Verdict, value: float) -> None:
    habit = Habit(86_400, value, 0.1, 900, verdict)
    assert_same(both(lambda: [habits.of_daily_habit(habit), habits.of_weekly_habit(habit)]))


@pytest.mark.parametrize("echo", [None, Echo(36_000, 0.25, 0.12)])
def test_a_rhythm_within_the_day_is_told(echo: Echo | None) -> None:
    assert_same(both(lambda: habits.of_echo(echo)))


@pytest.mark.parametrize(
    ("kinds", "verb"), [(1, ""), (2, "daneben tritt "), (3, "daneben treten ")]
)
def test_periods_are_counted(kinds: int, verb: str) -> None:
    periods = tuple(Period(3600.0 * 24 * (n + 1), 0.3 / (n + 1), 0.0) for n in range(kinds))
    found = Spectrum(periods, np.ones(3), np.ones(3), np.ones(3))
    said = both(lambda: habits.of_spectrum(found))
    assert_same(said)
    assert verb in said.german


def test_what_one_value_tells_and_what_several_do() -> None:
    correlation = autocorrelation(load(gamma(900)), 10)
    one = both(lambda: habits.of_partial(np.array([1.0, 0.5, 0.0]), correlation))
    two = both(lambda: habits.of_partial(np.array([1.0, 0.5, 0.4, 0.0]), correlation))
    assert_same(one)
    assert_same(two)
    assert one.german.startswith("Nur der Wert unmittelbar davor (15")
    assert two.german.startswith("Die 2 Werte davor (30")


def test_a_pattern_that_leaves_nothing() -> None:
    """What repeats exactly is explained to the last."""
    days = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 96)
    said = both(lambda: habits.of_pattern(decompose(load(np.tile(days, 4)))))
    assert_same(said)
    assert "es bleibt kein Rest" in said.german
    assert "which leaves nothing" in said.english


@pytest.mark.parametrize("measured", [True, False])
@pytest.mark.parametrize("half", [None, 0.0, 12.0])
@pytest.mark.parametrize("unseen", [(), ("Jun–Aug",), ("Mar–May", "Jun–Aug")])
def test_every_estimate_of_a_year(
    measured: bool, half: float | None, unseen: tuple[str, ...]
) -> None:
    low, high = (None, None) if half is None else (1000 - half, 1000 + half)
    annual = Annual(1000.0, low, high, measured, 5, unseen)
    said = both(lambda: key_figures.of_annual(annual))
    assert_same(said)
    assert ("diese Jahreszeit kann" in said.german) == (len(unseen) == 1 and not measured)


def test_oddities_are_counted_and_named() -> None:
    one = gamma(30 * 96)
    one[1000] = 30
    said = both(lambda: trust.of_anomalies(anomalies(load(one)), load(one)))
    assert_same(said)
    assert said.german.startswith("Auffällig ist 1 Ausreißer nach oben, beginnend am 11. Jan. 2024")
    of = year()
    found = both(lambda: [odd.reason for odd in anomalies(of)])
    assert len(found.german) > 3
    assert_same(found)
    assert_same(both(lambda: [kind.words for kind in Oddity]))
    # The reason is told when the oddity is found, the sentence when it is asked for.
    assert in_german(lambda: trust.of_anomalies(anomalies(of), of)).startswith("Auffällig sind ")


@pytest.mark.parametrize("number", [1, 2])
def test_oddities_of_every_kind_have_a_reason(number: int) -> None:
    """By night this load never varies, so that what comes then is no multiple of the usual."""
    power = np.tile(np.r_[np.zeros(32), np.ones(64)], 30) * (5 + gamma(30 * 96))
    power[96 * 8 + 10] = 400
    for day in range(number):
        power[96 * (10 + day) + 60] = 0.001
    quiet = 5 + gamma(30 * 96)
    for day in range(number):
        quiet[96 * (12 + day) : 96 * (12 + day) + 8] = 0.0
    reasons = []
    for of in (load(power), load(quiet)):
        found = both(lambda: [odd.reason for odd in anomalies(of)])  # noqa: B023 - called at once
        assert_same(found)
        assert_same(both(lambda: trust.of_anomalies(anomalies(of), of)))  # noqa: B023
        reasons += found.german
    told = " ".join(reasons)
    for part in ("400 kW; um 02:30 sind 0 W üblich.", "Nur ", " lang; üblich sind selbst in "):
        assert part in told.replace(THIN, " ")


def test_what_is_missing_is_counted() -> None:
    power = gamma(960)
    power[100] = np.nan
    of = load(power)
    assert in_german(lambda: trust.of_quality(data_quality(of, 1), ZURICH)) == (
        "1 von 960 Intervallen fehlt (zu 99,9 % vollständig). Die längste Lücke reicht vom "
        "2. Jan. 2024, 01:00 bis zum 2. Jan. 2024, 01:15 (1 Intervall). "
        "1 Messwert wurde nachträglich korrigiert."
    )
    power[100:104] = np.nan
    doubtful = replace(load(power), measured=np.arange(960) > 500)
    said = both(lambda: trust.of_quality(data_quality(doubtful), ZURICH))
    assert_same(said)
    assert "4 von 960 Intervallen fehlen" in said.german.replace(THIN, " ")
    assert "sind geschätzt" in said.german
    assert_same(both(lambda: trust.of_quality(data_quality(doubtful, 0), ZURICH)))


@pytest.mark.parametrize("zeros", [0, 5])
def test_powers_are_told_with_their_zeros(zeros: int) -> None:
    found = Histogram(np.array([0.0, 1.0, 2.0]), np.array([3, 2]), zeros)
    assert_same(both(lambda: loads.of_histogram(found)))


@pytest.mark.parametrize("by", By)
def test_groups_are_named_in_the_language_that_is_spoken(by: By) -> None:
    of = load(gamma(366 * 96))
    assert_same(both(lambda: [*group(of, by).labels, loads.of_grouping(group(of, by))]))


@pytest.mark.parametrize("days", [1, 2, 365])
@pytest.mark.parametrize("zone", ["Europe/Zurich", "Europe/London", "UTC"])
def test_holidays_are_counted_and_their_country_is_named(zone: str, days: int) -> None:
    first = date(2024, 12, 25)
    found = public_holidays(zone, first, first + timedelta(days=days - 1))
    said = both(lambda: found.words)
    assert_same(said)
    assert ("Schweiz" in said.german) == (zone == "Europe/Zurich")


# The hypothesis


def told(registers: list[RegisterLoad]) -> list[Any]:
    argument = argue(registers)
    return [
        [
            [one.title, *one.would_settle],
            [(e.sentence, e.source) for e in (*one.evidence_for, *one.evidence_against)],
        ]
        for one in argument.statements
    ] + list(argument.remarks.sentences)


@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CANNOT_TELL])
def test_every_argument_says_the_same_in_german(kind: Kind, number: int) -> None:
    registers = list(draw(PROOF, number, kind, 60).registers)
    assert_same(both(lambda: told(registers)))


def test_what_is_argued_of_the_recordings_says_the_same_in_german(recordings: Path) -> None:
    taken = RegisterLoad(IMPORT, recorded_import(recordings))
    given = RegisterLoad(EXPORT, recorded_export(recordings))
    order = np.random.default_rng(3).permutation(given.load.power)
    shuffled = RegisterLoad(EXPORT, load(order))
    brief = RegisterLoad(IMPORT, taken.load.within(taken.load.start, taken.load.start + 86_400))
    for registers in ([taken], [given], [taken, given], [shuffled], [brief]):
        assert_same(both(lambda: told(registers)))  # noqa: B023 - called at once
    said = in_german(lambda: " ".join(argue([given]).remarks.sentences).replace(THIN, " "))
    assert "Vielfache von 0,25 Wh: 4 000 Impulse je kWh oder ganze Vielfache von 1 W" in said
    assert "Mittag ist dann bei 9,1° O, mit einer Unsicherheit von 7°" in said
    evidence = in_german(
        lambda: [e.sentence for s in argue([given]).statements for e in s.evidence_for]
    )
    assert any("über Zürich" in sentence for sentence in evidence)


def test_feed_in_of_another_place_and_without_a_zero_by_day() -> None:
    """At noon in Halifax the sun stands over the west of the Atlantic."""
    hours = np.arange(30 * 96) % 96 / 4
    roof = np.maximum(np.sin((hours - 10) / 12 * np.pi), 0.0) * (1 + gamma(30 * 96) / 10)
    start = int(datetime(2024, 3, 20, tzinfo=UTC).timestamp())
    of = [RegisterLoad(EXPORT, load(roof, start=start, place=zone_of("America/Halifax")))]
    said = both(lambda: told(of))
    assert_same(said)
    sentences = " ".join(texts(said.german)).replace(THIN, " ")
    assert "° W, mit einer Unsicherheit von" in sentences


@pytest.mark.parametrize("registers", [[], [np.zeros(900)], [np.array([0.1])]])
def test_what_cant_be_argued_says_the_same_in_german(registers: list[np.ndarray]) -> None:
    given = [RegisterLoad(IMPORT, load(power, interval=300)) for power in registers]
    assert_same(both(lambda: told(given)))


@pytest.mark.parametrize("step", [0.001, 0.00025, 0.0003, 0.007, 0.01])
def test_a_step_is_written_with_the_digits_that_it_has(step: float) -> None:
    power = np.random.default_rng(1).integers(1, 90, 900) * step * 4
    assert_same(both(lambda: list(argue([RegisterLoad(IMPORT, load(power))]).remarks.sentences)))


def test_every_rule_says_in_german_what_it_needs() -> None:
    assert_same(both(lambda: [_(rule.needs) for rule in RULES]))


def test_dark_and_light_months_are_compared() -> None:
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    of = [RegisterLoad(IMPORT, load(1 + gamma(96 * 300), start=start))]
    said = both(lambda: told(of))
    assert_same(said)
    assert any("An den kürzesten Tagen ist die Leistung" in text for text in texts(said.german))
