"""Which faults hold for which meter, and when."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from ingestion.simulator.contract import milliseconds
from ingestion.simulator.faults.kinds import Fault, FaultError, Stage

EVERY_METER = "*"
ORDER = list(Stage)


@dataclass(frozen=True)
class When:
    """When a fault holds; each condition that is given must be met.

    Attributes
    ----------
    first : int or None
        For the first so many requests of a meter.
    every : int or None
        For every so manieth request of a meter.
    probability : float or None
        With this probability [0, 1], by dice that `seed` has loaded.
    seed : int
        Another one lets other requests fail.
    since, until : datetime.datetime or None
        Within ``[since, until)`` of the simulated present.
    """

    first: int | None = None
    every: int | None = None
    probability: float | None = None
    seed: int = 1
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("first", "every"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise FaultError(f"{name} counts requests: 1 at least, not {number}.")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise FaultError(f"probability must be from 0 to 1, not {self.probability:g}.")
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None and moment.utcoffset() is None:
                raise FaultError(f"{name} needs an offset, as in 2024-06-01T12:00:00Z.")

    def __str__(self) -> str:
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        if self.probability is None:
            del given["seed"]
        said = [
            f"{name}={one.isoformat() if isinstance(one, datetime) else one}"
            for name, one in given.items()
            if one is not None
        ]
        return " ".join(said)

    def holds(self, muid: str, number: int, now: int) -> bool:
        """Whether it holds for a meter's request, the n-th since the plan is in force.

        Parameters
        ----------
        muid : str
            Which meter is asked for.
        number : int
            From 1.
        now : int
            The simulated present [ms since 1970-01-01T00:00Z].
        """
        if self.first is not None and number > self.first:
            return False
        if self.every is not None and number % self.every:
            return False
        if self.since is not None and now < milliseconds(self.since):
            return False
        if self.until is not None and now >= milliseconds(self.until):
            return False
        if self.probability is None:
            return True
        dice = random.Random(f"{self.seed}/{muid}/{number}")  # noqa: S311 - no secret
        return dice.random() < self.probability


ALWAYS = When()


@dataclass(frozen=True)
class Rule:
    """One fault of one meter, of those whose muid begins so, or of all."""

    fault: Fault
    meter: str = EVERY_METER
    when: When = ALWAYS

    def __str__(self) -> str:
        return f"{self.meter}: {self.fault} {self.when}".rstrip()

    def is_about(self, muid: str) -> bool:
        if self.meter.endswith(("*", "…")):
            return muid.startswith(self.meter[:-1])
        return muid == self.meter


class Plan:
    """The faults of an upstream; it counts each meter's requests from when it is put in force.

    Parameters
    ----------
    rules : iterable of Rule
        All whose time it is hold at once, those of one stage in this order.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def faults(self, muid: str, now: int) -> list[Fault]:
        """The faults of this meter's next request, in the order of their stages."""
        if not self.rules:
            return []
        with self._lock:
            self._asked[muid] += 1
            number = self._asked[muid]
        held = [
            rule.fault
            for rule in self.rules
            if rule.is_about(muid) and rule.when.holds(muid, number, now)
        ]
        return sorted(held, key=lambda fault: ORDER.index(fault.kind.stage))

    def __repr__(self) -> str:
        return f"Plan({list(self.rules)})"


NO_FAULTS = Plan()
