"""OBIS codes: notations, meanings, and the promise never to sum what must not be summed."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.obis import (
    Aggregation,
    Direction,
    Medium,
    ObisCode,
    ObisError,
    Phase,
    Quantity,
    ValueKind,
)

PAGE = Path(__file__).parents[2] / "docs" / "obis.md"
groups = st.integers(0, 255)
codes = st.builds(ObisCode, groups, groups, groups, groups, groups, groups)

# code, label, unit, aggregation
REAL_CODES = [
    ("1-0:1.29.0*255", "Active energy import, per interval", "kWh", "sum"),
    ("1-0:2.29.0*255", "Active energy export, per interval", "kWh", "sum"),
    ("1-0:1.29.1*255", "Active energy import, per interval, tariff 1", "kWh", "sum"),
    ("1-0:1.29.255*255", "Active energy import, per interval", "kWh", "sum"),
    ("1-0:1.30.0*255", "Active energy import, per interval 2", "kWh", "sum"),
    ("1-1:16.29.0*255", "Active energy net, per interval", "kWh", "sum"),
    ("1-0:21.29.0*255", "Active energy import L1, per interval", "kWh", "sum"),
    ("1-0:8.29.0*255", "Reactive energy quadrant IV, per interval", "kvarh", "sum"),
    ("1-0:4.29.0*255", "Reactive energy export, per interval", "kvarh", "sum"),
    ("1-0:10.29.0*255", "Apparent energy export, per interval", "kVAh", "sum"),
    ("1-0:1.8.0*255", "Active energy import, meter reading", "kWh", "advance"),
    ("1-0:1.8.2*255", "Active energy import, meter reading, tariff 2", "kWh", "advance"),
    ("1-0:2.8.0*255", "Active energy export, meter reading", "kWh", "advance"),
    ("1-0:15.8.0*255", "Active energy absolute, meter reading", "kWh", "advance"),
    ("1-0:62.8.0*255", "Active energy export L3, meter reading", "kWh", "advance"),
    ("1-0:3.8.0*255", "Reactive energy import, meter reading", "kvarh", "advance"),
    ("1-0:6.8.0*255", "Reactive energy quadrant II, meter reading", "kvarh", "advance"),
    ("1-0:19.8.0*255", "Active energy quadrant III, meter reading", "kWh", "advance"),
    ("1-0:1.17.0*255", "Active energy import, meter reading at interval end", "kWh", "advance"),
    ("1-0:1.8.0*12", "Active energy import, meter reading, billing period 12", "kWh", "none"),
    ("1-0:1.9.1*255", "Active energy import, billing period to date, tariff 1", "kWh", "none"),
    ("1-0:1.19.0*255", "Active energy import, billing period to interval end", "kWh", "none"),
    ("1-0:1.10.0*255", "Active energy import, excess over a threshold", "kWh", "none"),
    ("1-0:1.7.0*255", "Active power import, instantaneous", "kW", "mean"),
    ("1-0:16.7.0*255", "Active power net, instantaneous", "kW", "mean"),
    ("1-0:36.7.0*255", "Active power net L1, instantaneous", "kW", "mean"),
    ("1-0:41.7.0*255", "Active power import L2, instantaneous", "kW", "mean"),
    ("1-0:4.7.0*255", "Reactive power export, instantaneous", "kvar", "mean"),
    ("1-0:69.7.0*255", "Apparent power import L3, instantaneous", "kVA", "mean"),
    ("1-0:1.4.0*255", "Active power import, current average", "kW", "mean"),
    ("1-0:1.15.0*255", "Active power import, last average 2", "kW", "mean"),
    ("1-0:32.27.0*255", "Voltage L1, current average 5", "V", "mean"),
    ("1-0:1.6.2*255", "Active power import, maximum, tariff 2", "kW", "max"),
    ("1-0:1.6.0*1", "Active power import, maximum, billing period 1", "kW", "none"),
    ("1-0:32.53.0*255", "Voltage L1, maximum per interval", "V", "max"),
    ("1-0:32.23.0*255", "Voltage L1, minimum 3", "V", "min"),
    ("1-0:2.12.0*255", "Active power export, cumulative maximum 2", "kW", "none"),
    ("1-0:1.0.0*255", "Active power import, billing period average", "kW", "none"),
    ("1-0:31.7.0*255", "Current L1, instantaneous", "A", "mean"),
    ("1-0:11.7.0*255", "Current any phase, instantaneous", "A", "mean"),
    ("1-0:91.7.0*255", "Current neutral, instantaneous", "A", "mean"),
    ("1-0:72.7.0*255", "Voltage L3, instantaneous", "V", "mean"),
    ("1-0:53.7.0*255", "Power factor L2, instantaneous", "", "mean"),
    ("1-0:84.7.0*255", "Power factor export, instantaneous", "", "mean"),
    ("1-0:14.7.0*255", "Frequency, instantaneous", "Hz", "mean"),
    ("5-0:1.0.0*255", "Cooling energy, meter reading", "kWh", "advance"),
    ("6-0:1.0.0*255", "Heat energy, meter reading", "kWh", "advance"),
    ("6-0:1.0.1*255", "Heat energy, meter reading, tariff 1", "kWh", "advance"),
    ("7-20:3.0.0*255", "Gas volume, meter reading", "m³", "advance"),
    ("7-0:3.2.0*255", "Gas volume at base conditions, meter reading", "m³", "advance"),
    ("8-0:1.0.0*255", "Cold water volume, meter reading", "m³", "advance"),
    ("9-0:1.0.0*255", "Hot water volume, meter reading", "m³", "advance"),
    # What is not interpreted is named by its number, and claims nothing.
    ("0-0:96.1.0*255", "Abstract 96.1.0 (not interpreted)", "", "none"),
    ("0-1:24.2.1*255", "Abstract 24.2.1 (not interpreted)", "", "none"),
    ("1-0:0.2.0*1", "Electricity 0.2.0 (not interpreted)", "", "none"),
    ("1-0:99.1.0*255", "Electricity 99.1.0 (not interpreted)", "", "none"),
    ("1-0:81.7.1*255", "Electricity 81.7.1 (not interpreted)", "", "none"),
    ("1-0:32.32.0*255", "Electricity 32.32.0 (not interpreted)", "", "none"),
    ("1-0:32.7.3*255", "Electricity 32.7.3 (not interpreted)", "", "none"),  # third harmonic
    ("1-0:32.29.0*255", "Electricity 32.29.0 (not interpreted)", "", "none"),  # volt-hours
    ("1-0:1.8.128*255", "Electricity 1.8.128 (not interpreted)", "", "none"),  # maker's own
    ("4-0:1.0.0*255", "Heat cost allocator 1.0.0 (not interpreted)", "", "none"),
    ("7-0:54.0.0*255", "Gas 54.0.0 (not interpreted)", "", "none"),
    ("16-0:1.0.0*255", "Other medium 1.0.0 (not interpreted)", "", "none"),
]


@pytest.mark.parametrize(("text", "label", "unit", "aggregation"), REAL_CODES)
def test_meaning_of_real_codes(text: str, label: str, unit: str, aggregation: str) -> None:
    code = ObisCode.parse(text)
    assert (str(code), code.label, code.unit, code.aggregation) == (text, label, unit, aggregation)
    assert code.is_interpreted is ("not interpreted" not in label)


@pytest.mark.parametrize(
    "text",
    [
        "0100011D00FF",
        "0100011d00ff",
        "1-0:1.29.0*255",
        "1-0:1.29.0&255",
        "1-0:1.29.0.255",
        "1-0:1.29.0",
        "1-0:1.29",
        "1.29.0",
        "1.29.0*255",
        "1.29.0&255",
        "1.29*255",
        "1.29",
        "1.0.1.29.0.255",
        "01-00:001.029.00",
        "  1-0:1.29.0*255\n",
        "\u00a00100011D00FF\t",
    ],
)
def test_notations_of_one_code(text: str) -> None:
    code = ObisCode.parse(text)
    assert code == ObisCode(1, 0, 1, 29, 0, 255)
    assert str(code) == "1-0:1.29.0*255"
    assert code.hex == "0100011D00FF"
    assert code.reduced == "1.29.0"


def test_six_numbers_with_dots_are_a_logical_name_and_not_a_reduced_form() -> None:
    assert ObisCode.parse("7.0.3.0.0.255").medium is Medium.GAS


def test_twelve_decimal_digits_are_hexadecimal() -> None:
    assert ObisCode.parse("010001080010") == ObisCode(1, 0, 1, 8, 0, 16)


@given(codes)
def test_every_code_survives_each_full_notation(code: ObisCode) -> None:
    numbers = dataclasses.astuple(code)
    written = [str(code), code.hex, code.hex.lower(), ".".join(map(str, numbers))]
    assert [ObisCode.parse(text) for text in written] == [code] * 4
    assert bytes.fromhex(code.hex) == bytes(numbers)
    assert pickle.loads(pickle.dumps(code)) == code  # noqa: S301


@given(groups, groups, groups)
def test_reduced_form_takes_the_documented_defaults(c: int, d: int, e: int) -> None:
    code = ObisCode(1, 0, c, d, e, 255)
    assert ObisCode.parse(code.reduced) == code
    assert ObisCode.parse(f"1-0:{code.reduced}") == code


@given(codes, codes)
def test_order_and_hash_follow_the_six_numbers(one: ObisCode, other: ObisCode) -> None:
    assert (one < other) is (dataclasses.astuple(one) < dataclasses.astuple(other))
    assert (one == other) is (hash(one) == hash(other) and one.hex == other.hex)


def _refusal(text: str) -> str:
    try:
        ObisCode.parse(text)
    except ObisError as error:
        return str(error)
    return ""


@given(st.text() | st.text("0123456789.:-*&ABCDEFabcdef +", max_size=26))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    message = _refusal(text)
    assert message.isprintable()
    if message:
        assert message.endswith("; for example 0100011D00FF or 1-0:1.29.0*255")
    else:
        assert ObisCode.parse(str(ObisCode.parse(text))) == ObisCode.parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", '"" is not an OBIS code: it is empty'),
        ("   ", "it is empty"),
        (
            "0100011D00F",
            '"0100011D00F" is not an OBIS code: 11 hexadecimal digits, 12 are needed',
        ),
        ("0100011D00FFF", "13 hexadecimal digits, 12 are needed"),
        ("A", "1 hexadecimal digit, 12 are needed"),
        ("0100011D00FG", '"G" has no place in it, and a code without dots is twelve hexadecimal'),
        ("01 00 01 1D 00 FF", "a space has no place in it, and a code without dots is twelve"),
        ("1-0:256.8.0", "group C is 256, and 255 is the highest"),
        ("999-0:1.8.0", "group A is 999"),
        ("1.8.0*256", "group F is 256"),
        ("1.0.1.8.0.300", "group F is 300"),
        ("+1.8.0", '"+" has no place in it'),
        ("1.-8.0", "not set out as A-B:C.D.E*F"),
        ("-1.8.0", "not set out as"),
        ("1-0.1.8.0", "not set out as"),
        ("1-0:1.8.0*", "not set out as"),
        ("1.8.0.255", "not set out as"),
        ("1.2.3.4.5.6.7", "not set out as"),
        ("1-0: 1.8.0", "a space has no place in it"),
        ("1\u20110:1.8.0", "has no place in it, the six groups are decimal numbers"),
        ("\uff11.8.0", '"\uff11" has no place in it'),
        ("\u0661.8.0", '"\u0661" has no place in it'),
        ("1\u00b2.8.0", '"\u00b2" has no place in it'),
        ("C.1.0", '"C" has no place in it'),
        ("kWh", '"k" has no place in it'),
        ("9" * 5000, "5000 hexadecimal digits"),
        ("1." * 5000, "it has 10000 characters, the longest code has 23"),
        ("1.8.0\x00", r'"1.8.0\x00" is not an OBIS code: "\x00" has no place in it'),
        ("\ud800", r'"\ud800" has no place in it'),
    ],
)
def test_refusal_says_what_is_wrong_and_what_works(text: str, reason: str) -> None:
    with pytest.raises(ObisError) as refusal:
        ObisCode.parse(text)
    message = str(refusal.value)
    assert reason in message
    assert message.endswith("; for example 0100011D00FF or 1-0:1.29.0*255")
    assert len(message) < 250
    assert message.isprintable()


@pytest.mark.parametrize("thing", [None, 1.8, b"1.8.0", ["1.8.0"], {}])
def test_what_is_no_text_is_refused_alike(thing: object) -> None:
    with pytest.raises(ObisError, match=f"an OBIS code is text, not {type(thing).__name__}"):
        ObisCode.parse(thing)  # type: ignore[arg-type]


@pytest.mark.parametrize("group", [-1, 256, 1.0, "1", None, True])
def test_constructor_refuses_what_is_no_group(group: object) -> None:
    with pytest.raises(ObisError, match="group D of an OBIS code is a whole number from 0 to 255"):
        ObisCode(1, 0, 1, group, 0, 255)  # type: ignore[arg-type]


def test_code_cannot_be_changed() -> None:
    code = ObisCode.parse("1.8.0")
    with pytest.raises(dataclasses.FrozenInstanceError):
        code.c = 2  # type: ignore[misc]
    assert not hasattr(code, "__dict__")


def test_known_text_is_answered_from_the_cache() -> None:
    assert ObisCode.parse("0100011D00FF") is ObisCode.parse(" 0100011D00FF ")


@pytest.mark.parametrize("a", [0, 1, 4, 6, 7, 8, 200])
def test_every_combination_of_quantity_and_processing_has_a_meaning(a: int) -> None:
    for c in range(256):
        for d in range(256):
            code = ObisCode(a, 0, c, d, 0, 255)
            assert code.label
            assert isinstance(code.unit, str)
            assert code.aggregation is code.kind.aggregation
            if code.is_summable:
                assert code.kind is ValueKind.INTERVAL
                assert d in (29, 30)
                assert code.unit in ("kWh", "kvarh", "kVAh")
            if code.kind is ValueKind.CUMULATIVE:
                assert code.aggregation is Aggregation.ADVANCE
            if not code.is_interpreted:
                assert (code.kind, code.unit) == (ValueKind.OTHER, "")
                assert (code.direction, code.phase) == (Direction.NONE, Phase.NONE)
                assert code.aggregation is Aggregation.NONE


@given(codes)
def test_only_interval_energy_of_the_current_period_is_summed(code: ObisCode) -> None:
    summed = code.a == 1 and code.d in (29, 30) and code.f == 255 and code.unit.endswith("h")
    assert code.is_summable is summed
    if code.is_billing_value:
        assert code.aggregation is Aggregation.NONE


def test_interpreted_electricity_codes_have_labels_of_their_own() -> None:
    every = [ObisCode(1, 0, c, d, 0, 255) for c in range(256) for d in range(256)]
    labels = [code.label for code in every if code.is_interpreted]
    assert len(labels) == len(set(labels)) > 2000


@pytest.mark.parametrize(
    ("ds", "kind"),
    [
        ((29, 30), ValueKind.INTERVAL),
        ((8, 17, 18), ValueKind.CUMULATIVE),
        ((7,), ValueKind.INSTANTANEOUS),
        ((4, 5, 14, 15, 24, 25, 27, 28, 49, 50), ValueKind.AVERAGE),
        ((3, 13, 23, 51, 52), ValueKind.MINIMUM),
        ((6, 16, 26, 53, 54), ValueKind.MAXIMUM),
        ((1, 2, 11, 12, 21, 22), ValueKind.CUMULATIVE_DEMAND),
        ((0, 9, 19, 20), ValueKind.BILLING_PERIOD),
        ((10, 55, 58), ValueKind.OTHER),
        (range(31, 47), ValueKind.OTHER),
        (range(59, 256), ValueKind.OTHER),
    ],
)
def test_kind_follows_from_group_d(ds: tuple[int, ...], kind: ValueKind) -> None:
    assert {ObisCode(1, 0, 1, d, 0, 255).kind for d in ds} == {kind}


@pytest.mark.parametrize(
    ("offset", "phase"), [(0, Phase.ALL), (20, Phase.L1), (40, Phase.L2), (60, Phase.L3)]
)
def test_twenty_quantities_repeat_for_each_phase(offset: int, phase: Phase) -> None:
    for c in range(1, 21):
        total, code = ObisCode(1, 0, c, 7, 0, 255), ObisCode(1, 0, c + offset, 7, 0, 255)
        assert (code.quantity, code.direction, code.quadrant) == (
            total.quantity,
            total.direction,
            total.quadrant,
        )
        assert code.phase is (Phase.ANY if not offset and c in (11, 12) else phase)


@pytest.mark.parametrize(
    ("text", "quantity", "direction", "quadrant"),
    [
        ("1.29.0", Quantity.ACTIVE_ENERGY, Direction.IMPORT, None),
        ("2.29.0", Quantity.ACTIVE_ENERGY, Direction.EXPORT, None),
        ("15.8.0", Quantity.ACTIVE_ENERGY, Direction.ABSOLUTE, None),
        ("16.8.0", Quantity.ACTIVE_ENERGY, Direction.NET, None),
        ("16.7.0", Quantity.ACTIVE_POWER, Direction.NET, None),
        ("5.8.0", Quantity.REACTIVE_ENERGY, Direction.IMPORT, 1),
        ("6.8.0", Quantity.REACTIVE_ENERGY, Direction.IMPORT, 2),
        ("7.8.0", Quantity.REACTIVE_ENERGY, Direction.EXPORT, 3),
        ("8.8.0", Quantity.REACTIVE_ENERGY, Direction.EXPORT, 4),
        ("17.8.0", Quantity.ACTIVE_ENERGY, Direction.IMPORT, 1),
        ("18.8.0", Quantity.ACTIVE_ENERGY, Direction.EXPORT, 2),
        ("19.8.0", Quantity.ACTIVE_ENERGY, Direction.EXPORT, 3),
        ("20.8.0", Quantity.ACTIVE_ENERGY, Direction.IMPORT, 4),
        ("32.7.0", Quantity.VOLTAGE, Direction.NONE, None),
        ("7-0:3.0.0", Quantity.VOLUME, Direction.NONE, None),
        ("6-0:1.0.0", Quantity.THERMAL_ENERGY, Direction.NONE, None),
    ],
)
def test_quantity_direction_and_quadrant(
    text: str, quantity: Quantity, direction: Direction, quadrant: int | None
) -> None:
    code = ObisCode.parse(text)
    assert (code.quantity, code.direction, code.quadrant) == (quantity, direction, quadrant)


@pytest.mark.parametrize(
    ("text", "tariff"),
    [
        ("1.8.0", 0),
        ("1.8.2", 2),
        ("1.8.63", 63),
        ("1.29.255", None),  # not specified
        ("1.8.64", None),  # reserved
        ("32.7.0", None),  # group E counts harmonics here
        ("0-0:96.14.0", None),
    ],
)
def test_tariff_is_told_only_where_group_e_is_a_rate(text: str, tariff: int | None) -> None:
    assert ObisCode.parse(text).tariff == tariff


def test_medium_and_channel() -> None:
    media = [ObisCode(a, 0, 1, 0, 0, 255).medium for a in range(11)]
    assert media == [
        Medium.ABSTRACT,
        Medium.ELECTRICITY,
        Medium.OTHER,
        Medium.OTHER,
        Medium.HEAT_COST,
        Medium.COOLING,
        Medium.HEAT,
        Medium.GAS,
        Medium.COLD_WATER,
        Medium.HOT_WATER,
        Medium.OTHER,
    ]
    assert ObisCode.parse("7-20:3.0.0").channel == 20


def test_enumerations_are_strings_with_labels() -> None:
    for enumeration in (Medium, Quantity, Direction, Phase, Aggregation, ValueKind):
        for member in enumeration:
            assert member == member.value == enumeration(member.value)
            assert member.label


def _table(page: str, heading: str) -> list[list[str]]:
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_common_codes_of_the_page_are_what_the_code_says() -> None:
    rows = _table(PAGE.read_text(encoding="utf-8"), "Common codes")
    assert len(rows) >= 25
    for text, digits, label, unit, aggregation in rows:
        code = ObisCode.parse(text)
        said = [str(code), code.hex, code.label, code.unit, code.aggregation.value]
        assert said == [text, digits, label, unit, aggregation]


def test_kinds_of_the_page_are_what_the_code_says() -> None:
    heading = "What Lastgang derives, and how values are rolled up"
    rows = _table(PAGE.read_text(encoding="utf-8"), heading)
    assert {row[0].replace(" ", "_") for row in rows} == {kind.value for kind in ValueKind}
    for name, numbers, aggregation, _ in rows:
        kind = ValueKind(name.replace(" ", "_"))
        assert kind.aggregation == aggregation
        if kind is not ValueKind.OTHER:
            of_kind = [d for d in range(256) if ObisCode(1, 0, 1, d, 0, 255).kind is kind]
            assert of_kind == [int(number) for number in numbers.split(",")]


def test_notations_of_the_page_are_read() -> None:
    rows = _table(PAGE.read_text(encoding="utf-8"), "The two notations, and the short ones")
    written = [text.strip("`") for row in rows for text in row[0].split(", ")]
    assert len(written) == 6
    assert {ObisCode.parse(text) for text in written} == {ObisCode(1, 0, 1, 29, 0, 255)}
