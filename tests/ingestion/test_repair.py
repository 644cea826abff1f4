"""Holes between stored readings: found, asked for again, filled; and what is left alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from ingestion.models import ReadingRevision, Run
from ingestion.repair import find_gaps, find_repairs
from ingestion.simulator.server import running_simulator
from ingestion.simulator.synthetic import SyntheticMeter, readings
from ingestion.store import store
from meters.gaps import Gap
from tests.ingestion.plant import EXPORT, IMPORT, QUARTER, batch, make_meter, make_source, stored
from tests.ingestion.plant import check_rows as check

pytestmark = pytest.mark.usefixtures("in_acme")

# Over the change of the clocks in autumn.
START = datetime(2023, 10, 25, tzinfo=UTC)
BEGIN, DAY = int(START.timestamp()), 86_400
COUNT = 8 * 96


def served(number: int) -> SyntheticMeter:
    return SyntheticMeter(str(UUID(int=number, version=4)), "household", "H", "Europe/Zurich", 1)


def store_without(muid: UUID, holes: list[tuple[int, int]], *, obis: str = IMPORT) -> None:
    """Store eight days of readings but for these slots, each from one to another."""
    left = [n for n in range(COUNT) if not any(low <= n < high for low, high in holes)]
    store(batch(muid, [(BEGIN + QUARTER * n, 1.0) for n in left], obis=obis))


def gap(low: int, high: int) -> Gap:
    return Gap(BEGIN + QUARTER * low, BEGIN + QUARTER * high, high - low)


def test_holes_are_found_in_each_register() -> None:
    meter = make_meter()
    store_without(meter.muid, [(10, 12), (300, 500)])
    store_without(meter.muid, [(0, 40), (700, COUNT)], obis=EXPORT)
    # A register is expected from its first reading on, and as long as others of the meter read.
    assert find_gaps(meter) == [gap(10, 12), gap(300, 500), gap(700, COUNT)]
    assert find_gaps(meter, BEGIN + QUARTER * 11, BEGIN + QUARTER * 310) == [
        gap(11, 12),
        gap(300, 310),
    ]
    meter.commissioned_at = START + timedelta(days=4)
    meter.removed_at = START + timedelta(days=6)
    assert find_gaps(meter) == [gap(384, 500)]


def test_a_register_that_has_ended_lacks_nothing_after() -> None:
    meter = make_meter()
    store_without(meter.muid, [(5, 6)], obis=EXPORT)
    later = BEGIN + 60 * DAY
    store(batch(meter.muid, [(later + QUARTER * n, 1.0) for n in range(96)]))
    assert find_gaps(meter) == [gap(5, 6)]


def test_what_was_deleted_by_hand_is_not_asked_for() -> None:
    meter = make_meter()
    store_without(meter.muid, [(10, 12)])
    ReadingRevision.objects.create(
        register=meter.registers.get(),
        day=START.date(),
        first=START,
        interval=QUARTER,
        slots=[10],
        values=[1.0],
        qualities=[1],
        version=1,
        act=ReadingRevision.Act.DELETE,
    )
    assert find_gaps(meter) == [gap(11, 12)]


def test_one_window_serves_neighbouring_gaps_and_all_meters() -> None:
    meters = [make_meter(f"Meter {n}") for n in range(3)]
    source = make_source("http://x", *meters, limit=5000)
    store_without(meters[0].muid, [(100, 200), (300, 301)])
    store_without(meters[1].muid, [(100, 220)])
    store_without(meters[2].muid, [])
    (repair,) = find_repairs(source=source)
    assert repair.only == (meters[0].muid, meters[1].muid)
    assert repair.start == START + timedelta(minutes=15 * 100)
    assert repair.stop == START + timedelta(minutes=15 * 301)
    assert repair.missing == 100 + 1 + 120
    # A smaller limit asks in more windows.
    source.limit = 100
    assert len(find_repairs(source=source, only=[meters[0].muid])) == 2


def test_the_command_fills_what_the_upstream_has(capsys: pytest.CaptureFixture[str]) -> None:
    meters = [served(n) for n in (1, 2)]
    made = [make_meter(f"Meter {n}", muid=UUID(one.muid)) for n, one in enumerate(meters)]
    with running_simulator(meters=meters) as simulator:
        source = make_source(simulator.base_url, *made)
        for meter in made:
            store_without(meter.muid, [(100, 140), (400, 500)])
        call_command("repair_gaps", tenant="acme", dry_run=True)
        assert not Run.objects.exists()
        told = capsys.readouterr().out
        assert "280 intervals of 2 meters are missing from 2023-10-26 01:00 to" in told
        call_command("repair_gaps", tenant="acme")
        told = capsys.readouterr().out
        assert "280 came, 0 are missing still." in told
        assert find_repairs(source=source) == []
        call_command("repair_gaps", tenant="acme")
        assert "nothing is missing." in capsys.readouterr().out
    for meter, one in zip(made, meters, strict=True):
        made_up = readings(one, BEGIN, BEGIN + 8 * DAY)
        truth = dict(zip(made_up.instants.tolist(), made_up.values.tolist(), strict=True))
        held = stored(meter.muid)
        for n in (100, 139, 400, 499):
            at = BEGIN + QUARTER * n
            assert held[at][0] == pytest.approx(truth[at])
    check()


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
    assert find_gaps(meter) == [gap(10, 12)]
