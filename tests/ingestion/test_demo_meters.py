"""What the demo shows: meters that a second start finds again, and where readings come from."""

import argparse
import socket
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from ingestion import demo
from ingestion.demo import (
    CHALLENGE,
    RECORDED,
    Recordings,
    find_recordings,
    free_port,
    set_up_meters,
    synthetic_meters,
)
from ingestion.models import Feed, Run, Source, validate_address
from ingestion.simulator import cli
from ingestion.simulator.meter import KINDS
from ingestion.simulator.server import running_simulator
from meters.models import Meter, Site
from tests.conftest import Customer
from tests.ingestion.plant import IMPORT, stored, sweep
from tests.ingestion.upstreams import answering, refusing, rows

NOWHERE = Recordings(None, public=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for muid in RECORDED:
        (tmp_path / f"{muid}.json").write_text('{"data": []}')
    return tmp_path


def test_the_challenges_address_is_one() -> None:
    validate_address(CHALLENGE)


def test_public_addresses_come_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(rows({"data": []})) as there:
        there.server.RequestHandlerClass.do_HEAD = lambda handler: handler.do_GET()  # type: ignore[union-attr]
        monkeypatch.setattr(demo, "CHALLENGE", there.address + "/{muid}.json")
        assert find_recordings(folder) == Recordings(None, public=True)
    with answering(refusing(403)) as closed:
        monkeypatch.setattr(demo, "CHALLENGE", closed.address + "/{muid}.json")
        assert find_recordings(folder) == Recordings(folder, public=False)
    monkeypatch.setattr(demo, "CHALLENGE", "http://127.0.0.1:1/{muid}.json")
    assert find_recordings(folder) == Recordings(folder, public=False)
    next(folder.iterdir()).unlink()
    assert find_recordings(folder) == NOWHERE


def test_each_source_says_where_its_readings_come_from(in_acme: Customer, folder: Path) -> None:
    challenge, simulator = set_up_meters("acme", "http://s", Recordings(folder, public=False))
    assert challenge.note == "Recorded readings of the challenge, served by the local simulator"
    assert challenge.address == simulator.address == "http://s"
    assert simulator.note == "Synthetic readings from the local simulator"
    assert challenge.backfill_from == datetime(2023, 2, 1, tzinfo=UTC)
    # The public addresses answer on another day, and the simulator has another port.
    challenge, simulator = set_up_meters("acme", "http://t", Recordings(None, public=True))
    challenge.refresh_from_db()
    assert challenge.address == CHALLENGE
    assert challenge.note == "Recorded readings from the challenge's public addresses"
    assert Source.objects.get(name="Simulator").address == "http://t"


def test_a_second_start_changes_nothing(in_acme: Customer, folder: Path) -> None:
    found = Recordings(folder, public=False)
    set_up_meters("acme", "http://s", found)
    before = [list(model.objects.order_by("pk").values()) for model in (Source, Meter, Site, Feed)]
    set_up_meters("acme", "http://s", found)
    after = [list(model.objects.order_by("pk").values()) for model in (Source, Meter, Site, Feed)]
    assert after == before
    assert Meter.objects.count() == 14


def test_without_recordings_there_is_no_such_source(in_acme: Customer) -> None:
    (source,) = set_up_meters("acme", "http://s", NOWHERE)
    assert source.name == "Simulator"
    assert not Meter.objects.filter(muid__in=RECORDED).exists()


def test_the_recordings_are_acmes_alone(nordwind: Customer, folder: Path) -> None:
    with nordwind.tenant.entered():
        (source,) = set_up_meters("nordwind", "http://s", Recordings(folder, public=False))
        assert source.name == "Simulator"
        assert not Meter.objects.filter(muid__in=RECORDED).exists()


def test_no_two_tenants_share_a_meter_and_the_simulator_has_them_all() -> None:
    acme, nordwind = ({m.muid for m in synthetic_meters(t)} for t in ("acme", "nordwind"))
    assert not acme & nordwind
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    with cli.build(
        vars(parser.parse_args(["--port", "0", *demo.SIMULATOR_OPTIONS.split()])), None
    ) as server:
        served = [meter.muid for meter in server.upstream.meters.values()]
    assert acme | nordwind == set(served)
    assert {meter.kind for meter in synthetic_meters("acme")} == set(KINDS)


@pytest.mark.usefixtures("committed")  # a run so long is kept alive over another connection
def test_the_whole_of_acme_is_ingested(recordings: Path) -> None:
    with running_simulator(recordings=recordings, meters=synthetic_meters("acme")) as simulator:
        found = Recordings(recordings, public=False)
        challenge, synthetic = set_up_meters("acme", simulator.base_url, found)
        assert sweep(challenge).counts.new == 5376
        result = sweep(synthetic)
        assert result.run.state == Run.State.SUCCEEDED
        # 400 days of twelve meters, one of which has gaps and one of which two registers.
        assert 13 * 399 * 96 * 0.99 < result.counts.new <= 13 * 401 * 96
        assert sweep(synthetic).counts.new <= 13
    assert len(stored(next(iter(RECORDED)), IMPORT)) == 2688
    assert len(stored(UUID(synthetic_meters("acme")[0].muid))) > 37_000


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = taken.getsockname()[1]
        port = free_port(wanted)
        assert wanted < port < wanted + 200
    with pytest.raises(OSError, match="No port from"):
        free_port(70_000)
