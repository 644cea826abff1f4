"""An upstream that holds what a test gives it, window by window; and stores with holes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ingestion.models import Gap
from ingestion.store import store
from tests.ingestion.plant import IMPORT, QUARTER, batch
from tests.ingestion.upstreams import Handler, Running, answering

# Over the change of the clocks in autumn.
START = datetime(2023, 10, 25, tzinfo=UTC)
BEGIN, DAY = int(START.timestamp()), 86_400
COUNT = 8 * 96
NOW = START + timedelta(days=8)
CODES = {IMPORT: "0100011D00FF", "1-0:2.29.0*255": "0100021D00FF"}


@dataclass
class Upstream:
    """What it holds, by meter, code and slot of a quarter-hour; and what it is asked."""

    running: Running
    held: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    down: bool = False
    refuses: set[str] = field(default_factory=set)

    @property
    def address(self) -> str:
        return self.running.address

    @property
    def windows(self) -> list[tuple[str, int, int]]:
        """The questions so far: meter, first slot and the one after the last."""
        return [
            (one.query["muid"], slot_of(one.query["start"]), slot_of(one.query["stop"]))
            for one in self.running.asked
        ]

    def hold(self, muid: UUID, slots: range | set[int], obis: str = IMPORT) -> None:
        self.held.setdefault((str(muid), obis), set()).update(slots)

    def answer(self, handler: Handler) -> None:
        query = handler.server.asked[-1].query
        if self.down or query["muid"] in self.refuses:
            handler.answer(b"{}", 500 if self.down else 404)
            return
        low, high = slot_of(query["start"]), slot_of(query["stop"])
        data = [
            {
                "measurement": "energy",
                "timestamp": (START + timedelta(minutes=15 * slot)).isoformat(),
                "tags": {"muid": muid, "quality": "measured"},
                CODES[obis]: 2.0,
            }
            for (muid, obis), slots in self.held.items()
            for slot in sorted(slots, reverse=True)
            if muid == query["muid"] and low <= slot < high
        ]
        handler.answer(json.dumps({"data": data}).encode())


def slot_of(text: str) -> int:
    return round((datetime.fromisoformat(text) - START).total_seconds() / QUARTER)


@contextmanager
def holding() -> Iterator[Upstream]:
    upstream: list[Upstream] = []
    with answering(lambda handler: upstream[0].answer(handler)) as running:
        upstream.append(Upstream(running))
        yield upstream[0]


def store_without(
    muid: UUID, holes: list[tuple[int, int]], *, obis: str = IMPORT, count: int = COUNT
) -> None:
    """Store eight days of readings but for these slots, each from one to another."""
    left = [n for n in range(count) if not any(low <= n < high for low, high in holes)]
    store(batch(muid, [(BEGIN + QUARTER * n, 1.0) for n in left], obis=obis))


def fill(muid: UUID, low: int, high: int, *, obis: str = IMPORT) -> None:
    store(batch(muid, [(BEGIN + QUARTER * n, 1.0) for n in range(low, high)], obis=obis))


def on_record(muid: UUID, obis: str = IMPORT) -> list[tuple[int, int, int, str]]:
    """Gaps of a register as slots: from, to, how many are missing, and the state."""
    gaps = Gap.objects.filter(register__meter__muid=muid, register__obis=obis)
    return [
        (slot_of(gap.start.isoformat()), slot_of(gap.stop.isoformat()), gap.missing, gap.state)
        for gap in gaps.order_by("start", "pk")
    ]
