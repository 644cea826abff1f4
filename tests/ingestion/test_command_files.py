"""`manage.py ingest --file`."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError

from ingestion.models import Outcome, Run
from ingestion.record import Counts
from meters.models import DailyProfile, Meter
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT, Customer
from tests.ingestion.commanding import TABLES, held, ingest
from tests.ingestion.plant import make_meter, stored
from tests.ingestion.upstreams import row


@pytest.mark.parametrize("way", ["--file", "--dry-run"])
def test_the_recorded_responses(in_acme: Customer, recordings: Path, way: str) -> None:
    for muid in (RECORDED_IMPORT, RECORDED_EXPORT):
        path = recordings / f"{muid}.json"
        arguments = ["--tenant", "acme", "--file", path, "--register"]
        lines, _ = ingest(*arguments, *(["--dry-run"] if way == "--dry-run" else []))
        assert lines[2].split() == ["Meter", muid[:8], "2,688", "0", "0", "0"]
    if way == "--dry-run":
        assert held() == [0] * len(TABLES)
    else:
        assert DailyProfile.objects.count() == 58
        assert Meter.objects.get(muid=RECORDED_IMPORT).timezone == "Europe/Zurich"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "readings.json"


def test_files_that_can_not_be_used(in_acme: Customer, file: Path, tmp_path: Path) -> None:
    def refused(words: str, *more: str) -> None:
        with pytest.raises(CommandError, match=words):
            ingest("--tenant", "acme", "--file", file, *more)

    refused("readings.json can't be read: No such file or directory")
    file.write_text("{")
    refused("readings.json: The file is not JSON: ")
    file.write_text('{"rows": []}')
    refused("The answer is an object with the keys rows")
    file.unlink()
    file.mkdir()
    refused("can't be read: Is a directory")
    with pytest.raises(CommandError, match="--file goes with --tenant"):
        ingest("--all-tenants", "--file", file)
    with pytest.raises(CommandError, match="name one --meter at most"):
        ingest("--tenant", "acme", "--file", file, "--meter", uuid4(), "--meter", uuid4())
    assert held() == [0] * len(TABLES)


def write(file: Path, *payload: dict[str, Any]) -> None:
    file.write_text(json.dumps({"data": payload}))


def test_a_file_of_unknown_meters_names_all_of_them(in_acme: Customer, file: Path) -> None:
    first, second = sorted([uuid4(), uuid4()])
    write(file, *(row(muid, "2023-01-01T00:00:00Z") for muid in (second, first)))
    with pytest.raises(CommandError) as caught:
        ingest("--tenant", "acme", "--file", file)
    assert f"no meter {first}, {second} here. Register them first." in caught.value.args[-1]
    assert not Meter.objects.exists()


def test_a_file_of_an_unknown_meter(in_acme: Customer, file: Path) -> None:
    muid, other = uuid4(), uuid4()
    write(file, row(muid, "2023-01-01T00:00:00Z"))
    for arguments in ([], ["--meter", muid]):
        with pytest.raises(CommandError, match="Not everything") as caught:
            ingest("--tenant", "acme", "--file", file, *arguments)
        words = f"There is no meter {muid} here. Register it first."
        assert f"acme · readings.json: {words}" in caught.value.args[-1]
    run = Run.objects.first()
    assert run
    assert (run.state, run.error, run.trigger) == (Run.State.FAILED, words, Run.Trigger.FILE)
    assert not Meter.objects.exists()
    ingest("--tenant", "acme", "--file", file, "--register")
    assert Meter.objects.get().muid == muid
    # Asked for a meter that is not in it, and is not there either.
    with pytest.raises(CommandError):
        ingest("--tenant", "acme", "--file", file, "--meter", other)
    assert Meter.objects.count() == 1


def test_a_file_with_rows_of_another_meter(in_acme: Customer, file: Path) -> None:
    mine, other = make_meter("Mine"), make_meter("Other")
    write(
        file,
        row(mine.muid, "2023-01-01T00:15:00Z"),
        row(other.muid, "2023-01-01T00:15:00Z"),
        row("nobody", "2023-01-01T00:00:00Z"),
    )
    lines, _ = ingest("--tenant", "acme", "--file", file, "--meter", mine.muid)
    assert lines[2].split() == ["Mine", "1", "0", "0", "2"]
    assert not stored(other.muid)
    # Without --meter each row goes to its own; what belongs to none is told apart.
    lines, _ = ingest("--tenant", "acme", "--file", file)
    assert [line.split()[-4:] for line in lines[2:6]] == [
        ["0", "0", "1", "0"],
        ["1", "0", "0", "0"],
        ["0", "0", "0", "1"],
        ["1", "0", "1", "1"],
    ]
    assert lines[4].startswith("of no known meter")
    run = Run.objects.first()
    assert run
    assert Counts(run.new, run.corrected, run.unchanged, run.rejected) == Counts(1, 0, 1, 1)
    write(file, row(other.muid, "2023-01-01T00:15:00Z"))
    with pytest.raises(CommandError) as caught:
        ingest("--tenant", "acme", "--file", file, "--meter", mine.muid)
    assert "Not one reading could be stored." in caught.value.args[-1]


def test_a_window_of_a_file(in_acme: Customer, file: Path) -> None:
    meter = make_meter()
    write(file, *(row(meter.muid, f"2023-01-01T{hour:02}:00:00Z") for hour in range(24)))
    arguments = ["--tenant", "acme", "--file", file, "--start", "2023-01-01T06:00Z"]
    ingest(*arguments, "--end", "2023-01-01T12:00Z")
    assert len(stored(meter.muid)) == 6


def test_odd_rows_of_a_file_are_warned_of_and_put_on_record(in_acme: Customer, file: Path) -> None:
    meter = make_meter("Mine")
    when = "2023-01-01T00:00:00Z"
    write(file, row(meter.muid, when, 1), row(meter.muid, when, 2))
    _, beside = ingest("--tenant", "acme", "--file", file)
    words = "1 readings came twice with different values; the last one holds."
    assert beside == f"acme · Mine: {words}\n"
    assert Outcome.objects.get().warnings == [words]
