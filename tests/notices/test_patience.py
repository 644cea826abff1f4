"""When trouble is told: never before its time, never twice, and its end only after it was told."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notices.patience import Course, Patience, is_time, look

START = datetime(2024, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PATIENCE = Patience(before=timedelta(minutes=60), after=timedelta(minutes=30))


def at(minutes: int) -> datetime:
    return START + minutes * MINUTE


def test_trouble_is_ripe_when_it_has_lasted() -> None:
    course = look(None, bad=True, well=False, now=at(0))
    assert course == Course(at(0))
    assert course.ripe_at(PATIENCE) == at(60)
    assert look(course, bad=True, well=False, now=at(59)) == course


def test_what_passes_untold_leaves_no_trace() -> None:
    assert look(Course(at(0)), bad=False, well=False, now=at(30)) is None
    assert look(Course(at(0)), bad=False, well=True, now=at(30)) is None
    assert look(None, bad=False, well=False, now=at(0)) is None


def test_the_end_is_ripe_only_after_all_was_well_for_a_while() -> None:
    told = Course(at(0), told_at=at(70))
    assert told.ripe_at(PATIENCE) is None
    assert look(told, bad=False, well=False, now=at(80)) == told, "neither bad nor well"
    well = look(told, bad=False, well=True, now=at(90))
    assert well
    assert well.ripe_at(PATIENCE) == at(120)
    assert look(well, bad=False, well=True, now=at(100)) == well
    again = look(well, bad=False, well=False, now=at(110))
    assert again == told, "it begins anew"


def test_one_message_for_what_comes_together() -> None:
    def time(ripe: list[int], now: int, last: int | None = None) -> bool:
        return is_time(
            [at(one) for one in ripe],
            now=at(now),
            last_told=None if last is None else at(last),
            gather=10 * MINUTE,
            gap=60 * MINUTE,
        )

    assert not time([], 10)
    assert not time([5], 4), "not ripe yet"
    assert not time([0, 5], 9), "others may follow"
    assert time([0, 5, 9], 10)
    assert time([0, 500], 10), "what is not ripe is not waited for"
    assert not time([0], 50, last=0)
    assert time([0], 60, last=0)


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.sampled_from(["bad", "between", "well"])), max_size=80
    )
)
def test_whatever_happens_trouble_and_its_end_take_turns(steps: list[tuple[int, str]]) -> None:
    """Told as soon as ripe, as a tenant with one meter would be."""
    course: Course | None = None
    now, told, states = START, list[tuple[datetime, bool]](), list[tuple[datetime, str]]()
    for minutes, state in steps:
        now += minutes * MINUTE
        states.append((now, state))
        course = look(course, bad=state == "bad", well=state == "well", now=now)
        ripe = course.ripe_at(PATIENCE) if course else None
        if course and ripe and ripe <= now:
            is_over = course.told_at is not None
            told.append((now, is_over))
            course = None if is_over else Course(course.seen_at, told_at=now)
    assert [is_over for _, is_over in told] == [bool(i % 2) for i in range(len(told))]
    for when, is_over in told:
        wait = PATIENCE.after if is_over else PATIENCE.before
        last = [state for moment, state in states if when - wait <= moment <= when]
        assert set(last) == {"well" if is_over else "bad"}
