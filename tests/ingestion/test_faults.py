"""Each way in which the simulated upstream misbehaves, and what ingestion makes of it.

The first of two days is stored already. Then both are asked for while a fault holds, and once more
when it is over: whatever it was, what had been stored is still there, what was refused can be
looked up, and in the end all that the upstream holds is stored.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from ingestion import client as client_module
from ingestion.batch import Reason
from ingestion.endpoint import Limits
from ingestion.models import ReadingRevision, Run
from ingestion.simulator.faults import KINDS
from meters.models import Register
from tests.ingestion.faulty import DAY, NOON, STOP, Plant, plant, plant_again, same
from tests.ingestion.plant import stored

pytestmark = pytest.mark.usefixtures("in_acme")

ATTEMPTS = 4


@pytest.fixture
def plant_(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    # Short, so that nobody waits for them; all else is as ever.
    patience = Limits(read=0.5, total=1.5, size=2 * 2**20)
    monkeypatch.setattr(client_module, "Limits", lambda: patience)
    with plant() as made:
        yield made


@dataclass(frozen=True)
class Fails:
    """The meter can't be read while it lasts.

    Attributes
    ----------
    words
        Part of what the run says.
    asked
        How often the question was asked: again where that can help.
    """

    words: str
    asked: int = ATTEMPTS


@dataclass(frozen=True)
class Refuses:
    """Some readings are refused, with these words; the others are stored."""

    reason: Reason
    words: str
    # Whether what is refused comes beside all the right readings, and not in place of some.
    beside: bool = False
    # Another reason that some are refused for.
    also: Reason | None = None


@dataclass(frozen=True)
class Holds:
    """All is stored as if there were no fault; at most a warning tells of it."""

    warning: str = ""
    registers: int = 1


BROKE_OFF = "broke off in the middle of its answer"
NO_JSON = "answered with something that is not JSON"
TOO_LARGE = "answered with more than 2 MiB; nothing of it was used"
STRAYS = "sent readings from outside the window asked for"
NAN = "is not finite"
NO_NUMBER = "is not a number"

TABLE: dict[str, Fails | Refuses | Holds] = {
    # The answer
    "status=500": Fails("answered 500 Internal Server Error"),
    "status=503 retry-after=2": Fails("answered 503 Service Unavailable"),
    "status=429 retry-in=3": Fails("answered 429 Too Many Requests"),
    "status=401": Fails("token", asked=1),
    "status=404": Fails("404", asked=1),
    "status=418": Fails("418", asked=1),
    "redirect": Fails("redirects", asked=1),
    "bare-list": Holds(),
    "wrong-shape": Fails('{"data": [rows]} was expected', asked=1),
    "truncated": Fails(NO_JSON),
    "not-json": Fails(NO_JSON),
    "html-page": Fails(NO_JSON),
    "wrong-type": Holds(),
    "nested-answer": Fails("nested more than 1,024 deep", asked=1),
    "bomb=5": Fails(TOO_LARGE, asked=1),
    # The question
    "start-ignored": Holds(STRAYS),
    "limit-ignored": Holds(),
    "limit-lowered": Holds("serves no more than 50 rows at once, though 5,000 were asked for"),
    # The connection
    "delay=0.1": Holds(),
    "delay=0.8": Fails("sent nothing for 0.5 s"),
    "drip pause=0": Holds(),
    "drip pause=0.02": Fails("took longer than 1.5 s to answer"),
    "drip-head pause=0.1": Fails("took longer than 1.5 s to answer"),
    "hang-up": Fails("broke off before it answered"),
    "reset": Fails("broke off before it answered"),
    "cut": Fails(BROKE_OFF),
    "cut-chunked": Fails(BROKE_OFF),
    "stall seconds=0.8": Fails("sent nothing for 0.5 s"),
    "endless=5": Fails(TOO_LARGE, asked=1),
    # The rows
    "wrong-muid": Refuses(Reason.METER, "the reading belongs to meter"),
    "unsorted": Holds(),
    "oldest-first": Holds(),
    "repeated": Holds(),
    "contradicting": Holds("came twice with different values; the last one holds"),
    "rows-at-one-instant": Holds(registers=3),
    "several-registers": Holds(registers=2),
    "power-beside-energy": Refuses(Reason.CODE, "power", beside=True),
    "odd-rows": Refuses(Reason.SHAPE, "an object was expected", beside=True, also=Reason.TIME),
    # Times
    "naive-times": Refuses(Reason.TIME, "has no offset, so it names no instant"),
    "misaligned-times": Refuses(Reason.MISALIGNED, "starts 7 min 17 s after"),
    "impossible-times": Refuses(Reason.TIME, "the time"),
    "clock-ahead": Refuses(Reason.FUTURE, "lies in the future"),
    # Values, codes and qualities
    "nan": Refuses(Reason.VALUE, NAN),
    "infinity": Refuses(Reason.VALUE, NAN),
    "texts": Refuses(Reason.VALUE, NO_NUMBER),
    "booleans": Refuses(Reason.VALUE, NO_NUMBER),
    "nulls": Refuses(Reason.VALUE, NO_NUMBER),
    "absurd-values": Refuses(Reason.VALUE, "is absurdly large"),
    "huge-numbers": Refuses(Reason.VALUE, NAN),
    "nested-values": Refuses(Reason.VALUE, NO_NUMBER),
    "unknown-codes": Refuses(Reason.CODE, "is not an OBIS code"),
    "unknown-qualities": Refuses(Reason.QUALITY, "'splendid' is unknown"),
}
# What is no matter of one sweep and the next one has a test of its own below.
APART = {
    "stop-ignored", "missing", "late", "corrected", "shifted", "no-quality", "no-tags",
}  # fmt: skip


def test_every_fault_has_a_test() -> None:
    told = {text.split("=")[0].split()[0] for text in TABLE}
    assert told | APART == KINDS.keys()
    assert not told & APART


@pytest.mark.parametrize("fault", TABLE)
def test_a_fault(plant_: Plant, fault: str) -> None:
    before, meant = plant_.stored, TABLE[fault]
    result = plant_.sweep(f"*: {fault}")
    if isinstance(meant, Fails):
        fails_as(meant, plant_, result.run)
        assert same(plant_.stored, before)
    elif isinstance(meant, Refuses):
        refuses_as(meant, plant_, result.run)
        assert before.items() <= plant_.stored.items()
        assert plant_.stored.items() <= plant_.truth().items()
        assert same(plant_.stored, plant_.truth()) == meant.beside
    else:
        assert (result.run.state, result.run.error) == (Run.State.SUCCEEDED, "")
        assert not plant_.refused(result.run)
        warnings = plant_.outcome(result.run).warnings
        assert meant.warning in " ".join(warnings)
        assert bool(meant.warning) == bool(warnings)
        assert same(plant_.stored, plant_.truth())
        assert Register.objects.count() == meant.registers

    after = plant_.sweep()
    assert after.run.state == Run.State.SUCCEEDED
    assert after.run.corrected == 0
    assert same(plant_.stored, plant_.truth())
    assert not ReadingRevision.objects.exists()


def fails_as(meant: Fails, made: Plant, run: Run) -> None:
    assert run.state == Run.State.FAILED
    assert meant.words in run.error
    assert made.host in run.error
    assert made.outcome(run).error == run.error
    assert (run.requests, run.readings) == (meant.asked, 0)
    # Between two attempts it waits.
    assert len(made.waits) == meant.asked - 1


def refuses_as(meant: Refuses, made: Plant, run: Run) -> None:
    refused = made.refused(run)
    assert run.state == Run.State.SUCCEEDED
    assert 0 < run.rejected == sum(reading.times for reading in refused)
    assert {reading.reason for reading in refused} == {meant.reason, meant.also} - {None}
    for reading in refused:
        assert meant.words in reading.words or reading.reason == meant.also
    assert all(reading.raw for reading in refused)


def test_it_waits_as_long_as_it_is_asked_to(plant_: Plant) -> None:
    result = plant_.sweep("*: status=503 retry-after=7 first=2")
    assert result.run.state == Run.State.SUCCEEDED
    assert (result.run.requests, plant_.waits) == (3, [7.0, 7.0])
    assert same(plant_.stored, plant_.truth())


def test_a_stop_that_is_ignored_brings_what_it_can(plant_: Plant) -> None:
    """All that comes is of later days, as much as fits; what can't be reached is told."""
    result = plant_.sweep("*: stop-ignored")
    assert result.run.state == Run.State.SUCCEEDED
    told = " ".join(plant_.outcome(result.run).warnings)
    assert "The source ignores the window asked for" in told
    assert STRAYS in told
    assert same(plant_.stored, plant_.truth(stop=NOON))
    plant_.sweep()
    assert same(plant_.stored, plant_.truth())


def test_what_is_missing_comes_later(plant_: Plant) -> None:
    result = plant_.sweep("*: missing share=0.5")
    assert result.run.state == Run.State.SUCCEEDED
    assert plant_.stored.items() < plant_.truth().items()
    plant_.sweep()
    assert same(plant_.stored, plant_.truth())


@pytest.mark.parametrize("kind", ["late", "corrected"])
def test_what_changes_days_later_is_read_again(kind: str) -> None:
    """Two days late: the first sweep has less, or estimates; the sweep two days on has it all."""
    with plant(first_day=False, now=STOP) as made:
        early = made.sweep(f"*: {kind} days=2 share=0.3")
        assert early.run.state == Run.State.SUCCEEDED
        assert not same(made.stored, made.truth())
    with plant_again(made, STOP + timedelta(days=3)) as later:
        result = later.sweep(f"*: {kind} days=2 share=0.3")
        assert same(later.stored, later.truth())
        changed = result.counts.corrected if kind == "corrected" else result.counts.new
        assert changed > 20
    revisions = sum(len(revision.slots) for revision in ReadingRevision.objects.all())
    assert revisions == result.counts.corrected


@pytest.mark.parametrize("minutes", [60, -60])
def test_times_that_are_an_hour_off_are_corrected_afterwards(plant_: Plant, minutes: int) -> None:
    """Nothing tells them from right ones; but what they replace is kept, and the truth wins."""
    before = plant_.stored
    plant_.sweep(f"*: shifted={minutes}")
    for revision in ReadingRevision.objects.all():
        for when, value, quality in revision.readings():
            # Where nothing stood, that is kept too.
            assert before.get(int(when.timestamp()), (None, 0)) == (value, int(quality))
    plant_.sweep()
    assert plant_.truth().items() <= plant_.stored.items()


@pytest.mark.parametrize("kind", ["no-quality", "no-tags"])
def test_readings_that_name_no_quality_are_stored_without_one(plant_: Plant, kind: str) -> None:
    result = plant_.sweep(f"*: {kind} share=0.3")
    assert (result.run.state, result.run.rejected) == (Run.State.SUCCEEDED, 0)
    told = Counter(quality for _, quality in plant_.stored.values())
    assert len(told) > 1
    values = {at: value for at, (value, _) in plant_.stored.items()}
    assert values == {at: value for at, (value, _) in plant_.truth().items()}
    plant_.sweep()
    assert same(plant_.stored, plant_.truth())


def test_faults_that_come_and_go_lose_nothing(plant_: Plant) -> None:
    """Dice decide: in the end all is there, and each run says what happened."""
    for seed in range(8):
        plant_.sweep(
            f"*: status=503 probability=0.4 seed={seed}",
            f"*: cut probability=0.3 seed={seed + 100}",
            f"*: naive-times share=0.2 probability=0.5 seed={seed + 200}",
        )
        assert plant_.stored.items() <= plant_.truth().items()
    plant_.sweep()
    assert same(plant_.stored, plant_.truth())
    assert stored(plant_.muid) == plant_.stored
    assert len(plant_.stored) == 2 * DAY
