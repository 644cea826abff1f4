"""Plans of the simulator: how they are written, what they refuse, for whom and when they hold."""

import argparse
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from ingestion.simulator import cli
from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.faults import (
    KINDS,
    Fault,
    FaultError,
    Plan,
    Rule,
    When,
    read_file,
    read_plan,
)
from ingestion.simulator.server import RunningSimulator, running_simulator

METERS = default_meters(1, "Europe/Zurich", 47.38, 8.54, households=0, photovoltaics=0, constants=2)
ONE, OTHER = (meter.muid for meter in METERS)
NOW = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(meters=METERS, now=NOW) as running:
        yield running


def ask(simulator: RunningSimulator, muid: str = ONE, **parameters: str) -> requests.Response:
    query = {"muid": muid, "measurement": "energy", "limit": "10", "start": "2024-05-01"}
    url = f"{simulator.base_url}/meterdata/measurement"
    return requests.get(url, params=query | {"stop": "2024-05-02"} | parameters, timeout=5)


def statuses(simulator: RunningSimulator, times: int, muid: str = ONE) -> list[int]:
    return [ask(simulator, muid).status_code for _ in range(times)]


# --- When, and for whom ---------------------------------------------------------------------------


def test_the_first_requests_of_each_meter(simulator: RunningSimulator) -> None:
    simulator.plan = read_plan(["*: status=503 first=2"])
    assert statuses(simulator, 4) == [503, 503, 200, 200]
    assert statuses(simulator, 3, OTHER) == [503, 503, 200]


def test_every_nth_request(simulator: RunningSimulator) -> None:
    simulator.plan = read_plan(["*: status=500 every=3"])
    assert statuses(simulator, 7) == [200, 200, 500, 200, 200, 500, 200]


@pytest.mark.parametrize("named", [ONE, f"{ONE[:4]}…", f"{ONE[:4]}*"])
def test_one_meter(simulator: RunningSimulator, named: str) -> None:
    simulator.plan = read_plan([f"{named}: status=404"])
    assert ask(simulator).status_code == 404
    assert ask(simulator, OTHER).status_code == 200


def test_between_two_simulated_times() -> None:
    present = [NOW]
    with running_simulator(meters=METERS, now=lambda: present[0]) as simulator:
        simulator.plan = read_plan(
            ["status=500 since=2024-06-01T00:00:00Z until=2024-06-01T03:00:00+01:00"]
        )
        told = {}
        for minutes in (-1, 0, 119, 120):
            present[0] = NOW + timedelta(minutes=minutes)
            told[minutes] = ask(simulator).status_code
    assert told == {-1: 200, 0: 500, 119: 500, 120: 200}


def test_dice_fall_alike_for_one_seed(simulator: RunningSimulator) -> None:
    def fallen(seed: int, muid: str = ONE) -> list[int]:
        simulator.plan = Plan(
            [Rule(Fault.of("status", 500), when=When(probability=0.5, seed=seed))]
        )
        return statuses(simulator, 30, muid)

    first = fallen(1)
    assert first == fallen(1)
    assert first not in (fallen(2), fallen(1, OTHER))
    assert 5 < first.count(500) < 25


def test_faults_of_several_stages_hold_at_once(simulator: RunningSimulator) -> None:
    simulator.plan = read_plan(["delay=0.01", "bare-list", "oldest-first", "limit-lowered=3"])
    found = ask(simulator).json()
    assert [row["timestamp"][11:16] for row in found] == ["00:00", "00:15", "00:30"]


def test_without_a_plan_nothing_changes(simulator: RunningSimulator) -> None:
    before = ask(simulator).content
    simulator.plan = read_plan(["absurd-values=1"])
    assert ask(simulator).content != before
    simulator.plan = Plan()
    assert ask(simulator).content == before


def test_a_wrong_question_is_answered_as_ever(simulator: RunningSimulator) -> None:
    simulator.plan = read_plan(["status=599"])
    assert ask(simulator, limit="many").status_code == 400
    assert ask(simulator, "nobody").status_code == 404
    assert ask(simulator).status_code == 599


def test_the_same_readings_are_hit_in_whatever_window_they_come(
    simulator: RunningSimulator,
) -> None:
    simulator.plan = read_plan(["nulls=0.3"])

    def hit(start: str, stop: str) -> set[str]:
        found = ask(simulator, start=start, stop=stop, limit="100").json()["data"]
        return {row["timestamp"] for row in found if None in row.values()}

    whole = hit("2024-05-01", "2024-05-02")
    assert 10 < len(whole) < 50
    noon = "2024-05-01T12:00:00Z"
    assert hit("2024-05-01", noon) | hit(noon, "2024-05-02") == whole


def answers_anything(simulator: RunningSimulator, muid: str) -> bool:
    """Ask, and hang up at the first byte: a whole answer may be made to take minutes."""
    where = urlsplit(simulator.base_url)
    query = f"muid={muid}&measurement=energy&limit=50&start=2024-05-01&stop=2024-05-02"
    with socket.create_connection((where.hostname, where.port), timeout=0.2) as raw:
        raw.sendall(f"GET /meterdata/measurement?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        try:
            return bool(raw.recv(1))
        except OSError:
            return False


def test_every_fault_is_answered_with_something_or_ends_the_connection() -> None:
    meters = default_meters(1, "UTC", 47, 8, households=0, photovoltaics=0, constants=1)
    with running_simulator(meters=meters, now=NOW) as simulator:
        for name in KINDS:
            simulator.plan = Plan([Rule(Fault.of(name), when=When(first=1))])
            if not answers_anything(simulator, meters[0].muid):
                assert KINDS[name].stage == "the connection"
            assert ask(simulator, meters[0].muid).status_code == 200
            assert not any("Traceback" in line for line in simulator.log)


# --- How they are written ---


def test_a_rule_is_written_as_it_is_read() -> None:
    for text in (
        f"{ONE}: status=503 retry-after=5 first=2",
        "95ce…: delay=0.5 probability=0.1 seed=7 since=2024-06-01T00:00:00Z",
        "redirect=http://169.254.169.254/latest every=2",
        "unsorted seed=3",
    ):
        (rule,) = read_plan([text]).rules
        assert read_plan([str(rule)]).rules == (rule,)
    for name in KINDS:
        rule = Rule(Fault.of(name))
        assert read_plan([str(rule)]).rules == (rule,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it names no fault"),
        ("95ce: ", "it names no fault"),
        (": status", "the meter is empty; write * for all"),
        ("*: sttus=503", "There is no fault 'sttus'. Known are absurd-values, bare-list"),
        ("*: status=much", "code must be a whole number, not 'much'"),
        ("*: status=99", "code must be a whole number from 200 to 999, not 99"),
        ("*: delay=-1", "seconds must be a number from 0 to 3600, not -1"),
        ("*: delay=nan", "seconds must be a number from 0 to 3600, not nan"),
        ("*: nan=2", "share must be a number from 0 to 1, not 2"),
        ("*: status=503 speed=2", "status has no parameter 'speed'. Its parameters are code, "),
        ("*: bare-list seed=2", "bare-list has no parameter 'seed'. It has none"),
        ("*: bare-list=1", "bare-list takes no such value"),
        ("*: status=1 code=2", "status takes no such value"),
        ("*: status first", "'first' is no new PARAMETER=VALUE"),
        ("*: status first=1 first=2", "'first=2' is no new PARAMETER=VALUE"),
        ("*: status first=0", "first counts requests: 1 at least, not 0"),
        ("*: status first=two", "first must be a whole number, not 'two'"),
        ("*: status probability=1.5", "probability must be from 0 to 1, not 1.5"),
        ("*: status since=2024-06-01T00:00", "since needs an offset, as in 2024-06-01T12:00:00Z"),
        ("*: status until=noon", "until must be a time such as 2024-06-01T12:00:00Z, not 'noon'"),
        ("*: status 'x", "it can't be taken apart (No closing quotation)"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(FaultError) as caught:
        read_plan([text])
    said = str(caught.value)
    assert said.startswith(f"The fault {text!r} can't be understood: {words}")
    assert said.endswith("E.g. '95ce…: status=503 first=2' or '*: delay=5 every=3'.")


def test_plans_from_files(tmp_path: Path) -> None:
    expected = read_plan(["95ce…: status=503 retry-after=5 first=2", "*: nan=0.2 every=3"]).rules
    toml, json = tmp_path / "faults.toml", tmp_path / "faults.json"
    toml.write_text(
        """
        [[faults]]
        meter = "95ce…"
        fault = "status"
        code = 503
        retry-after = "5"
        first = 2
        [[faults]]
        fault = "nan=0.2"
        every = 3
        """
    )
    json.write_text(
        '{"faults": [{"meter": "95ce…", "fault": "status=503", "retry-after": 5, "first": 2},'
        ' {"fault": "nan", "share": 0.2, "every": 3}]}'
    )
    assert read_file(json).rules == expected
    assert read_file(toml).rules == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "faults.json can't be read: unexpected end of data"),
        ("[]", "faults.json has no list “faults”"),
        ('{"faults": {}}', "faults.json has no list “faults”"),
        ('{"faults": [7]}', "faults.json: 7 is neither a text nor a table with “fault”"),
        ('{"faults": [{"fault": "late", "days": "x"}]}', "days must be a number, not 'x'"),
        ('{"faults": ["nothing"]}', "faults.json: The fault 'nothing' can't be understood"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "faults.json"
    file.write_text(text)
    with pytest.raises(FaultError, match="faults") as caught:
        read_file(file)
    assert words in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FaultError, match=r"nowhere\.toml can't be read: No such file"):
        read_file(tmp_path / "nowhere.toml")


# --- From the command line ---


def options(*given: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return vars(parser.parse_args(["--constants", "1", "--port", "0", *given]))


def test_the_command_takes_faults_from_options_and_a_file(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('faults = ["nan=0.5"]')
    given = options("--fault", "*: status=503 first=2", "--fault", "late", "--faults", str(file))
    with cli.build(given, None) as server:
        assert [rule.fault.name for rule in server.upstream.plan.rules] == ["nan", "status", "late"]
        told = cli.greeting(server, None)
    assert "Misbehaves: *: nan share=0.5" in told
    assert "Misbehaves: *: status code=503 retry-in=-1 first=2" in told


def test_the_command_refuses_a_wrong_plan() -> None:
    with pytest.raises(cli.CannotServeError, match="There is no fault 'x'"):
        cli.build(options("--fault", "*: x"), None)
