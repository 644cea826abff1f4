"""Any sequence of writes, by sources and by hand: the store is right, and revisions replay it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from ingestion.corrections import (
    CorrectionError,
    Range,
    delete_readings,
    restore_readings,
    set_readings,
)
from ingestion.history import history
from ingestion.models import ReadingRevision
from ingestion.store import store
from meters.models import Register
from meters.qualities import Quality
from meters.zones import zone
from tests.ingestion.plant import QUARTER, batch, check_days, make_meter, stored
from tests.ingestion.record.plain import Plain

pytestmark = pytest.mark.usefixtures("in_acme")

ZURICH = zone("Europe/Zurich")
# The evening before the day on which the clocks go forward, and that day until noon: few enough
# intervals for acts to meet in the same ones.
SPRING = int(datetime(2023, 3, 25, 20, tzinfo=UTC).timestamp())
SLOTS = 56
VALUES = st.sampled_from([0.0, 0.25, 1.5])
QUALITIES = st.sampled_from([1, 2])


@st.composite
def acts(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """A first delivery that shows the intervals, then anything."""
    spans = st.tuples(st.integers(0, SLOTS // 2), st.sampled_from([1, 4, SLOTS // 2, SLOTS]))
    source = st.tuples(
        st.just("source"),
        st.dictionaries(
            st.integers(0, SLOTS - 1), st.tuples(VALUES, QUALITIES), min_size=1, max_size=30
        ),
    )
    again = st.tuples(st.just("again"), st.integers(0, 20))
    put = st.tuples(st.just("set"), st.tuples(spans, VALUES, QUALITIES))
    quality = st.tuples(st.just("set"), st.tuples(spans, st.none(), QUALITIES))
    delete = st.tuples(st.just("delete"), spans)
    restore = st.tuples(st.just("restore"), st.integers(0, 1000))
    following = st.lists(
        st.one_of(source, again, again, put, quality, delete, restore), min_size=4, max_size=10
    )
    start = draw(st.integers(0, SLOTS - 12))
    first = {start + i: (0.5, 1) for i in range(draw(st.integers(12, SLOTS - start)))}
    return [("source", first), *draw(following)]


class Story:
    """One register to which acts are done, beside the plain dictionary."""

    def __init__(self, author: User) -> None:
        self.meter = make_meter()
        self.author = author
        self.plain = Plain(ZURICH)
        self.sent: list[dict[int, tuple[float, int]]] = []

    @property
    def register(self) -> Register:
        return Register.objects.select_related("meter").get(meter=self.meter)

    def do(self, kind: str, what: Any) -> None:
        if kind == "again":
            # The very batch that came before, as a re-read brings it.
            self._source(self.sent[what % len(self.sent)])
        elif kind == "source":
            self._source({SPRING + slot * QUARTER: one for slot, one in what.items()})
        else:
            getattr(self, f"_{kind}")(what)

    def _source(self, readings: dict[int, tuple[float, int]]) -> None:
        self.sent.append(readings)
        # One batch has one quality here; those of one kind arrive together.
        for quality in (1, 2):
            part = {at: one for at, one in readings.items() if one[1] == quality}
            if part:
                rows = [(at, value) for at, (value, _) in part.items()]
                done = store(batch(self.meter.muid, rows, quality=quality), default_interval=900)
                assert done.counts.total == len(part)
                assert not done.counts.rejected
                self.plain.source(part)

    def _range(self, span: tuple[int, int]) -> Range:
        start = SPRING + span[0] * QUARTER
        return Range(self.register, start, start + span[1] * QUARTER)

    def _slots(self, where: Range) -> range:
        return range(where.start, where.end, QUARTER)

    def _set(self, what: Any) -> None:
        span, value, quality = what
        where, now = self._range(span), self.plain.now
        written: dict[int, tuple[float, int] | None] = {
            at: (now[at][0] if value is None else value, quality)
            for at in self._slots(where)
            if value is not None or at in now
        }
        act = {"value": value, "quality": Quality(quality), "author": self.author, "reason": "set"}
        if not written:
            with pytest.raises(CorrectionError, match="There is no reading"):
                set_readings(where=where, **act)
            return
        set_readings(where=where, **act)
        self.plain.by_hand(written)

    def _delete(self, span: tuple[int, int]) -> None:
        where = self._range(span)
        if not any(at in self.plain.now for at in self._slots(where)):
            with pytest.raises(CorrectionError, match="There is no reading"):
                delete_readings(where=where, author=self.author, reason="delete")
            return
        delete_readings(where=where, author=self.author, reason="delete")
        self.plain.by_hand(dict.fromkeys(self._slots(where)))

    def _restore(self, number: int) -> None:
        revisions = list(ReadingRevision.objects.filter(register=self.register).order_by("pk"))
        if not revisions:
            return
        revision = revisions[number % len(revisions)]
        restore_readings(revision=revision, author=self.author, reason="restore")
        self.plain.by_hand(
            {
                int(when.timestamp()): None if value is None else (value, int(quality))
                for when, value, quality in revision.readings()
            }
        )


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sequence=acts())
def test_any_story_is_stored_and_told(sequence: list[tuple[str, Any]]) -> None:
    story = Story(User.objects.get())
    for kind, what in sequence:
        story.do(kind, what)
        assert stored(story.meter.muid) == story.plain.now
    check_days()
    for day, log in story.plain.log.items():
        told = [state.readings for state in history(story.register, day)]
        assert told == log, f"{day}: {len(told)} states for {len(log)}"
    by_hand = ReadingRevision.objects.filter(register=story.register).exclude(act="")
    assert all(one.author == story.author and one.reason and not one.run for one in by_hand)


def test_a_day_of_which_nothing_was_replaced_has_one_state() -> None:
    meter = make_meter()
    store(batch(meter.muid, [(SPRING + i * QUARTER, 1.0) for i in range(40)]))
    store(batch(meter.muid, [(SPRING + i * QUARTER, 1.0) for i in range(40, 96)]))
    assert not ReadingRevision.objects.exists()
    [state] = history(Register.objects.get(), date(2023, 3, 26))
    assert len(state.readings) == 84
    assert state.version is None
