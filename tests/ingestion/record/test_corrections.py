"""Readings corrected, deleted and restored by hand, one case at a time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from accounts.models import User
from ingestion.corrections import (
    ChangedMeanwhileError,
    CorrectionError,
    Range,
    delete_readings,
    planned_set,
    restore_readings,
    set_readings,
)
from ingestion.files import RowsFile, ingest_file
from ingestion.history import changes_of, history
from ingestion.models import Outcome, ReadingRevision, Run
from ingestion.record import Counts
from ingestion.store import store
from meters.health import State, health
from meters.models import DailyProfile, Meter, Register
from meters.profiles import first_reading, last_reading_end
from meters.qualities import Quality
from tests.ingestion.plant import JANUARY, QUARTER, batch, check_days, make_meter, stored

pytestmark = pytest.mark.usefixtures("in_acme")

DAY = 86_400


@pytest.fixture
def author() -> User:
    return User.objects.get()


def a_day(zone: str = "UTC", count: int = 96, value: float = 1.0) -> Register:
    meter = make_meter(zone=zone)
    store(batch(meter.muid, [(JANUARY + i * QUARTER, value) for i in range(count)]))
    return Register.objects.select_related("meter").get(meter=meter)


def at(register: Register, slot: int, slots: int = 1, seen: int | None = None) -> Range:
    start = JANUARY + slot * QUARTER
    return Range(register, start, start + slots * QUARTER, seen)


def one(register: Register, slot: int) -> tuple[float, int] | None:
    return stored(register.meter.muid).get(JANUARY + slot * QUARTER)


def send(register: Register, slot: int, value: object) -> Run:
    """Let a source send one reading in the upstream's shape."""
    when = datetime.fromtimestamp(JANUARY + slot * QUARTER, UTC)
    row = {
        "measurement": "energy",
        "timestamp": when.isoformat().replace("+00:00", "Z"),
        "tags": {"muid": str(register.meter.muid), "quality": "measured"},
        "0100011D00FF": value,
    }
    return ingest_file(RowsFile([row]), worker="test").run


def warnings(run: Run) -> list[str]:
    return [words for one in Outcome.objects.filter(run=run) for words in one.warnings]


def test_one_interval_is_set(author: User) -> None:
    register = a_day()
    done = set_readings(
        where=at(register, 3),
        value=0.25,
        quality=Quality.SUBSTITUTED,
        author=author,
        reason="  The meter was\nexchanged. ",
    )
    assert (done.changed, done.unchanged) == (1, 0)
    assert one(register, 3) == (0.25, Quality.SUBSTITUTED)
    [revision] = done.revisions
    assert (revision.author, revision.reason) == (author, "The meter was exchanged.")
    assert revision.act == ReadingRevision.Act.SET
    assert revision.run is None
    [(when, value, quality)] = revision.readings()
    assert (int(when.timestamp()), value, quality) == (JANUARY + 3 * QUARTER, 1.0, 1)
    row = DailyProfile.objects.get(register=register)
    assert row.version == revision.version
    assert row.total == 95.25
    assert row.quality is None
    check_days()


def test_the_same_again_changes_nothing(author: User) -> None:
    register = a_day()
    more = {"value": 1.0, "quality": Quality.MEASURED, "author": author, "reason": "x"}
    done = set_readings(where=at(register, 3, 5), **more)
    assert (done.changed, done.unchanged, done.revisions) == (0, 5, ())
    assert not ReadingRevision.objects.exists()


def test_a_quality_alone(author: User) -> None:
    register = a_day(count=10)
    done = set_readings(
        where=at(register, 5, 20),
        value=None,
        quality=Quality.ESTIMATED,
        author=author,
        reason="x",
    )
    assert done.changed == 5, "intervals without a reading stay without"
    assert one(register, 7) == (1.0, Quality.ESTIMATED)
    assert one(register, 12) is None


def test_a_value_alone_keeps_qualities(author: User) -> None:
    register = a_day(count=10)
    set_readings(where=at(register, 8, 4), value=9.0, quality=None, author=author, reason="x")
    assert one(register, 9) == (9.0, Quality.MEASURED)
    assert one(register, 11) == (9.0, Quality.SUBSTITUTED)
    [before, after] = history(register, date(2023, 1, 1))
    assert len(before.readings) == 10
    assert len(after.readings) == 12


def test_a_day_of_which_nothing_is_stored(author: User) -> None:
    register = a_day()
    done = set_readings(
        where=at(register, 10 * 96 + 4, 4),
        value=0.5,
        quality=Quality.ESTIMATED,
        author=author,
        reason="x",
    )
    assert done.changed == 4
    [revision] = done.revisions
    assert revision.replaced == 0
    assert {quality for _, _, quality in revision.readings()} == {Quality.MISSING}
    restore_readings(revision=revision, author=author, reason="x")
    assert one(register, 10 * 96 + 4) is None
    check_days()


def test_deleted_readings_are_missing_and_come_back(author: User) -> None:
    register = a_day()
    before = stored(register.meter.muid)
    done = delete_readings(where=at(register, 90, 30), author=author, reason="Test readings.")
    assert done.changed == 6
    row = DailyProfile.objects.get(register=register)
    assert row.values[90:] == [None] * 6
    assert (row.count, len(row.values), row.total) == (90, 96, 90.0)
    [revision] = done.revisions
    restored = restore_readings(revision=revision, author=author, reason="They were real.")
    assert restored.changed == 6
    assert stored(register.meter.muid) == before
    # The restoring can be taken back, too.
    restore_readings(revision=restored.revisions[0], author=author, reason="x")
    assert len(stored(register.meter.muid)) == 90


def test_a_whole_day_deleted_leaves_an_empty_row(author: User) -> None:
    register = a_day(count=2 * 96)
    delete_readings(where=at(register, 96, 96), author=author, reason="x")
    row = DailyProfile.objects.get(register=register, day="2023-01-02")
    assert (row.count, row.total, row.quality) == (0, None, None)
    # The latest reading is that of the day before, for people and for the next sweep.
    assert last_reading_end(register.meter) == JANUARY + DAY
    meter = Meter.objects.all().with_registers().get()
    assert health([meter], JANUARY + DAY)[meter.pk].last_end == JANUARY + DAY
    delete_readings(where=at(register, 0, 96), author=author, reason="x")
    assert first_reading([register.pk]) is None
    assert health([meter], JANUARY + DAY)[meter.pk].state == State.EMPTY
    assert store(
        batch(register.meter.muid, [(JANUARY + i * QUARTER, 2.0) for i in range(4)])
    ).counts == Counts(new=4)
    check_days()


def test_a_slot_tells_its_history(author: User) -> None:
    register = a_day()
    set_readings(where=at(register, 3), value=2.0, quality=None, author=author, reason="one")
    delete_readings(where=at(register, 2, 3), author=author, reason="two")
    set_readings(where=at(register, 9), value=5.0, quality=None, author=author, reason="three")
    told = changes_of(history(register, date(2023, 1, 1)), JANUARY + 3 * QUARTER)
    assert [(one.before, one.after, one.revision.reason) for one in told] == [
        ((2.0, 1), None, "two"),
        ((1.0, 1), (2.0, 1), "one"),
    ]


# --- What a correction holds against ------------------------------------------------------------


def test_it_holds_against_what_it_replaced_and_the_run_says_so(author: User) -> None:
    register = a_day()
    set_readings(where=at(register, 3), value=7.0, quality=None, author=author, reason="x")
    run = send(register, 3, 1.0)
    assert one(register, 3) == (7.0, 1)
    assert (run.unchanged, run.corrected) == (1, 0)
    assert warnings(run) == [
        "1 reading came as before a correction by hand, which holds until something new comes."
    ]
    # Who corrects a correction still holds off the source's last word.
    set_readings(where=at(register, 3), value=8.0, quality=None, author=author, reason="x")
    send(register, 3, 1.0)
    assert one(register, 3) == (8.0, 1)
    # The first correction's value is nothing that the source has said.
    run = send(register, 3, 7.0)
    assert one(register, 3) == (7.0, 1)
    assert warnings(run) == ["1 correction by hand gave way, for something new came."]


def test_it_gives_way_to_something_new_for_good(author: User) -> None:
    register = a_day()
    set_readings(where=at(register, 3), value=7.0, quality=None, author=author, reason="x")
    assert send(register, 3, 1.5).corrected == 1
    assert one(register, 3) == (1.5, 1)
    # It has been the source's affair since: it may even return to its first word.
    run = send(register, 3, 1.0)
    assert one(register, 3) == (1.0, 1)
    assert warnings(run) == []
    assert [revision.replaced for revision in ReadingRevision.objects.all()] == [1, 1, 1]


def test_a_deletion_holds_too(author: User) -> None:
    register = a_day()
    delete_readings(where=at(register, 3), author=author, reason="x")
    assert send(register, 3, 1.0).unchanged == 1
    assert one(register, 3) is None
    assert send(register, 3, 1.25).new == 1
    assert one(register, 3) == (1.25, 1)


def test_a_gap_filled_by_hand_gives_way_to_what_was_measured(author: User) -> None:
    register = a_day(count=10)
    set_readings(
        where=at(register, 10), value=1.0, quality=Quality.ESTIMATED, author=author, reason="x"
    )
    run = send(register, 10, 0.75)
    assert one(register, 10) == (0.75, 1)
    assert run.corrected == 1
    assert warnings(run) == ["1 correction by hand gave way, for something new came."]


def test_other_readings_of_the_answer_are_stored(author: User) -> None:
    register = a_day()
    set_readings(where=at(register, 3), value=7.0, quality=None, author=author, reason="x")
    rows = [(JANUARY + i * QUARTER, 1.0) for i in range(2, 97)]
    rows[0] = rows[0][0], 3.0
    done = store(batch(register.meter.muid, rows))
    assert done.counts == Counts(new=1, corrected=1, unchanged=93)
    assert one(register, 2) == (3.0, 1)
    assert one(register, 3) == (7.0, 1)


# --- What is refused ----------------------------------------------------------------------------


def test_what_cannot_be_done_is_said_and_nothing_is_done(author: User) -> None:
    register = a_day()
    before = stored(register.meter.muid)
    now = int(datetime.now(UTC).timestamp())
    put = {"value": 1.5, "quality": None, "author": author, "reason": "x"}
    for where, more, words in [
        (at(register, 3), {"reason": " "}, "Say why"),
        (at(register, 3), {"reason": "x" * 201}, "at most 200"),
        (at(register, 3), {"value": None}, "a value, a quality or both"),
        (at(register, 3), {"value": float("nan")}, "no number"),
        (at(register, 3), {"value": -1e9}, "no number"),
        (at(register, 3), {"quality": Quality.MISSING}, "delete it instead"),
        (at(register, 3, 0), {}, "after the start"),
        (at(register, 3, 96 * 400), {}, "At most 367 days"),
        (Range(register, JANUARY + 1, JANUARY + 899), {}, "No interval starts"),
        (Range(register, now, now + DAY), {}, "not over yet"),
        (Range(register, 0, DAY), {}, "before 2000"),
        (at(register, 3, seen=1), {}, "have changed since"),
    ]:
        with pytest.raises(CorrectionError, match=words):
            set_readings(where=where, **{**put, **more})
    with pytest.raises(CorrectionError, match="no reading"):
        delete_readings(where=at(register, 200), author=author, reason="x")
    assert stored(register.meter.muid) == before
    assert not ReadingRevision.objects.exists()


def test_what_was_not_looked_at_is_not_written_over(author: User) -> None:
    register = a_day()
    planned = planned_set(where=at(register, 3), value=2.0, quality=None)
    send(register, 3, 1.5)
    with pytest.raises(ChangedMeanwhileError):
        set_readings(
            where=at(register, 3, seen=planned.version),
            value=2.0,
            quality=None,
            author=author,
            reason="x",
        )
    assert one(register, 3) == (1.5, 1)
    again = planned_set(where=at(register, 3), value=2.0, quality=None)
    set_readings(
        where=at(register, 3, seen=again.version),
        value=2.0,
        quality=None,
        author=author,
        reason="x",
    )
    assert one(register, 3) == (2.0, 1)


def test_an_old_day_says_nothing_of_todays_intervals(author: User) -> None:
    register = a_day()
    fine = [(JANUARY + DAY + i * 300, 0.1) for i in range(288)]
    store(batch(register.meter.muid, fine))
    register.refresh_from_db()
    assert register.interval == 300
    set_readings(where=at(register, 0, 96), value=2.0, quality=None, author=author, reason="x")
    register.refresh_from_db()
    assert register.interval == 300
    # An empty day is laid out as the register is known today.
    done = set_readings(
        where=Range(register, JANUARY + 5 * DAY, JANUARY + 6 * DAY),
        value=2.0,
        quality=None,
        author=author,
        reason="x",
    )
    assert done.changed == 288


def test_the_hour_that_comes_twice(author: User) -> None:
    meter = make_meter(zone="Europe/Zurich")
    start = int(datetime(2023, 10, 28, 22, tzinfo=UTC).timestamp())
    store(batch(meter.muid, [(start + i * QUARTER, 1.0) for i in range(100)]))
    register = Register.objects.select_related("meter").get(meter=meter)
    second = int(datetime(2023, 10, 29, 1, tzinfo=UTC).timestamp())
    where = Range(register, second, second + 3600)
    set_readings(where=where, value=2.0, quality=None, author=author, reason="x")
    row = DailyProfile.objects.get(register=register)
    assert row.values[12:16] == [2.0] * 4
    assert row.total == 104.0


def test_no_question_is_asked_where_nothing_is_written_over() -> None:
    register = a_day()
    asked: list[str] = []

    def note(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    rows = [(JANUARY + i * QUARTER, 1.0) for i in range(96)]
    later = [(when + timedelta(days=9).total_seconds(), value) for when, value in rows]
    with connection.execute_wrapper(note):
        store(batch(register.meter.muid, rows))
        store(batch(register.meter.muid, [(int(when), value) for when, value in later]))
    assert not [sql for sql in asked if "readingrevision" in sql]
