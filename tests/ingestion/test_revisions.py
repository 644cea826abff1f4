"""What corrections replaced is kept, so that every earlier state can be told."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.batch import Batch
from ingestion.models import ReadingRevision, Run
from ingestion.record import Counts
from ingestion.store import Context, store
from meters.models import DailyProfile
from meters.qualities import Quality
from tests.ingestion.plant import JANUARY, QUARTER, Readings, batch, make_meter, stored

pytestmark = pytest.mark.usefixtures("in_acme")


def before(version: int, state: Readings) -> Readings:
    """Take back what corrections of this version or a later one replaced, the latest first."""
    state = dict(state)
    for revision in ReadingRevision.objects.filter(version__gte=version).order_by("-version"):
        for when, value, quality in revision.readings():
            if value is None:
                state.pop(int(when.timestamp()), None)
            else:
                state[int(when.timestamp())] = value, quality
    return state


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    writes=st.lists(
        st.tuples(
            st.integers(0, 300),
            st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=4, max_size=120),
            st.sampled_from([1, 2]),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_every_earlier_state_can_be_told(writes: list[tuple[int, list[float], int]]) -> None:
    meter = make_meter()
    history: list[tuple[int, Readings]] = []
    for slot, values, quality in writes:
        readings = [(JANUARY + (slot + i) * QUARTER, value) for i, value in enumerate(values)]
        earlier = stored(meter.muid)
        run = Run.objects.create(trigger=Run.Trigger.COMMAND)
        done = store(batch(meter.muid, readings, quality=quality), context=Context(run=run))
        replaced = sum(revision.replaced for revision in run.revisions.all())
        assert replaced == done.counts.corrected
        if done.rows_written:
            version = max(DailyProfile.objects.values_list("version", flat=True))
            history.append((version, earlier))
    latest = stored(meter.muid)
    for version, state in history:
        told = before(version, latest)
        assert {at: told[at] for at in state} == state


def test_a_revision_says_what_was_there_and_who_replaced_it() -> None:
    meter = make_meter()
    store(batch(meter.muid, [(JANUARY + i * QUARTER, float(i)) for i in range(96)]))
    run = Run.objects.create(trigger=Run.Trigger.COMMAND)
    corrections = [(JANUARY + QUARTER, 10.0), (JANUARY + 3 * QUARTER, 30.0)]
    done = store(batch(meter.muid, corrections, quality=2), context=Context(run=run))
    assert done.counts == Counts(corrected=2)
    revision = ReadingRevision.objects.get()
    assert revision.run == run
    assert str(revision.day) == "2023-01-01"
    start = datetime(2023, 1, 1, tzinfo=UTC)
    assert revision.readings() == [
        (start + timedelta(minutes=15), 1.0, Quality.MEASURED),
        (start + timedelta(minutes=45), 3.0, Quality.MEASURED),
    ]
    (row,) = DailyProfile.objects.filter(day="2023-01-01")
    assert revision.version == row.version


def test_a_better_quality_alone_is_a_correction() -> None:
    meter = make_meter()
    readings = [(JANUARY + i * QUARTER, float(i)) for i in range(8)]
    store(batch(meter.muid, readings, quality=2))
    done = store(batch(meter.muid, readings, quality=1))
    assert done.counts == Counts(corrected=8)
    assert {quality for _, quality in stored(meter.muid).values()} == {1}
    assert {q for r in ReadingRevision.objects.all() for q in r.qualities} == {2}


def test_a_day_that_is_cut_anew_keeps_what_was_replaced() -> None:
    """Two half-hourly readings, and later the quarter-hours between them, one of them corrected."""
    meter = make_meter(zone="UTC")
    store(batch(meter.muid, [(JANUARY, 0.0), (JANUARY + 1800, 1.0)]))
    assert DailyProfile.objects.get().interval == 1800
    readings = [(JANUARY + i * QUARTER, i / 2) for i in range(96)]
    readings[2] = JANUARY + 1800, 77.0
    done = store(batch(meter.muid, readings))
    assert done.counts == Counts(new=94, corrected=1, unchanged=1)
    assert DailyProfile.objects.get().interval == 900
    (revision,) = ReadingRevision.objects.all()
    # Told in the slots of the row that took the place.
    assert revision.interval == 900
    assert revision.replaced == 1
    was_there = [(int(w.timestamp()), v) for w, v, _ in revision.readings() if v is not None]
    assert was_there == [(JANUARY + 1800, 1.0)]
    # What arrived along with the correction had been missing.
    assert len(revision.slots) == 95
    assert stored(meter.muid) == {at: (value, 1) for at, value in readings}


def test_corrections_of_many_days_make_a_row_for_each() -> None:
    meter = make_meter(zone="UTC")
    readings = [(JANUARY + i * QUARTER, 1.0) for i in range(400 * 96)]
    store(batch(meter.muid, readings))
    done = store(batch(meter.muid, [(at, 2.0) for at, _ in readings]))
    assert done.counts == Counts(corrected=400 * 96)
    assert ReadingRevision.objects.count() == 400
    # Deleting a run leaves what it replaced.
    run = Run.objects.create(trigger=Run.Trigger.COMMAND)
    store(batch(meter.muid, readings[:1]), context=Context(run=run))
    run.delete()
    assert ReadingRevision.objects.filter(run=None).count() == 401
    assert store(Batch.empty()).counts == Counts()
