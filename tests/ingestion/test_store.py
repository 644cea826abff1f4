"""The one writer, on the real table: what it stores equals a plain dictionary."""

from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.batch import Batch, Reason, RegisterKey, Rejection
from ingestion.lease import LostLeaseError
from ingestion.models import Outcome, RejectedReading, Run
from ingestion.record import MOST_KEPT, Counts
from ingestion.registers import UnknownMeterError
from ingestion.store import Context, store
from meters.models import DailyProfile, Register
from tests.ingestion.plant import (
    EXPORT,
    IMPORT,
    JANUARY,
    QUARTER,
    Readings,
    batch,
    check_rows,
    fingerprint,
    make_meter,
    queries,
    stored,
)

pytestmark = pytest.mark.usefixtures("in_acme")

DAY = 86_400
# Eight days around the change to summer time in Zurich, so that days of 92 slots are among them.
SPRING = 1_679_529_600  # 2023-03-23T00:00Z


def quarters(first: int, count: int, value: float = 1.0) -> list[tuple[int, float]]:
    return [(first + i * QUARTER, value + i) for i in range(count)]


@st.composite
def writes(draw: st.DrawFn) -> list[tuple[int, int, list[float], int]]:
    """Some writes: which of two registers, from which slot on, the values and their quality."""
    values = st.sampled_from([0.0, 0.25, 1.5, -0.75, 1e-9, 12345.678])
    return draw(
        st.lists(
            st.tuples(
                st.integers(0, 1),
                st.integers(0, 8 * 96),
                st.lists(values, min_size=4, max_size=150),
                st.sampled_from([1, 2]),
            ),
            min_size=1,
            max_size=6,
        )
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sequence=writes())
def test_any_sequence_of_batches_equals_a_dictionary(
    sequence: list[tuple[int, int, list[float], int]],
) -> None:
    meter = make_meter()
    expected: dict[str, Readings] = {IMPORT: {}, EXPORT: {}}
    for which, slot, values, quality in sequence:
        obis = (IMPORT, EXPORT)[which]
        readings = [(SPRING + (slot + i) * QUARTER, value) for i, value in enumerate(values)]
        known = expected[obis]
        new = sum(at not in known for at, _ in readings)
        corrected = sum(at in known and known[at] != (v, quality) for at, v in readings)
        done = store(batch(meter.muid, readings, obis=obis, quality=quality))
        assert done.counts == Counts(new, corrected, len(readings) - new - corrected)
        assert done.by_meter == {meter.muid: done.counts}
        known |= {at: (value, quality) for at, value in readings}
        before = fingerprint()
        again = store(batch(meter.muid, readings, obis=obis, quality=quality))
        assert again.counts == Counts(unchanged=len(readings))
        assert again.rows_written == 0
        assert fingerprint() == before
    for obis, readings_of_register in expected.items():
        assert stored(meter.muid, obis) == readings_of_register
    check_rows()


def test_registers_of_two_zones_in_one_batch() -> None:
    zurich, auckland = make_meter("Zurich"), make_meter("Auckland", zone="Pacific/Auckland")
    readings = quarters(JANUARY, 96)
    both = Batch.concat(
        [batch(zurich.muid, readings), batch(auckland.muid, readings)], [len(readings)] * 2
    )
    # Their readings arrive turn by turn, as in a file sorted by time.
    order = np.argsort(both.instants, kind="stable")
    both = Batch(
        both.keys,
        *(getattr(both, c)[order] for c in ("index", "instants", "values", "qualities", "row")),
    )
    done = store(both)
    assert done.by_meter == {zurich.muid: Counts(new=96), auckland.muid: Counts(new=96)}
    for meter in (zurich, auckland):
        assert stored(meter.muid) == {at: (value, 1) for at, value in readings}
    days = DailyProfile.objects.order_by("register__meter__name", "day")
    assert [(str(row.day), row.count) for row in days] == [
        ("2023-01-01", 44),  # Auckland is 13 hours ahead
        ("2023-01-02", 52),
        ("2023-01-01", 92),  # Zurich is 1 hour ahead
        ("2023-01-02", 4),
    ]
    versions = DailyProfile.objects.values_list("version", flat=True).distinct()
    assert len(versions) == 1
    assert store(both).rows_written == 0


def test_a_register_whose_interval_changes() -> None:
    meter = make_meter(zone="UTC")
    store(batch(meter.muid, quarters(JANUARY, 96)))
    assert Register.objects.get().interval == 900
    fine = [(JANUARY + DAY + i * 300, 0.1) for i in range(288)]
    assert store(batch(meter.muid, fine)).counts == Counts(new=288)
    assert Register.objects.get().interval == 300
    # Within a day of quarter-hours, five-minute readings are refused: energy is never spread.
    odd = [(JANUARY + 3000 + i * 300, 0.1) for i in range(12)]
    before = stored(meter.muid)
    done = store(batch(meter.muid, odd))
    assert done.counts == Counts(rejected=12)
    assert done.by_meter == {meter.muid: done.counts}
    assert stored(meter.muid) == before
    rejected = RejectedReading.objects.all()
    assert {(r.meter_id, r.reason, r.code) for r in rejected} == {(meter.pk, "interval", IMPORT)}
    intervals = DailyProfile.objects.order_by("day").values_list("interval", "count")
    assert list(intervals) == [(900, 96), (300, 288)]
    check_rows()


def test_versions_rise_and_only_changed_days_get_one() -> None:
    meter = make_meter(zone="UTC")
    store(batch(meter.muid, quarters(JANUARY, 3 * 96)))
    (old,) = set(DailyProfile.objects.values_list("version", flat=True))
    store(batch(meter.muid, [(JANUARY + DAY, 99.0)]))
    versions = list(DailyProfile.objects.order_by("day").values_list("version", flat=True))
    assert versions[0] == versions[2] == old < versions[1]


def test_unknown_meters_are_told_and_nothing_is_stored() -> None:
    meter, strangers = make_meter(), sorted([uuid4(), uuid4()], key=str)
    batches = [batch(muid, quarters(JANUARY, 4)) for muid in (meter.muid, *strangers)]
    batches.append(batch(strangers[0], quarters(JANUARY, 4), obis=EXPORT))
    with pytest.raises(UnknownMeterError) as caught:
        store(Batch.concat(batches, [4] * 4))
    assert str(caught.value) == (
        f"There is no meter {strangers[0]} here, nor 1 others. Register it first."
    )
    assert not Register.objects.exists()
    with pytest.raises(UnknownMeterError, match=f"no meter {strangers[0]} here. Register it first"):
        store(batch(strangers[0], quarters(JANUARY, 4)))


def test_an_empty_batch_writes_nothing() -> None:
    before = fingerprint()
    assert store(Batch.empty()).counts == Counts()
    assert fingerprint() == before


def test_a_rehearsal_keeps_nothing() -> None:
    meter = make_meter()
    refused = [Rejection(Reason.VALUE, "words", "raw", str(meter.muid), IMPORT, "t")]
    done = store(
        batch(meter.muid, quarters(JANUARY, 96)), rejections=refused, context=Context(keep=False)
    )
    assert done.counts == Counts(new=96, rejected=1)
    assert not DailyProfile.objects.exists()
    assert not Register.objects.exists()
    assert not RejectedReading.objects.exists()


# --- What was refused ---------------------------------------------------------------------------


def rejection(muid: UUID | str, raw: str = '{"a": 1}', **more: str) -> Rejection:
    fields = {"code": "0100011D00FF", "timestamp": "2023-01-01T00:00:00Z", **more}
    return Rejection(Reason.VALUE, "the value 'x' is not a number", raw, str(muid), **fields)


def test_the_same_rejection_is_kept_once_and_counted() -> None:
    meter = make_meter()
    first = Run.objects.create(trigger=Run.Trigger.COMMAND)
    second = Run.objects.create(trigger=Run.Trigger.COMMAND)
    one, other = rejection(meter.muid), rejection(meter.muid, raw='{"a": 2}')
    done = store(Batch.empty(), rejections=[one, other, one], context=Context(run=first))
    assert done.counts == Counts(rejected=3)
    assert sorted(RejectedReading.objects.values_list("times", flat=True)) == [1, 2]
    store(Batch.empty(), rejections=[one], context=Context(run=second))
    kept = RejectedReading.objects.get(raw=one.raw)
    assert (kept.times, kept.run, kept.meter) == (3, second, meter)
    assert kept.first_seen_at < kept.last_seen_at
    assert RejectedReading.objects.get(raw=other.raw).run == first
    first.refresh_from_db()
    assert (first.rejected, Outcome.objects.get(run=first).rejected) == (3, 3)


@pytest.mark.parametrize(
    "text", ["a\0b", "half \ud83d of one", "\udc80" * 70, "\0" * 70, "😀" * 70]
)
def test_any_text_is_storable(text: str) -> None:
    one = rejection(text, raw=text, code=text, timestamp=text)
    store(Batch.empty(), rejections=[one])
    kept = RejectedReading.objects.get()
    assert kept.meter is None
    assert kept.raw.encode()
    assert len(kept.muid) <= 64
    store(Batch.empty(), rejections=[one])
    kept.refresh_from_db()
    assert kept.times == 2


def test_of_many_rejections_some_are_kept_and_all_counted() -> None:
    meter = make_meter()
    run = Run.objects.create(trigger=Run.Trigger.COMMAND)
    context = Context(run=run, asked=meter.muid)
    for part in range(5):
        many = [rejection(meter.muid, raw=str(part * 1000 + n)) for n in range(1000)]
        done = store(Batch.empty(), rejections=many, context=context)
        assert done.counts == Counts(rejected=1000)
        assert len(done.warnings.get(meter.muid, [])) == (part > 0)
    run.refresh_from_db()
    outcome = Outcome.objects.get()
    assert run.rejected == outcome.rejected == 5000
    assert RejectedReading.objects.count() == MOST_KEPT
    (warning,) = outcome.warnings
    assert warning.startswith("More than 1,000 readings of one run were refused")
    # Another run has room of its own.
    other = Run.objects.create(trigger=Run.Trigger.COMMAND)
    store(Batch.empty(), rejections=[rejection(meter.muid, raw="new")], context=Context(run=other))
    assert RejectedReading.objects.filter(run=other).count() == 1


def test_refused_readings_of_another_meter_are_put_down_to_the_one_asked_for() -> None:
    asked, other = make_meter("asked"), make_meter("other")
    run = Run.objects.create(trigger=Run.Trigger.COMMAND)
    refused = [rejection(other.muid), rejection("no muid at all"), rejection("")]
    done = store(
        batch(asked.muid, quarters(JANUARY, 4)),
        rejections=refused,
        context=Context(run=run, asked=asked.muid),
    )
    assert done.by_meter == {asked.muid: Counts(new=4, rejected=3)}
    assert Outcome.objects.get().meter == asked
    assert set(RejectedReading.objects.values_list("meter", flat=True)) == {asked.pk}
    assert str(other.muid) in RejectedReading.objects.values_list("muid", flat=True)


# --- Runs ---------------------------------------------------------------------------------------


def test_a_run_that_was_taken_over_stores_nothing() -> None:
    meter = make_meter()
    mine = Run.objects.create(trigger=Run.Trigger.COMMAND, worker="me")
    Run.objects.update(worker="somebody else")
    with pytest.raises(LostLeaseError):
        store(batch(meter.muid, quarters(JANUARY, 4)), context=Context(run=mine))
    assert not DailyProfile.objects.exists()
    mine.refresh_from_db()
    assert mine.new == 0


def test_warnings_are_put_on_record_once() -> None:
    meter = make_meter()
    run = Run.objects.create(trigger=Run.Trigger.COMMAND)
    context = Context(run=run, asked=meter.muid, remarks=["odd"], spent={"requests": 2, "bytes": 9})
    for _ in range(2):
        store(batch(meter.muid, [(JANUARY, 1.0), (JANUARY, 2.0)]), context=context)
    assert sorted(Outcome.objects.get().warnings) == [
        "1 readings came twice with different values; the last one holds.",
        "odd",
    ]
    assert stored(meter.muid) == {JANUARY: (2.0, 1)}
    run.refresh_from_db()
    assert (run.new, run.unchanged, run.requests, run.bytes) == (1, 1, 4, 18)


def test_queries_of_one_batch() -> None:
    """What storing costs, whatever the number of readings, days and corrections.

    COPY does not pass where statements are counted: one more reads the days of each zone, and one
    each writes new days, changed ones and what was in these before.
    """
    meters = [make_meter(f"Meter {n}") for n in range(3)]
    run = Run.objects.create(trigger=Run.Trigger.COMMAND)

    def statements(value: float, start: int = JANUARY, n: int = 960) -> list[str]:
        batches = [batch(meter.muid, quarters(start, n, value)) for meter in meters]
        with queries() as told:
            store(Batch.concat(batches, [n] * len(batches)), context=Context(run=run))
        return told

    find_registers, grow_run = "SELECT meters_register", "UPDATE ingestion_run"
    assert statements(1.0) == [
        find_registers,
        "SELECT meters_meter",  # one writer at a time makes registers
        "WITH meters_register",  # they are counted and made
        "SELECT reading_version",
        "UPDATE meters_register",  # their interval has been shown
        grow_run,
        "INSERT ingestion_outcome",
    ]
    assert statements(1.0) == [find_registers, grow_run]
    written_over = [
        find_registers,
        "SELECT ingestion_readingrevision",  # what was done by hand on those days
        "SELECT reading_version",
        "CREATE lastgang_day_upload",
        "DELETE lastgang_day_upload",
        "UPDATE daily_profile",
        grow_run,
        "INSERT ingestion_outcome",
    ]
    assert statements(2.0) == written_over
    assert statements(2.0, start=JANUARY + 960 * QUARTER, n=1) == written_over, "one new reading"


def test_keys_that_no_reading_belongs_to_are_harmless() -> None:
    meter = make_meter()
    one = batch(meter.muid, quarters(JANUARY, 4))
    more = Batch(
        (*one.keys, RegisterKey(meter.muid, EXPORT, "energy")),
        one.index, one.instants, one.values, one.qualities, one.row,
    )  # fmt: skip
    assert store(more).counts == Counts(new=4)
