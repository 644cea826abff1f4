"""`manage.py ingest`: its options, its words and its exit code."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError

from ingestion.models import Feed, Run, Source
from meters.models import DailyProfile, Meter
from tenants.models import Tenant
from tests.conftest import Customer
from tests.ingestion.commanding import held, ingest, manage
from tests.ingestion.plant import make_meter, make_source, stored
from tests.ingestion.upstreams import Handler, Running, answering, row, rows
from tests.ingestion.workers import ROOT, environment


def serve(handler: Handler) -> None:
    """A day of each meter, newest first, cut to the window."""
    query = handler.server.asked[-1].query
    start, stop = (datetime.fromisoformat(query[name]) for name in ("start", "stop"))
    begin = datetime(2023, 1, 1, tzinfo=UTC)
    times = [begin + timedelta(minutes=15 * i) for i in reversed(range(96))]
    inside = [row(query["muid"], t.isoformat()) for t in times if start <= t < stop]
    rows({"data": inside[: int(query["limit"])]})(handler)


@pytest.fixture
def upstream() -> Iterator[Running]:
    with answering(serve) as running:
        yield running


@pytest.fixture
def fed(in_acme: Customer, upstream: Running) -> list[Meter]:
    """Three meters of acme with a source; what it serves begins in 2023."""
    meters = [make_meter(f"Household {n}") for n in range(3)]
    start = datetime(2023, 1, 1, tzinfo=UTC)
    make_source(upstream.address, *meters, name="Simulator", backfill_from=start)
    Meter.objects.update(removed_at=start + timedelta(days=1))
    return meters


# --- What is asked ------------------------------------------------------------------------------


def test_a_tenant_is_ingested_and_the_table_agrees_with_the_record(fed: list[Meter]) -> None:
    lines, beside = ingest("--tenant", "acme")
    run = Run.objects.get()
    assert lines[:5] == [
        "",
        "acme · Simulator  new  corrected  unchanged  rejected",
        "Household 0        96          0          0         0",
        "Household 1        96          0          0         0",
        "Household 2        96          0          0         0",
    ]
    assert lines[5] == "3 meters in all   288          0          0         0"
    assert re.fullmatch(rf"run {run.pk}, \d+\.\d\d seconds, [\d,]+ readings/s", lines[6])
    assert (run.new, run.trigger, run.state) == (288, Run.Trigger.COMMAND, Run.State.SUCCEEDED)
    assert beside.splitlines() == [
        "acme · Simulator:  33%  Household 0: 96 new",
        "acme · Simulator:  67%  Household 1: 96 new",
        "acme · Simulator: 100%  Household 2: 96 new",
    ]
    lines, beside = ingest("--tenant", "acme")
    assert lines[2] == "Household 0         0          0         96         0"
    assert "Household 2: 96 unchanged" in beside


def test_meters_are_chosen(fed: list[Meter], upstream: Running) -> None:
    ingest("--tenant", "acme", "--meter", fed[0].muid, "--meter", fed[2].muid)
    asked = {one.query["muid"] for one in upstream.asked}
    assert asked == {str(fed[0].muid), str(fed[2].muid)}
    assert Run.objects.get().only == [fed[0].muid, fed[2].muid]


def test_meters_that_can_not_be_asked(fed: list[Meter]) -> None:
    stranger, alone = uuid4(), make_meter("alone")
    with pytest.raises(CommandError, match=f"Acme has no meter {stranger}"):
        ingest("--tenant", "acme", "--meter", stranger)
    with pytest.raises(CommandError, match=f"The meter {alone.muid} has no source. Give it one"):
        ingest("--tenant", "acme", "--meter", fed[0].muid, "--meter", alone.muid)
    with pytest.raises(CommandError, match="“x” is no MUID, such as 95ce3367"):
        ingest("--tenant", "acme", "--meter", "x")
    with pytest.raises(CommandError, match="There is no tenant “nobody”"):
        ingest("--tenant", "nobody")
    assert not Run.objects.exists()


def test_a_tenant_without_a_source(in_acme: Customer) -> None:
    with pytest.raises(CommandError, match="has no meter with a source"):
        ingest("--tenant", "acme")


@pytest.mark.parametrize(
    ("start", "end", "asked"),
    [
        ("2023-01-01", "2023-01-02", ("2023-01-01T00:00:00Z", "2023-01-02T00:00:00Z")),
        (
            "2023-01-01T06:00:00+01:00",
            "2023-01-01T12:00Z",
            ("2023-01-01T05:00:00Z", "2023-01-01T12:00:00Z"),
        ),
        (
            "20230101T0100Z",
            "2023-01-01 02:00-01:00",
            ("2023-01-01T01:00:00Z", "2023-01-01T03:00:00Z"),
        ),
    ],
)
def test_a_window(
    fed: list[Meter], upstream: Running, start: str, end: str, asked: tuple[str, str]
) -> None:
    ingest("--tenant", "acme", "--meter", fed[0].muid, "--start", start, "--end", end)
    (one,) = upstream.asked
    assert (one.query["start"], one.query["stop"]) == asked
    hours = [datetime.fromisoformat(text) for text in asked]
    assert len(stored(fed[0].muid)) == (hours[1] - hours[0]) / timedelta(minutes=15)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--start", "2023-01-01T00:00"], "names no instant: add an offset, as in"),
        (["--start", "2023-01-01 00:00:00"], "2023-01-01 00:00:00.01:00 or 2023-01-01 00:00:00Z"),
        (["--end", "20230101"], "names no instant"),
        (["--start", "yesterday"], "“yesterday” is no date or time; write 2023-02-01"),
        (["--start", "2023-02-30"], "no date or time"),
        (["--start", "2023-01-02", "--end", "2023-01-01"], "--end must lie after --start"),
        (["--start", "2023-01-02", "--end", "2023-01-02"], "--end must lie after --start"),
        (["--register"], "--register goes with --file"),
    ],
)
def test_windows_that_are_none(in_acme: Customer, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        ingest("--tenant", "acme", *arguments)


def test_all_tenants(fed: list[Meter], nordwind: Customer, upstream: Running) -> None:
    with nordwind.tenant.entered():
        theirs = make_meter("Theirs", muid=fed[0].muid)
        make_source(upstream.address, theirs, name="Their source")
        window = ("--start", "2023-01-01", "--end", "2023-01-02")
        lines, _ = ingest("--all-tenants", *window)
        assert DailyProfile.objects.count() == 2
        assert Run.objects.count() == 1
    headings = [line.split("  ")[0] for line in lines if " · " in line]
    assert headings == ["acme · Simulator", "nordwind · Their source"]
    # A meter that one of them has is enough; one that none has is told.
    lines, _ = ingest("--all-tenants", "--meter", fed[1].muid, *window)
    assert sum(" · " in line for line in lines) == 1
    stranger = uuid4()
    with pytest.raises(CommandError) as caught:
        ingest("--all-tenants", "--meter", stranger, *window)
    assert f"No tenant has a meter with a source that is {stranger}." in caught.value.args[-1]


def test_what_rests_is_left_out_unless_named(fed: list[Meter]) -> None:
    Feed.objects.filter(meter=fed[0]).update(is_active=False)
    lines, _ = ingest("--tenant", "acme")
    assert [line.split("  ")[0] for line in lines[2:4]] == ["Household 1", "Household 2"]
    Source.objects.update(is_active=False)
    with pytest.raises(CommandError, match="no meter with a source"):
        ingest("--tenant", "acme")
    lines, _ = ingest("--tenant", "acme", "--meter", fed[0].muid)
    assert lines[2].startswith("Household 0")


def test_failures_are_told_and_fail_the_command(fed: list[Meter]) -> None:
    with answering(rows({"nothing": 1})) as broken:
        make_source(broken.address, make_meter("Broken"), name="Broken")
        with pytest.raises(CommandError, match="Not everything was ingested") as caught:
            ingest("--tenant", "acme")
        host = broken.address[7:]
    _, out, beside = caught.value.args
    assert "3 meters in all   288" in out
    assert "acme · Broken: 100%  Broken: failed" in beside
    assert f"acme · Broken: {host}: The answer is an object with the keys nothing" in beside


# --- A rehearsal --------------------------------------------------------------------------------


def test_a_dry_run_reports_and_keeps_nothing(fed: list[Meter], upstream: Running) -> None:
    before, sweep_at = held(), Source.objects.get().next_sweep_at
    lines, _ = ingest("--tenant", "acme", "--dry-run")
    assert lines[5].split() == ["3", "meters", "in", "all", "288", "0", "0", "0"]
    assert lines[6].startswith("dry run: nothing was kept, ")
    assert len(upstream.asked) == 3
    assert held() == before
    assert Source.objects.get().next_sweep_at == sweep_at
    assert set(Feed.objects.values_list("last_run", "last_success_at")) == {(None, None)}
    ingest("--tenant", "acme")
    before = held()
    lines, _ = ingest("--tenant", "acme", "--dry-run")
    assert lines[2].split()[-4:] == ["0", "0", "96", "0"]
    assert held() == before


def test_a_dry_run_that_fails(in_acme: Customer) -> None:
    with answering(rows({"nothing": 1})) as broken:
        make_source(broken.address, make_meter("Broken"))
        with pytest.raises(CommandError, match="Not everything was ingested"):
            ingest("--tenant", "acme", "--dry-run")
    assert not Run.objects.exists()
    assert Feed.objects.get().last_error == ""


def test_a_dry_run_in_small_pieces_counts_the_same(fed: list[Meter]) -> None:
    Source.objects.update(limit=20)
    lines, _ = ingest("--tenant", "acme", "--dry-run")
    assert lines[5].split()[-4:] == ["288", "0", "0", "0"]
    assert not DailyProfile.objects.exists()


# --- As a process -------------------------------------------------------------------------------


def test_exit_codes_and_no_traceback(committed: Tenant, upstream: Running) -> None:
    meter = make_meter("A household")
    start = datetime(2023, 1, 1, tzinfo=UTC)
    source = make_source(upstream.address, meter, backfill_from=start)
    Meter.objects.update(removed_at=start + timedelta(days=1))
    done = manage("--tenant", committed.slug)
    assert (done.returncode, "A household" in done.stdout) == (0, True)
    assert "\x1b" not in done.stdout + done.stderr
    Source.objects.filter(pk=source.pk).update(address=upstream.address + "/{muid}.json#")
    wrong = manage("--tenant", committed.slug, "--start", "2023-01-01T00:00")
    assert wrong.returncode == 2
    assert "names no instant: add an offset" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    upstream.server.script[:] = [lambda handler: handler.answer(b"{}", 401)]  # type: ignore[union-attr]
    failed = manage("--tenant", committed.slug)
    assert failed.returncode == 1
    assert "401 Unauthorized. Check the source's token." in failed.stderr
    assert "Traceback" not in failed.stderr


def test_on_a_terminal_a_bar_shows_the_progress(committed: Tenant, upstream: Running) -> None:
    name = "Photovoltaics Alte Landstrasse 17, 13.9 kWp"
    meters = [make_meter(name), make_meter("Household 2")]
    start = datetime(2023, 1, 1, tzinfo=UTC)
    make_source(upstream.address, *meters, name="Simulator", backfill_from=start)
    Meter.objects.update(removed_at=start + timedelta(days=1))
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "ingest", "--tenant", committed.slug],
        cwd=ROOT,
        env=environment() | {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            shown += os.read(screen, 65536)
        except OSError:  # how Linux tells that nobody writes any more
            break
    assert process.wait(30) == 0
    os.close(screen)
    text = shown.decode()
    assert "100 %  192 readings" in text
    assert "━" in text
    lines = [line for line in text.splitlines() if line.strip()]
    table = lines[next(i for i, line in enumerate(lines) if "corrected" in line) :]
    assert all(len(line) <= 80 for line in table)
    # Each name is whole; one that leaves no room for the numbers has its line to itself.
    assert any(line.rstrip().startswith(name) for line in table)
    assert [line.split()[-4:] for line in table if line.startswith("Household 2")] == [
        ["96", "0", "0", "0"]
    ]
