"""The hypothesis: the recorded meters, what it must not claim, and unseen meters of every kind."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from analytics.hypothesis import Argument, Kind, RegisterLoad, argue
from analytics.hypothesis.reasoning import KINDS
from analytics.hypothesis.remarks import step_of, straightness
from analytics.hypothesis.rules import RULES
from analytics.hypothesis.weights import WEIGHTS
from analytics.methods.load import Load
from benchmarks import hypothesis as proving
from benchmarks.hypothesis_meters import PROOF, draw, loads_of
from ingestion.simulator.meter import SyntheticMeter
from meters.obis import ObisCode
from meters.zones import zone

IMPORT, EXPORT = "0100011D00FF", "0100021D00FF"
ROOT = Path(__file__).resolve().parents[2]
ZURICH = zone("Europe/Zurich")
FEBRUARY = int(datetime(2023, 2, 1, tzinfo=UTC).timestamp())


def recorded(recordings: Path, muid: str, code: str) -> RegisterLoad:
    rows = json.loads((recordings / f"{muid}.json").read_text())["data"][::-1]
    return register(code, np.array([row[code] for row in rows]) * 4)


def register(code: str, power: np.ndarray, start: int = FEBRUARY) -> RegisterLoad:
    known = ~np.isnan(power)
    return RegisterLoad(ObisCode.parse(code), Load(start, 900, power, known, ZURICH))


@pytest.fixture
def import_register(recordings: Path) -> RegisterLoad:
    return recorded(recordings, "95ce3367-cbce-4a4d-bbe3-da082831d7bd", IMPORT)


@pytest.fixture
def export_register(recordings: Path) -> RegisterLoad:
    return recorded(recordings, "1db7649e-9342-4e04-97c7-f0ebb88ed1f8", EXPORT)


def said(argument: Argument, rule: str) -> str:
    (sentence,) = {
        one.sentence
        for statement in argument.statements
        for one in (*statement.evidence_for, *statement.evidence_against)
        if one.rule == rule
    }
    return sentence.replace("\u2009", " ")


# The recordings


def test_the_recorded_import_is_a_households(import_register: RegisterLoad) -> None:
    argument = argue([import_register])
    assert argument.first.kind is Kind.HOUSEHOLD
    assert argument.first.confidence >= 0.5
    assert "−0.075, Bartlett's band ±0.062: no daily habit is proved" in said(argument, "one day")
    assert "The base load is 46" in said(argument, "base load")
    # What speaks against a household is said, too.
    assert {"H0", "time of day"} <= {one.rule for one in argument.first.evidence_against}
    assert argument.remarks.steps == (("1-0:1.29.0*255", pytest.approx(0.0001)),)
    assert not argument.remarks.interpolated
    assert argument.remarks.longitude is None


def test_the_recorded_export_is_photovoltaic_feed_in(export_register: RegisterLoad) -> None:
    argument = argue([export_register])
    assert argument.first.kind is Kind.FEED_IN
    assert argument.first.confidence > 0.9
    assert said(argument, "zero at night").startswith("62.5 % of intervals are zero, 91.4 % of ")
    assert "0.422, Bartlett's band ±0.181: it repeats daily" in said(argument, "one day")
    assert said(argument, "in the dark").startswith("Not one interval after dusk and before dawn")


def test_the_recorded_export_tells_where_it_is(export_register: RegisterLoad) -> None:
    remarks = argue([export_register]).remarks
    where = remarks.longitude
    assert where is not None
    # Against the plain definition.
    energy = export_register.load.energies
    middles = export_register.load.instants + 450
    hours = float((energy * (middles % 86_400)).sum() / energy.sum() / 3600)
    assert where.centre == pytest.approx(hours, abs=1e-6)
    assert round(60 * (where.centre - 11), 1) == 37.4
    assert where.equation == pytest.approx(-13.7, abs=0.4)
    assert where.degrees == pytest.approx(9.1, abs=0.3)
    assert 5 < where.error < 12
    assert remarks.steps == (("1-0:2.29.0*255", pytest.approx(0.00025)),)
    words = " ".join(remarks.sentences).replace("\u2009", " ")
    assert "multiples of 0.25 Wh: 4 000 pulses a kWh, or whole multiples of 1 W" in words
    assert "centred at 11:37 UTC" in words
    assert "noon is then at 9." in words


def test_the_recorded_export_was_interpolated_from_hours(export_register: RegisterLoad) -> None:
    """Not what a meter counted: the second difference vanishes but at full hours."""
    remarks = argue([export_register]).remarks
    assert remarks.interpolated
    power = export_register.load.power * 1000
    bend = np.abs(power[2:] - 2 * power[1:-1] + power[:-2])
    sunny = (power[2:] > 0) & (power[1:-1] > 0) & (power[:-2] > 0)
    at_hour = (np.arange(len(bend)) + 1) % 4 == 0
    assert bend[sunny & ~at_hour].max() <= 2.0001
    assert bend[sunny & at_hour].mean() > 20


# What must not be claimed


def test_without_readings_it_cannot_tell() -> None:
    for registers in ([], [register(IMPORT, np.full(96, np.nan))]):
        argument = argue(registers)
        assert [one.kind for one in argument.statements] == [Kind.CANNOT_TELL]
        assert argument.first.evidence_for[0].sentence.startswith("There are no readings")


def test_six_days_are_too_few(export_register: RegisterLoad) -> None:
    load = export_register.load
    short = replace(
        export_register, load=load.within(FEBRUARY + 3 * 86_400, FEBRUARY + 9 * 86_400 - 1)
    )
    argument = argue([short])
    assert argument.first.kind is Kind.CANNOT_TELL
    assert argument.first.would_settle[1].startswith("At least 7 days of readings; there are 6")
    # The hint is still there.
    assert argument.statements[1].kind is Kind.FEED_IN


def test_a_flat_line_is_a_constant_load() -> None:
    argument = argue([register(IMPORT, np.full(96 * 30, 0.35))])
    assert argument.first.kind is Kind.CONSTANT
    json.dumps(argument.as_json(), allow_nan=False)


def test_a_meter_that_counts_nothing_is_no_kind() -> None:
    argument = argue([register(IMPORT, np.zeros(96 * 30)), register(EXPORT, np.zeros(96 * 30))])
    assert argument.first.kind is Kind.CANNOT_TELL
    assert "every interval is zero" in argument.first.evidence_for[0].sentence
    json.dumps(argument.as_json(), allow_nan=False)


@pytest.mark.parametrize("zone_name", ["UTC", "Etc/GMT+3", "Pacific/Apia", "Australia/Lord_Howe"])
def test_any_zone_is_argued_in(export_register: RegisterLoad, zone_name: str) -> None:
    argument = argue([export_register], zone=zone(zone_name))
    assert sum(one.confidence for one in argument.statements) == pytest.approx(1, abs=0.01)
    if zone_name in {"UTC", "Etc/GMT+3"}:
        missing = [text for one in argument.statements for text in one.would_settle]
        assert any("time zone" in text for text in missing)


def test_what_is_only_taken_is_not_fed_in(export_register: RegisterLoad) -> None:
    """The curve of a roof under a code of import: the hint stays, the claim does not."""
    argument = argue([replace(export_register, code=ObisCode.parse(IMPORT))])
    assert argument.first.kind is Kind.CANNOT_TELL
    assert argument.statements[1].kind is Kind.FEED_IN


def test_values_in_any_order_are_no_loads(export_register: RegisterLoad) -> None:
    order = np.random.default_rng(3).permutation(len(export_register.load))
    argument = argue([register(EXPORT, export_register.load.power[order])])
    assert argument.first.kind is Kind.CANNOT_TELL
    assert "as values in any order would" in said(argument, "neighbours")


def test_tariffs_add_up_and_a_net_register_counts_by_its_sign(
    import_register: RegisterLoad, export_register: RegisterLoad
) -> None:
    power = import_register.load.power
    night = import_register.load.second < 6 * 3600
    tariffs = [
        register("1-0:1.29.1*255", np.where(night, 0, power)),
        register("1-0:1.29.2*255", np.where(night, power, 0)),
    ]
    phases = [register(f"1-0:{c}.29.0*255", power / 3) for c in (21, 41, 61)]
    sample = register("1-0:1.7.0*255", power)
    whole = argue([import_register])
    for registers in (
        tariffs,
        phases,
        [import_register, *tariffs],
        [*phases, sample, import_register],
    ):
        found = argue(registers)
        assert found.first.kind is whole.first.kind
        assert found.first.confidence == pytest.approx(whole.first.confidence, abs=1e-3)
    net = register("1-0:16.29.0*255", power - export_register.load.power)
    apart = [
        register(IMPORT, np.maximum(power - export_register.load.power, 0)),
        register(EXPORT, np.maximum(export_register.load.power - power, 0)),
    ]
    assert argue([net]).first.confidence == argue(apart).first.confidence


# The sentences and the table


def test_statements_are_ranked_told_and_fit_for_json(import_register: RegisterLoad) -> None:
    argument = argue([import_register])
    confidences = [one.confidence for one in argument.statements]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) == pytest.approx(1, abs=0.001)
    assert {one.kind for one in argument.statements} == set(Kind)
    for statement in argument.statements:
        assert statement.would_settle
        for one in (*statement.evidence_for, *statement.evidence_against):
            assert one.sentence.endswith((".", ")")), one.sentence
            assert one.source
        assert all(one.weight > 0 for one in statement.evidence_for)
        assert all(one.weight < 0 for one in statement.evidence_against)
    again = json.loads(json.dumps(argument.as_json(), allow_nan=False))
    assert again["statements"][0]["kind"] == "household"


def test_every_rule_has_a_weight_for_every_class_and_kind() -> None:
    assert [rule.name for rule in RULES] == list(WEIGHTS)
    for rule in RULES:
        assert list(rule.edges) == sorted(rule.edges)
        assert len(WEIGHTS[rule.name]) == len(rule.edges) + 1
        assert all(len(row) == len(KINDS) for row in WEIGHTS[rule.name])
        assert all(abs(weight) <= 2 for row in WEIGHTS[rule.name] for weight in row)
        assert rule.source
        assert rule.needs.endswith(".")


def test_the_heavy_libraries_wait_until_they_are_needed() -> None:
    """pvlib brings scipy along: 65 MB and most of a second that a web process need not have."""
    code = (
        "import sys; import analytics.hypothesis;"
        "print([name for name in ('pvlib', 'scipy', 'demandlib') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


# The remarks


@pytest.mark.parametrize("step", [0.00025, 0.001, 0.01, 0.0001])
def test_the_step_of_a_register_is_found(step: float) -> None:
    meter = SyntheticMeter("m", "household", "H", seed=5, step=step)
    start = datetime(2023, 2, 1, tzinfo=UTC)
    (one,) = loads_of(meter, start, start + timedelta(days=20))
    assert step_of(one.load) == pytest.approx(step)


def test_measured_feed_in_is_not_taken_for_interpolated() -> None:
    roof = SyntheticMeter("m", "photovoltaics", "P", seed=5, scale=8)
    start = datetime(2023, 5, 1, tzinfo=UTC)
    (one,) = loads_of(roof, start, start + timedelta(days=30))
    load = one.load
    assert not straightness(load.power, 900, load.start)[0]
    hourly = load.power.reshape(-1, 4).mean(axis=1)
    at = np.arange(len(load.power)) / 4
    lines = np.round(np.interp(at, np.arange(len(hourly)), hourly), 3)
    assert straightness(lines, 900, load.start)[0]


# Unseen meters


def test_unseen_meters_are_told_apart() -> None:
    """A small part of the proof; `make soak` runs the whole."""
    known = proving.prove(proving.meters(3))
    assert known.right >= 0.8, known.wrong
    assert math.fsum(known.brier) / len(known.brier) <= 0.3
    for cases in (proving.noises(8), proving.shuffles(6), proving.glimpses(7)):
        apart = proving.prove(cases)
        assert apart.abstained >= 0.85, apart.confusion


def test_drawn_meters_are_the_same_for_the_same_number() -> None:
    one, again, other = (draw(PROOF, number, Kind.CHARGING, 10) for number in (4, 4, 5))
    power = one.registers[0].load.power
    assert np.array_equal(power, again.registers[0].load.power, equal_nan=True)
    assert not np.array_equal(power, other.registers[0].load.power, equal_nan=True)


def test_the_proof_is_written_into_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "hypothesis.md"
    page.write_text(f"before\n{proving.BEGIN}\nof last year\n{proving.END}\nafter\n")
    monkeypatch.setattr(proving, "PAGE", page)
    proving.main(["--count", "1"])
    text = page.read_text()
    assert text.startswith(f"before\n{proving.BEGIN}\n7 synthetic meters, 1 of each kind")
    assert text.endswith(f"{proving.END}\nafter\n")
    assert "of last year" not in text
    assert "| three days of each kind | 2 | 100.0% |" in text
    assert "Wrong:" in capsys.readouterr().out


@pytest.mark.soak
def test_three_hundred_unseen_meters() -> None:
    known = proving.prove(proving.meters(48))
    assert known.confusion.sum() >= 300
    assert known.right >= 0.9, known.wrong
    assert np.mean(known.brier) <= 0.15
    for cases in (proving.noises(100), proving.shuffles(100), proving.glimpses(100)):
        apart = proving.prove(cases)
        assert apart.abstained >= 0.95, apart.confusion
