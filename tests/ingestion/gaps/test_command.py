"""`manage.py repair_gaps`, and the same by the queue."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from ingestion.models import Gap, Run, Source
from ingestion.simulator.server import running_simulator
from ingestion.simulator.synthetic import SyntheticMeter, readings
from ingestion.tasks import ingest_run, look_soon, repair_gaps, upkeep
from tenants.schema import current_schema, in_public
from tests.conftest import Customer
from tests.ingestion.gaps.holding import (
    BEGIN,
    DAY,
    START,
    fill,
    holding,
    on_record,
    store_without,
)
from tests.ingestion.plant import QUARTER, check_rows, make_meter, make_source, stored

pytestmark = pytest.mark.usefixtures("in_acme")


def served(number: int) -> SyntheticMeter:
    return SyntheticMeter(str(UUID(int=number, version=4)), "household", "H", "Europe/Zurich", 1)


def test_it_fills_what_the_upstream_has(capsys: pytest.CaptureFixture[str]) -> None:
    meters = [served(n) for n in (1, 2)]
    made = [make_meter(f"Meter {n}", muid=UUID(one.muid)) for n, one in enumerate(meters)]
    with running_simulator(meters=meters) as simulator:
        make_source(simulator.base_url, *made)
        for meter in made:
            store_without(meter.muid, [(100, 140), (300, 400)])
        call_command("repair_gaps", tenant="acme", dry_run=True)
        assert not Run.objects.exists()
        told = capsys.readouterr().out
        assert "280 intervals of 2 meters are missing from 2023-10-26 01:00 to" in told
        call_command("repair_gaps", tenant="acme")
        told = capsys.readouterr().out
        assert "280 came, 0 are missing still." in told
        call_command("repair_gaps", tenant="acme")
        assert "nothing is missing." in capsys.readouterr().out
    assert set(Gap.objects.values_list("state", flat=True)) == {"filled"}
    for meter, one in zip(made, meters, strict=True):
        made_up = readings(one, BEGIN, BEGIN + 8 * DAY)
        truth = dict(zip(made_up.instants.tolist(), made_up.values.tolist(), strict=True))
        held = stored(meter.muid)
        for n in (100, 139, 300, 399):
            at = BEGIN + QUARTER * n
            assert held[at][0] == pytest.approx(truth[at])
    check_rows()


def test_it_asks_only_for_what_it_is_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    with holding() as upstream:
        meters = [make_meter(f"Meter {n}") for n in range(2)]
        make_source(upstream.address, *meters)
        for meter in meters:
            store_without(meter.muid, [(10, 12), (300, 320)])
            upstream.hold(meter.muid, range(700))
        call_command(
            "repair_gaps",
            tenant="acme",
            meter=[meters[0].muid],
            start=START + timedelta(days=2),
            end=START + timedelta(days=5),
        )
        assert "20 came, 0 are missing still." in capsys.readouterr().out
        assert on_record(meters[0].muid) == [(10, 12, 2, "open"), (300, 320, 0, "filled")]
        assert on_record(meters[1].muid) == []
        assert {one for one, _, _ in upstream.windows} == {str(meters[0].muid)}


def test_by_hand_also_what_was_given_up_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with holding() as upstream:
        meter = make_meter()
        make_source(upstream.address, meter)
        store_without(meter.muid, [(300, 320)])
        call_command("repair_gaps", tenant="acme")
        Gap.objects.update(state=Gap.State.GIVEN_UP)
        upstream.hold(meter.muid, range(300, 320))
        call_command("repair_gaps", tenant="acme")
        assert "20 came, 0 are missing still." in capsys.readouterr().out
        assert on_record(meter.muid) == [(300, 320, 0, "filled")]


def test_what_can_not_be_asked_is_refused_in_words() -> None:
    meter = make_meter()
    with pytest.raises(CommandError, match=f"has no meter {meter.muid} with a source"):
        call_command("repair_gaps", tenant="acme", meter=[meter.muid])
    with pytest.raises(CommandError, match="--end must lie after --start"):
        call_command("repair_gaps", tenant="acme", start=START, end=START)


def test_an_upstream_that_is_down_is_told_and_changes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    meter = make_meter()
    with running_simulator(meters=[]) as simulator:
        make_source(simulator.base_url, meter)
        store_without(meter.muid, [(10, 12)])
        with pytest.raises(CommandError, match="1 window could not be asked for"):
            call_command("repair_gaps", tenant="acme")
    assert "0 came, 2 are missing still." in capsys.readouterr().out
    assert on_record(meter.muid) == [(10, 12, 2, "open")]
    assert Gap.objects.get().tries == 0


def test_the_queue_does_it_by_itself() -> None:
    """What a worker does: looks, asks, and sees at once what has come."""
    with holding() as upstream:
        meter = make_meter()
        make_source(upstream.address, meter)
        store_without(meter.muid, [(10, 12), (300, 320)])
        upstream.hold(meter.muid, range(10, 12))
        assert repair_gaps() == 1
        ingest_run(Run.objects.get().pk)
        assert on_record(meter.muid) == [(10, 12, 0, "filled"), (300, 320, 20, "open")]
        assert Gap.objects.get(missing=20).tries == 1
        # Once a day it is enough to look; whoever wants it sooner says so.
        assert repair_gaps() == 0
        fill(meter.muid, 300, 320)
        assert repair_gaps() == 0
        assert on_record(meter.muid)[1][3] == "open"
        look_soon()
        assert repair_gaps() == 0
        assert on_record(meter.muid)[1][3] == "filled"


def test_each_tenant_sees_to_its_own_gaps(
    acme: Customer, nordwind: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def note(*_: object, **__: object) -> None:
        sent.append(current_schema())

    monkeypatch.setattr(repair_gaps, "delay", note)
    with in_public():
        assert upkeep() == 2
    assert sent == sorted(one.tenant.schema_name for one in (acme, nordwind))


def test_repairs_keep_no_sweep_from_being_planned() -> None:
    meter = make_meter()
    source = make_source("http://127.0.0.1:1", meter)
    store_without(meter.muid, [(300, 320)])
    repair_gaps()
    assert Run.objects.get().trigger == Run.Trigger.REPAIR
    assert list(Source.objects.due(source.next_sweep_at + timedelta(hours=1))) == [source]
