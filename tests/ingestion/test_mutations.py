"""Answers spoilt at random go through parsing and store: all that comes of it is what is declared.

A plain dictionary takes the same readings. So nothing that bad input brings loses or changes what
was stored, and no reading is stored that the answer did not hold.
"""

import gc
import math
import os
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection

from ingestion.alike import alike_rows
from ingestion.batch import Batch, Reason, Rejection
from ingestion.parsing import Asked, PayloadError, parse, raw_text, rows_of
from ingestion.payload import NoJSONError, decoded
from ingestion.registers import UnknownMeterError
from ingestion.store import Context, store
from meters.models import Register
from tenants.models import Tenant
from tests.ingestion.mutations import DAY, answer
from tests.ingestion.plant import make_meter, stored

Named = tuple[UUID, str, int]
Taken = dict[tuple[UUID, str], dict[int, tuple[float, int]]]

# Each around a change of the clock: of an hour, of half an hour, and of a whole day.
PLACES = {
    "Europe/Zurich": 1_679_616_000,  # 2023-03-24
    "Australia/Lord_Howe": 1_680_220_800,  # 2023-03-31
    "Pacific/Apia": 1_325_116_800,  # 2011-12-29
    "Asia/Kathmandu": 1_679_616_000,
}
NOW = 1_700_000_000
# More than an allocator's noise; what 100,000 answers leak, at 1 kB each, is four times as much.
NOISE = 24 * 2**20


def resident() -> int:
    """How much memory this process holds [bytes]."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def check_days() -> None:
    """Check what each day row says of itself; values of 10^9 leave only so many digits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM daily_profile d, LATERAL (SELECT count(v) AS count, "
            "sum(v) AS total, sum(abs(v)) AS size FROM unnest(d.values) v) f "
            "WHERE d.count = 0 OR d.count <> f.count "
            "OR abs(d.total - f.total) > 1e-9 * (1 + f.size)"
        )
        assert cursor.fetchone() == (0,)


class Trial:
    """Meters, and a dictionary beside the store."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.meters = [(make_meter(zone, zone=zone).muid, at) for zone, at in PLACES.items()]
        self.taken: Taken = {}
        self.told: Counter[str] = Counter()

    def feed(self) -> None:
        """Let one answer in."""
        muid, first = self.dice.choice(self.meters)
        body = answer(self.dice, muid, first)
        try:
            self._feed(body, muid, first)
        except Exception as error:
            error.add_note(f"meter {muid}, answer {body[:4_000]!r}")
            raise

    def _feed(self, body: bytes, muid: UUID, first: int) -> None:
        # A file has no window, and may be about other meters.
        is_file = self.dice.random() < 0.1
        asked = Asked(NOW) if is_file else Asked(NOW, muid, first, first + 4 * DAY)
        try:
            # Column by column where that is possible, however small it is.
            rows = alike_rows(body) or rows_of(decoded(body))
        except (NoJSONError, PayloadError):
            self.told["refused as a whole"] += 1
            return
        parsed = parse(rows, asked)
        try:
            done = store(
                parsed.batch,
                rejections=parsed.rejections,
                raw=lambda row: raw_text(rows[row]),
                context=Context(asked=asked.muid),
            )
        except UnknownMeterError:
            assert is_file
            self.told["of an unknown meter"] += 1
            return
        accepted = self._take(parsed.batch, done.refused[len(parsed.rejections) :])
        counts = done.counts
        assert counts.rejected == len(done.refused)
        assert counts.new + counts.corrected + counts.unchanged == accepted
        for rejection in done.refused:
            assert rejection.reason in Reason
            assert rejection.words
            assert rejection.raw
            self.told[rejection.reason] += 1
        self.told["new"] += counts.new
        self.told["corrected"] += counts.corrected

    def _take(self, batch: Batch, by_store: Sequence[Rejection]) -> int:
        """Put what was not refused into the dictionary; return how many readings that were."""
        refused = {(one.row, one.code): one.reason for one in by_store}
        told: dict[Named, tuple[float, int]] = {}
        # A reading that came several times is refused once, as it came last.
        without: set[Named] = set()
        columns = (batch.index, batch.instants, batch.values, batch.qualities, batch.row)
        for place, at, value, quality, row in zip(*(c.tolist() for c in columns), strict=True):
            key = batch.keys[place]
            assert math.isfinite(value)
            reason = refused.get((row + 1, key.obis))
            if reason == Reason.CODE:  # it came as another measurement than its register's
                continue
            told[key.muid, key.obis, at] = value, quality
            if reason:
                without.add((key.muid, key.obis, at))
        for muid, obis, at in told.keys() - without:
            self.taken.setdefault((muid, obis), {})[at] = told[muid, obis, at]
        return len(told.keys() - without)

    def check(self) -> None:
        """Compare the store with the dictionary, reading by reading."""
        check_days()
        held = {(one.meter.muid, one.obis) for one in Register.objects.select_related("meter")}
        assert self.taken.keys() <= held
        for muid, obis in held:
            assert stored(muid, obis) == self.taken.get((muid, obis), {}), (muid, obis)


@pytest.fixture
def trial(committed: Tenant) -> Trial:
    return Trial(seed=20_231_126)


def test_spoilt_answers(trial: Trial) -> None:
    for _ in range(600):
        trial.feed()
    trial.check()
    # All that can be declared has been, and readings came in all the same.
    assert set(Reason) <= trial.told.keys()
    assert trial.told["refused as a whole"] > 50
    assert trial.told["new"] > 300
    assert trial.told["corrected"] > 300


@pytest.mark.soak
def test_a_hundred_thousand_spoilt_answers_leave_memory_flat(trial: Trial) -> None:
    times = int(os.environ.get("LASTGANG_SPOILT_ANSWERS", "100000"))
    for _ in range(times // 10):
        trial.feed()
    settled = resident()
    for part in range(9):
        for _ in range(times // 10):
            trial.feed()
        trial.check()
        assert resident() < settled + NOISE, f"after {part + 2} tenths"
