"""The record of gaps: it follows what is stored, and says when each is asked for again."""

from datetime import timedelta

import pytest

from accounts.models import User
from ingestion.corrections import Range, delete_readings
from ingestion.gapkeeping import PAUSES, look, settle
from ingestion.models import Feed, Gap, Run, Source
from ingestion.repair import ask_again, plan_repairs, repair_due
from ingestion.services import execute_run
from ingestion.steering import cancel_run
from meters.models import DailyProfile, Meter
from tests.ingestion.gaps.holding import (
    BEGIN,
    COUNT,
    DAY,
    NOW,
    START,
    fill,
    holding,
    on_record,
    store_without,
)
from tests.ingestion.plant import EXPORT, QUARTER, make_meter, make_source

pytestmark = pytest.mark.usefixtures("in_acme")


def made(*holes: tuple[int, int], **options: object) -> tuple[Meter, Source]:
    meter = make_meter()
    store_without(meter.muid, list(holes))
    return meter, make_source("http://127.0.0.1:1", meter, **options)


def gap() -> Gap:
    return Gap.objects.get()


def test_a_gap_is_put_down_once_and_closed_when_it_is_filled() -> None:
    meter, source = made((10, 12), (300, 320))
    told = look(source=source, now=NOW)
    assert (told.meters, told.found, told.gaps, told.missing) == (1, 2, 2, 22)
    assert on_record(meter.muid) == [(10, 12, 2, "open"), (300, 320, 20, "open")]
    again = look(source=source, now=NOW)
    assert (again.found, again.gaps, again.missing) == (0, 2, 22)
    fill(meter.muid, 10, 12)
    later = NOW + timedelta(days=1)
    assert look(source=source, now=later).filled == 1
    assert on_record(meter.muid) == [(10, 12, 0, "filled"), (300, 320, 20, "open")]
    filled = Gap.objects.get(state=Gap.State.FILLED)
    assert (filled.ended_at, filled.came) == (later, 2)
    source.refresh_from_db()
    assert source.gaps_looked_at == later


def test_a_look_that_takes_too_long_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    meters = [make_meter(f"Meter {n}") for n in range(3)]
    source = make_source("http://127.0.0.1:1", *meters)
    for meter in meters:
        store_without(meter.muid, [(300, 320)])
    monkeypatch.setattr("ingestion.gapkeeping.AT_ONCE", 1)
    for found in (1, 2):
        assert look(source=source, now=NOW, seconds=-1).meters == 1
        source.refresh_from_db()
        assert (source.gaps_looked_at, Gap.objects.count()) == (None, found)
    assert look(source=source, now=NOW).meters == 1
    source.refresh_from_db()
    assert (source.gaps_looked_at, source.gaps_at, Gap.objects.count()) == (NOW, None, 3)
    # The next one begins with the first again.
    assert look(source=source, now=NOW).meters == 3


def test_what_sweeps_read_again_is_left_to_them() -> None:
    meter, source = made((700, 710), reread_hours=24)
    look(source=source, now=NOW)
    assert on_record(meter.muid) == []
    # Once time has gone on it is older than that.
    fill(meter.muid, COUNT, COUNT + 96)
    look(source=source, now=NOW)
    assert on_record(meter.muid) == [(700, 710, 10, "open")]


def test_a_gap_gets_smaller_and_breaks_in_two() -> None:
    meter, source = made((100, 400))
    look(source=source, now=NOW)
    Gap.objects.update(tries=2)
    fill(meter.muid, 100, 110)
    fill(meter.muid, 200, 300)
    look(source=source, now=NOW)
    assert on_record(meter.muid) == [(110, 200, 90, "open"), (300, 400, 100, "open")]
    assert set(Gap.objects.values_list("tries", flat=True)) == {2}
    assert sum(one.came for one in Gap.objects.all()) == 110


def test_gaps_grow_together() -> None:
    meter, source = made((100, 110), (400, 410))
    look(source=source, now=NOW)
    Gap.objects.update(tries=5)
    # More is missing than was: the days between were taken out of the store.
    DailyProfile.objects.all().delete()
    store_without(meter.muid, [(90, 420)])
    look(source=source, now=NOW)
    assert on_record(meter.muid) == [(90, 420, 330, "open")]
    # That is news, so it is asked for as if it were found today.
    assert (gap().tries, gap().next_try_at) == (0, NOW)


def test_what_is_no_longer_expected_is_dropped() -> None:
    meter, source = made((10, 12), (300, 320), (450, 460))
    look(source=source, now=NOW)
    fill(meter.muid, 300, 320)
    author = User.objects.create_user("hand@example.com", "a long password 1")
    where = Range(meter.registers.get(), BEGIN + 300 * QUARTER, BEGIN + 320 * QUARTER)
    delete_readings(where=where, author=author, reason="Test")
    Meter.objects.update(removed_at=START + timedelta(days=4))
    look(source=source, now=NOW)
    assert on_record(meter.muid) == [
        (10, 12, 2, "open"),
        (300, 320, 20, "dropped"),
        (450, 460, 10, "dropped"),
    ]


def test_a_register_that_stays_away_and_comes_back() -> None:
    meter, source = made()
    store_without(meter.muid, [(300, COUNT)], obis=EXPORT)
    look(source=source, now=NOW)
    assert on_record(meter.muid, EXPORT) == [(300, COUNT, COUNT - 300, "open")]
    assert gap().goes_on
    Gap.objects.update(tries=4)
    fill(meter.muid, COUNT, COUNT + 96)
    look(source=source, now=NOW)
    # It lags more by a day: that alone is no reason to begin again.
    assert on_record(meter.muid, EXPORT) == [(300, COUNT + 96, COUNT - 204, "open")]
    assert gap().tries == 4
    fill(meter.muid, COUNT + 50, COUNT + 96, obis=EXPORT)
    look(source=source, now=NOW + timedelta(hours=1))
    assert on_record(meter.muid, EXPORT) == [(300, COUNT + 50, COUNT - 250, "open")]
    assert (gap().goes_on, gap().tries, gap().next_try_at) == (
        False,
        0,
        NOW + timedelta(hours=1),
    )


def test_a_source_that_has_no_more_is_asked_ever_less_and_then_given_up() -> None:
    with holding() as upstream:
        meter = make_meter()
        store_without(meter.muid, [(10, 12), (300, 320)])
        make_source(upstream.address, meter)
        upstream.hold(meter.muid, range(10, 12))
        now, waits = NOW, []
        for _ in range(len(PAUSES)):
            runs = repair_due(now=now)
            assert [run.trigger for run in runs] == [Run.Trigger.REPAIR]
            assert repair_due(now=now) == []
            execute_run(runs[0], worker="w")
            assert settle(now=now) == (2 if not waits else 1)
            left = Gap.objects.get(missing=20)
            waits.append(left.next_try_at - now)
            now = left.next_try_at
        assert on_record(meter.muid) == [(10, 12, 0, "filled"), (300, 320, 20, "given_up")]
        assert waits[:-1] == list(PAUSES[1:])
        assert (left.tries, left.ended_at) == (len(PAUSES), now)
        asked = len(upstream.windows)
        # Once as one window, then for the rest alone; never again by itself.
        assert asked == len(PAUSES)
        assert repair_due(now=now + timedelta(days=400)) == []
        # It is still noticed when it comes, by whatever door.
        fill(meter.muid, 300, 310)
        Source.objects.update(gaps_looked_at=None)
        repair_due(now=now + timedelta(days=401))
        assert (300 + 10, 320, 10, "given_up") in on_record(meter.muid)


def test_a_try_that_brings_something_does_not_count() -> None:
    with holding() as upstream:
        meter = make_meter()
        store_without(meter.muid, [(300, 320)])
        make_source(upstream.address, meter)
        upstream.hold(meter.muid, range(300, 305))
        (run,) = repair_due(now=NOW)
        execute_run(run, worker="w")
        settle(now=NOW)
        assert on_record(meter.muid) == [(305, 320, 15, "open")]
        assert (gap().tries, gap().came, gap().last_run) == (0, 5, run)
        assert gap().next_try_at == NOW + PAUSES[1]


def test_a_source_that_does_not_answer_uses_up_no_try() -> None:
    with holding() as upstream:
        meters = [make_meter("Answers"), make_meter("Refused")]
        for meter in meters:
            store_without(meter.muid, [(300, 320)])
        make_source(upstream.address, *meters)
        upstream.refuses.add(str(meters[1].muid))
        (run,) = repair_due(now=NOW)
        execute_run(run, worker="w", sleep=lambda _: None)
        settle(now=NOW)
        tries = dict(Gap.objects.values_list("register__meter__name", "tries"))
        assert tries == {"Answers": 1, "Refused": 0}
        refused = Gap.objects.get(register__meter=meters[1])
        assert refused.next_try_at == NOW + timedelta(hours=1)
        upstream.down = True
        later = refused.next_try_at
        (run,) = repair_due(now=later)
        execute_run(run, worker="w", sleep=lambda _: None)
        settle(now=later)
        refused.refresh_from_db()
        assert (refused.tries, refused.asking) == (0, None)


def test_a_cancelled_question_is_asked_again_the_next_day() -> None:
    _, _ = made((300, 320))
    (run,) = repair_due(now=NOW)
    cancel_run(run=run, person="x")
    assert repair_due(now=NOW) == []
    assert (gap().tries, gap().next_try_at) == (0, NOW + timedelta(days=1))
    # A run that is not even kept any more is as if it had never been.
    (run,) = repair_due(now=NOW + timedelta(days=1))
    run.delete()
    assert len(repair_due(now=NOW + timedelta(days=1))) == 1


def test_a_question_about_a_meter_that_lost_its_source_is_let_go() -> None:
    made((300, 320))
    (run,) = repair_due(now=NOW)
    Feed.objects.all().delete()
    cancel_run(run=run, person="x")
    assert settle(now=NOW) == 1
    assert (gap().asking, gap().tries, gap().state) == (None, 0, "open")


@pytest.mark.parametrize(
    "how",
    [
        {"is_active": False},
        {"repairs_gaps": False},
        {"rests_until": NOW + timedelta(hours=1)},
    ],
)
def test_sources_that_are_left_alone_are_not_asked(how: dict[str, object]) -> None:
    meter, source = made((300, 320))
    look(source=source, now=NOW)
    Source.objects.update(**how)
    assert repair_due(now=NOW) == []
    Source.objects.update(is_active=True, repairs_gaps=True, rests_until=None)
    Feed.objects.update(is_active=False)
    assert repair_due(now=NOW) == []
    Feed.objects.update(is_active=True)
    assert len(repair_due(now=NOW)) == 1
    assert on_record(meter.muid) == [(300, 320, 20, "open")]


def test_only_so_many_questions_at_a_time() -> None:
    meter = make_meter()
    store_without(meter.muid, [(100 * n, 100 * n + 1) for n in range(1, 5)])
    source = make_source("http://127.0.0.1:1", meter, limit=10)
    look(source=source, now=NOW)
    gaps = Gap.objects.order_by("start")
    first = plan_repairs(source=source, gaps=gaps, trigger=Run.Trigger.REPAIR, most=3)
    assert [run.start for run in first] == [START + timedelta(minutes=1500 * n) for n in (1, 2, 3)]
    # What is asked for is not asked for twice, by nobody.
    (last,) = ask_again(gaps=gaps, now=NOW)
    assert last.start == START + timedelta(minutes=1500 * 4)
    assert ask_again(gaps=gaps, now=NOW) == []


def test_a_gap_that_was_given_up_is_asked_for_by_hand() -> None:
    meter, source = made((300, 320))
    look(source=source, now=NOW)
    Gap.objects.update(state=Gap.State.GIVEN_UP, tries=6, ended_at=NOW)
    (run,) = ask_again(gaps=Gap.objects.all(), now=NOW)
    assert (run.trigger, run.only) == (Run.Trigger.ADMIN, [meter.muid])
    assert (gap().state, gap().tries, gap().ended_at) == ("open", 0, None)


def test_one_question_serves_an_outage_of_many_meters() -> None:
    meters = [make_meter(f"Meter {n}") for n in range(3)]
    source = make_source("http://127.0.0.1:1", *meters, limit=5000)
    store_without(meters[0].muid, [(100, 200), (300, 301)])
    store_without(meters[1].muid, [(100, 220)])
    store_without(meters[2].muid, [])
    (run,) = repair_due(now=NOW)
    assert run.only == [meters[0].muid, meters[1].muid]
    assert (run.start, run.stop) == (
        START + timedelta(minutes=1500),
        START + timedelta(minutes=15 * 301),
    )
    assert not Gap.objects.filter(asking=None).exists()
    assert source.runs.get() == run


def test_a_meter_without_any_reading_left_lacks_nothing() -> None:
    meter, source = made((300, 320))
    look(source=source, now=NOW)
    where = Range(meter.registers.get(), BEGIN, BEGIN + 9 * DAY)
    author = User.objects.create_user("hand@example.com", "a long password 1")
    delete_readings(where=where, author=author, reason="Test")
    look(source=source, now=NOW)
    assert on_record(meter.muid) == [(300, 320, 20, "dropped")]
