"""The challenge's two recorded responses, from end to end, by each way in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from ingestion.files import RowsFile, ingest_file
from ingestion.models import Outcome, ReadingRevision, Run, Source
from ingestion.record import Counts
from ingestion.results import RunResult
from ingestion.simulator.server import running_simulator
from meters.models import Meter
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT
from tests.ingestion.plant import (
    EXPORT,
    IMPORT,
    check_rows,
    fingerprint,
    make_meter,
    make_source,
    stored,
    sweep,
)
from tests.ingestion.upstreams import static_files

START, STOP = datetime(2023, 2, 1, tzinfo=UTC), datetime(2023, 3, 1, tzinfo=UTC)
FIRST, LAST = int(START.timestamp()), int(STOP.timestamp()) - 900
EXPECTED = {
    UUID(RECORDED_IMPORT): (IMPORT, 97.6082),
    UUID(RECORDED_EXPORT): (EXPORT, 36.19725),
}
WINDOW = {"start": START, "stop": STOP}


@pytest.fixture
def meters(in_acme: object) -> list[Meter]:
    return [make_meter(str(muid)[:8], muid=muid) for muid in EXPECTED]


def check_readings() -> None:
    for muid, (obis, energy) in EXPECTED.items():
        readings = stored(muid, obis)
        assert len(readings) == 2688
        assert (min(readings), max(readings)) == (FIRST, LAST)
        assert sum(value for value, _ in readings.values()) == pytest.approx(energy, abs=1e-9)
        assert {quality for _, quality in readings.values()} == {1}
    # 28 UTC days touch 29 local ones in Zurich.
    assert check_rows() == 58


def check_run(result: RunResult, expected: Counts) -> None:
    run = result.run
    assert (run.state, run.error, run.failed, run.meters) == (Run.State.SUCCEEDED, "", 0, 2)
    assert Counts(run.new, run.corrected, run.unchanged, run.rejected) == expected
    assert result.counts == expected
    told = {outcome.meter.muid: outcome for outcome in Outcome.objects.filter(run=run)}
    for meter in result.meters:
        assert not meter.error
        assert meter.is_done
        one = told.get(meter.muid)
        assert (one is not None) == meter.counts.is_news
        if one:
            counts = Counts(one.new, one.corrected, one.unchanged, one.rejected)
            assert counts == meter.counts


@contextmanager
def simulated(recordings: Path) -> Iterator[str]:
    with running_simulator(recordings=recordings) as simulator:
        yield simulator.base_url


@contextmanager
def as_static_files(recordings: Path) -> Iterator[str]:
    with static_files(recordings) as address:
        yield address + "/{muid}.json"


BOTH = pytest.mark.parametrize("served", [simulated, as_static_files])


@pytest.fixture
def altered(recordings: Path, tmp_path: Path) -> Path:
    """The recordings, after one value of the import meter was corrected upstream."""
    for muid in EXPECTED:
        document = json.loads((recordings / f"{muid}.json").read_text())
        if str(muid) == RECORDED_IMPORT:
            row = next(r for r in document["data"] if r["timestamp"] == "2023-02-14T12:00:00.000Z")
            row["0100011D00FF"] = 1.25
        (tmp_path / f"{muid}.json").write_text(json.dumps(document))
    return tmp_path


CORRECTED_AT = int(datetime(2023, 2, 14, 12, tzinfo=UTC).timestamp())


@BOTH
def test_over_http_then_again_then_corrected(
    meters: list[Meter], recordings: Path, altered: Path, served: object
) -> None:
    with served(recordings) as address:  # type: ignore[operator]
        source = make_source(address, *meters)
        check_run(sweep(source, **WINDOW), Counts(new=5376))
        check_readings()
        before = fingerprint()
        check_run(sweep(source, **WINDOW), Counts(unchanged=5376))
        assert fingerprint() == before
        old = stored(UUID(RECORDED_IMPORT))[CORRECTED_AT]
    with served(altered) as address:  # type: ignore[operator]
        Source.objects.update(address=address)
        source.refresh_from_db()
        result = sweep(source, **WINDOW)
        check_run(result, Counts(corrected=1, unchanged=5375))
    revision = ReadingRevision.objects.get()
    assert revision.run == result.run
    assert revision.register.meter.muid == UUID(RECORDED_IMPORT)
    assert revision.readings() == [(datetime.fromtimestamp(CORRECTED_AT, UTC), *old)]
    assert stored(UUID(RECORDED_IMPORT))[CORRECTED_AT] == (1.25, 1)
    after = fingerprint()
    rewritten = set(after["rows"]) - set(before["rows"])
    assert [str(row[1]) for row in rewritten] == ["2023-02-14"]
    check_rows()


@BOTH
def test_a_window_is_kept_whatever_the_source_sends(
    meters: list[Meter], recordings: Path, served: object
) -> None:
    start, stop = datetime(2023, 2, 10, tzinfo=UTC), datetime(2023, 2, 12, tzinfo=UTC)
    with served(recordings) as address:  # type: ignore[operator]
        source = make_source(address, *meters)
        check_run(sweep(source, start=start, stop=stop), Counts(new=384))
        for muid, (obis, _) in EXPECTED.items():
            instants = stored(muid, obis)
            assert (min(instants), max(instants)) == (start.timestamp(), stop.timestamp() - 900)


@BOTH
@pytest.mark.parametrize("limit", [500, 2688])
def test_a_small_limit_brings_the_same(
    meters: list[Meter], recordings: Path, served: object, limit: int
) -> None:
    """Full pages are read on; a file that ignores the limit is one page, and known as such."""
    with served(recordings) as address:  # type: ignore[operator]
        source = make_source(address, *meters, limit=limit)
        result = sweep(source, **WINDOW)
        assert result.counts.new == 5376
        assert result.run.state == Run.State.SUCCEEDED
        check_readings()
        again = sweep(source, **WINDOW)
        assert again.counts == Counts(unchanged=5376)


def test_the_schedule_goes_on_from_what_is_stored(meters: list[Meter], recordings: Path) -> None:
    with running_simulator(recordings=recordings) as simulator:
        source = make_source(simulator.base_url, *meters, backfill_from=START, reread_hours=24)
        check_run(sweep(source), Counts(new=5376))
        check_readings()
        # The second sweep asks for the last day alone, though years have passed since.
        check_run(sweep(source), Counts(unchanged=2 * 96))


def test_from_a_file(meters: list[Meter], recordings: Path, altered: Path) -> None:
    for muid, (obis, energy) in EXPECTED.items():
        rows = json.loads((recordings / f"{muid}.json").read_text())["data"]
        result = ingest_file(RowsFile(rows), worker="tester")
        assert result.counts == Counts(new=2688)
        assert result.run.state == Run.State.SUCCEEDED
        assert sum(v for v, _ in stored(muid, obis).values()) == pytest.approx(energy, abs=1e-9)
    check_readings()
    before = fingerprint()
    both = [
        row
        for muid in EXPECTED
        for row in json.loads((recordings / f"{muid}.json").read_text())["data"]
    ]
    check_run(ingest_file(RowsFile(both), worker="tester"), Counts(unchanged=5376))
    assert fingerprint() == before
    rows = json.loads((altered / f"{RECORDED_IMPORT}.json").read_text())["data"]
    result = ingest_file(RowsFile(rows), worker="tester")
    assert result.counts == Counts(corrected=1, unchanged=2687)
    assert ReadingRevision.objects.get().run == result.run
