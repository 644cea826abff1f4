"""Plans as people write them: `'95ce…: status=503 first=2'`, or a file in TOML or JSON."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import orjson

from ingestion.simulator.faults.kinds import Fault, FaultError
from ingestion.simulator.faults.plan import EVERY_METER, Plan, Rule, When

SCHEDULE = ("first", "every", "probability", "seed", "since", "until")
EXAMPLE = "'95ce…: status=503 first=2' or '*: delay=5 every=3'"


def read_plan(rules: Iterable[str]) -> Plan:
    """Read a plan from a text for each of its faults.

    Raises
    ------
    FaultError
        One can't be understood; the error names it.
    """
    return Plan(read_rule(text) for text in rules)


def read_rule(text: str) -> Rule:
    """Read `METER: FAULT[=VALUE] [PARAMETER=VALUE …] [SCHEDULE=VALUE …]`.

    The meter is a muid, its beginning and `…` (or `*`), or `*` for all; so is no meter at all.
    Parameters are those of the kind of fault, schedules those of `When`.

    Raises
    ------
    FaultError
        It can't be understood.
    """
    # A colon with a blank behind it: addresses have colons too.
    meter, colon, rest = text.partition(": ")
    if not colon:
        meter, rest = EVERY_METER, text
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise _wrong(text, f"it can't be taken apart ({error})") from None
    if not words:
        raise _wrong(text, "it names no fault")
    given: dict[str, object] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or key in given:
            raise _wrong(text, f"{word!r} is no new PARAMETER=VALUE")
        given[key] = value
    try:
        return _rule(meter.strip(), words[0], given)
    except FaultError as error:
        raise _wrong(text, str(error)) from None


def read_file(path: Path) -> Plan:
    """Read a plan from a file: JSON where its name ends so, else TOML.

    Its list `faults` holds texts as `read_rule` takes them, or tables with `fault`, `meter`, the
    fault's parameters and its schedule.

    Raises
    ------
    FaultError
        The file or one of its faults can't be understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
        is_json = path.suffix.lower() == ".json"
        document = orjson.loads(text) if is_json else tomllib.loads(text)
    except OSError as error:
        raise FaultError(f"{path.name} can't be read: {error.strerror}.") from None
    except ValueError as error:  # both readers' errors are ValueErrors, and so is no UTF-8
        raise FaultError(f"{path.name} can't be read: {error}") from None
    found = document.get("faults") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise FaultError(f"{path.name} has no list “faults”.")
    try:
        return Plan(_entry(entry) for entry in found)
    except FaultError as error:
        raise FaultError(f"{path.name}: {error}") from None


def _entry(entry: object) -> Rule:
    if isinstance(entry, str):
        return read_rule(entry)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("fault"), str):
        raise FaultError(f"{entry!r} is neither a text nor a table with “fault”.")
    given = {key: one for key, one in entry.items() if key not in {"fault", "meter"}}
    try:
        return _rule(str(entry.get("meter", EVERY_METER)), entry["fault"], given)
    except FaultError as error:
        raise FaultError(f"{dict(entry)}: {error}") from None


def _rule(meter: str, named: str, given: Mapping[str, object]) -> Rule:
    if not meter:
        raise FaultError("the meter is empty; write * for all.")
    name, equals, value = named.partition("=")
    parameters = {key: one for key, one in given.items() if key not in SCHEDULE}
    schedule = {key: one for key, one in given.items() if key in SCHEDULE}
    if "seed" in schedule and "probability" not in schedule:
        # Without dice the seed is the fault's own, for one that has such a parameter.
        parameters["seed"] = schedule.pop("seed")
    fault = Fault.of(name, *([value] if equals else []), **parameters)
    return Rule(fault, meter, _when(schedule))


def _when(schedule: Mapping[str, object]) -> When:
    read = {"first": _whole, "every": _whole, "seed": _whole, "probability": _number}
    return When(**{name: read.get(name, _moment)(name, one) for name, one in schedule.items()})  # type: ignore[arg-type]


def _whole(name: str, given: object) -> int:
    try:
        return int(str(given))
    except ValueError:
        raise FaultError(f"{name} must be a whole number, not {given!r}.") from None


def _number(name: str, given: object) -> float:
    try:
        return float(str(given))
    except ValueError:
        raise FaultError(f"{name} must be a number, not {given!r}.") from None


def _moment(name: str, given: object) -> datetime:
    try:
        return given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError:
        words = f"{name} must be a time such as 2024-06-01T12:00:00Z, not {given!r}."
        raise FaultError(words) from None


def _wrong(text: str, words: str) -> FaultError:
    return FaultError(
        f"The fault {text!r} can't be understood: {words.rstrip('.')}. E.g. {EXAMPLE}."
    )
