"""Any sequence of writes, by sources and by hand: the store is right, and revisions replay it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from ingestion.batch import Batch, RegisterKey
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
from tests.ingestion.plant import EXPORT, IMPORT, QUARTER, batch, check_days, make_meter, stored
from tests.ingestion.record.plain import Plain

pytestmark = pytest.mark.usefixtures("in_acme")

ZURICH = zone("Europe/Zurich")
VALUES = st.sampled_from([0.0, 0.25, 1.5])
QUALITIES = st.sampled_from([1, 2])
# A register and an interval's place in `Setting.slots`; what stands there.
Sent = dict[tuple[str, int], tuple[float, int]]


@dataclass(frozen=True)
class Setting:
    """Where a story plays: a few days around a change of the clocks.

    Attributes
    ----------
    slots
        Start and length of each interval [s]: few enough for acts to meet in the same ones.
    spine
        Places that the first delivery fills and nobody deletes. Where the intervals change from
        one day to the next, each day must go on to show its own.
    """

    slots: tuple[tuple[int, int], ...]
    spine: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.slots)


def quarters(evening: datetime) -> Setting:
    """From an evening on until the next noon, by the quarter-hour."""
    start = int(evening.timestamp())
    return Setting(tuple((start + i * QUARTER, QUARTER) for i in range(56)))


def changing(*days: tuple[date, int]) -> Setting:
    """Local days, each with intervals of a length of its own; of each the first and last hours."""
    slots: list[tuple[int, int]] = []
    spine: set[int] = set()
    for day, interval in days:
        begins, ends = ZURICH.midnight(day), ZURICH.midnight(date.fromordinal(day.toordinal() + 1))
        starts = range(begins, ends, interval)
        spine |= {len(slots) + i for i in range(5)}
        slots += [(at, interval) for at in [*starts[:14], *starts[-6:]]]
    return Setting(tuple(slots), frozenset(spine))


SETTINGS = [
    # The clocks go forward; they go back.
    quarters(datetime(2023, 3, 25, 20, tzinfo=UTC)),
    quarters(datetime(2023, 10, 28, 19, tzinfo=UTC)),
    # From hours to quarter-hours on the short day and back, and from 30 minutes to 15 on the long.
    changing((date(2023, 3, 25), 3600), (date(2023, 3, 26), 900), (date(2023, 3, 27), 3600)),
    changing((date(2023, 10, 28), 1800), (date(2023, 10, 29), 900)),
]
REGISTERS = (IMPORT, EXPORT)


@st.composite
def stories(draw: st.DrawFn) -> tuple[Setting, list[tuple[str, Any]]]:
    """A first delivery that shows the intervals, then anything."""
    setting = draw(st.sampled_from(SETTINGS))
    n = len(setting)
    obis = st.sampled_from(REGISTERS)
    spans = st.tuples(obis, st.integers(0, n // 2), st.sampled_from([1, 4, n // 2, n]))
    readings = st.dictionaries(
        st.tuples(obis, st.integers(0, n - 1)),
        st.tuples(VALUES, QUALITIES),
        min_size=1,
        max_size=30,
    )
    source = st.tuples(st.just("source"), readings)
    again = st.tuples(st.just("again"), st.integers(0, 20))
    put = st.tuples(st.just("set"), st.tuples(spans, VALUES, QUALITIES))
    quality = st.tuples(st.just("set"), st.tuples(spans, st.none(), QUALITIES))
    delete = st.tuples(st.just("delete"), spans)
    restore = st.tuples(st.just("restore"), st.integers(0, 1000))
    following = st.lists(
        st.one_of(source, again, again, put, quality, delete, restore), min_size=4, max_size=10
    )
    first: Sent = {}
    for register in REGISTERS:
        start = draw(st.integers(0, n - 12))
        shown = range(start, start + draw(st.integers(12, n - start)))
        first |= {(register, i): (0.5, 1) for i in setting.spine or shown}
        first |= {(register, i): (0.5, 1) for i in shown}
    return setting, [("source", first), *draw(following)]


class Story:
    """One meter of two registers to which acts are done, beside plain dictionaries."""

    def __init__(self, author: User, setting: Setting) -> None:
        self.meter = make_meter()
        self.author, self.setting = author, setting
        self.plain = {obis: Plain(ZURICH) for obis in REGISTERS}
        self.sent: list[Sent] = []

    def register(self, obis: str) -> Register:
        return Register.objects.select_related("meter").get(meter=self.meter, obis=obis)

    def do(self, kind: str, what: Any) -> None:
        if kind == "again":
            # The very batch that came before, as a re-read brings it.
            what, kind = self.sent[what % len(self.sent)], "source"
        getattr(self, f"_{kind}")(what)

    def _source(self, readings: Sent) -> None:
        self.sent.append(readings)
        keys = sorted(readings)
        done = store(
            Batch(
                tuple(RegisterKey(self.meter.muid, obis, "energy") for obis in REGISTERS),
                np.array([REGISTERS.index(obis) for obis, _ in keys], dtype=np.int64),
                np.array([self.setting.slots[at][0] for _, at in keys], dtype=np.int64),
                np.array([readings[key][0] for key in keys], dtype=np.float64),
                np.array([readings[key][1] for key in keys], dtype=np.int16),
                np.arange(len(keys), dtype=np.int64),
            )
        )
        assert (done.counts.total, done.counts.rejected) == (len(keys), 0)
        for obis, plain in self.plain.items():
            plain.source(
                {self.setting.slots[at][0]: readings[o, at] for o, at in keys if o == obis}
            )

    def _range(self, span: tuple[str, int, int], *, all_but_spine: bool = False) -> list[Range]:
        """The stretches of slots that follow each other, which a range by hand can name."""
        obis, first, length = span
        register, slots = self.register(obis), self.setting.slots
        found: list[Range] = []
        for at in range(first, min(first + length, len(slots))):
            start, end = slots[at][0], sum(slots[at])
            if all_but_spine and at in self.setting.spine:
                continue
            if found and found[-1].end == start:
                found[-1] = Range(register, found[-1].start, end)
            else:
                found.append(Range(register, start, end))
        return found

    def _starts(self, where: Range) -> list[int]:
        return [at for at, _ in self.setting.slots if where.start <= at < where.end]

    def _set(self, what: Any) -> None:
        span, value, quality = what
        for where in self._range(span):
            plain = self.plain[span[0]]
            written: dict[int, tuple[float, int] | None] = {
                at: (plain.now[at][0] if value is None else value, quality)
                for at in self._starts(where)
                if value is not None or at in plain.now
            }
            act = partial(set_readings, where=where, value=value, quality=Quality(quality))
            self._by_hand(act, plain, written)

    def _delete(self, span: tuple[str, int, int]) -> None:
        for where in self._range(span, all_but_spine=True):
            plain = self.plain[span[0]]
            written = dict.fromkeys(at for at in self._starts(where) if at in plain.now)
            self._by_hand(partial(delete_readings, where=where), plain, written)

    def _by_hand(
        self,
        act: Callable[..., object],
        plain: Plain,
        written: dict[int, tuple[float, int] | None],
    ) -> None:
        if written:
            act(author=self.author, reason="by hand")
            plain.by_hand(written)
            return
        with pytest.raises(CorrectionError, match="There is no reading"):
            act(author=self.author, reason="by hand")

    def _restore(self, number: int) -> None:
        revisions = list(ReadingRevision.objects.filter(register__meter=self.meter).order_by("pk"))
        spine = {self.setting.slots[at][0] for at in self.setting.spine}
        # Of the spine nothing may be deleted, so no restoring may empty it.
        revisions = [one for one in revisions if not spine & set(emptied(one.readings()))]
        if not revisions:
            return
        revision = revisions[number % len(revisions)]
        restore_readings(revision=revision, author=self.author, reason="restore")
        self.plain[revision.register.obis].by_hand(
            {
                int(when.timestamp()): None if value is None else (value, int(quality))
                for when, value, quality in revision.readings()
            }
        )


def emptied(readings: Sequence[tuple[datetime, float | None, Quality]]) -> list[int]:
    return [int(when.timestamp()) for when, value, _ in readings if value is None]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=stories())
def test_any_story_is_stored_and_told(told: tuple[Setting, list[tuple[str, Any]]]) -> None:
    setting, sequence = told
    story = Story(User.objects.get(), setting)
    for kind, what in sequence:
        story.do(kind, what)
        for obis, plain in story.plain.items():
            assert stored(story.meter.muid, obis) == plain.now
    check_days()
    for obis, plain in story.plain.items():
        for day, log in plain.log.items():
            states = [state.readings for state in history(story.register(obis), day)]
            assert states == log, f"{obis}, {day}: {len(states)} states for {len(log)}"
    by_hand = ReadingRevision.objects.filter(register__meter=story.meter).exclude(act="")
    assert all(one.author == story.author and one.reason and not one.run for one in by_hand)


def test_a_day_of_which_nothing_was_replaced_has_one_state() -> None:
    meter = make_meter()
    spring = SETTINGS[0].slots[0][0]
    store(batch(meter.muid, [(spring + i * QUARTER, 1.0) for i in range(40)]))
    store(batch(meter.muid, [(spring + i * QUARTER, 1.0) for i in range(40, 96)]))
    assert not ReadingRevision.objects.exists()
    [state] = history(Register.objects.get(), date(2023, 3, 26))
    assert len(state.readings) == 84
    assert state.version is None
