"""Counters out of rows that come and go: what a tenant's runs have done since we began to look."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Totals:
    """What one tenant's runs have counted since the first look.

    The sum over all rows would fall whenever old runs are removed, which Prometheus takes for a
    restart. So only runs from `edge` on are asked for: what those before it have counted is carried
    on here, and can no longer change. After a restart it begins at nothing again, as a counter may.
    """

    edge: int | None = None
    _carried: list[int] = field(default_factory=list)
    _before: list[int] = field(default_factory=list)
    _told: list[int] = field(default_factory=list)

    def advance(self, edge: int, done: Sequence[int], counted: Sequence[int]) -> list[int]:
        """Take in a look, and return the totals.

        Parameters
        ----------
        edge
            The smallest number of a run that may still count on.
        done, counted
            What the runs from `self.edge` on have counted: those below `edge`, and all.
        """
        if self.edge is None:
            # What is under way has counted some before we looked.
            self._before, self._carried = list(counted), [0] * len(counted)
            self._told = [0] * len(counted)
        now = [
            carried + new - before
            for carried, new, before in zip(self._carried, counted, self._before, strict=True)
        ]
        self._carried = [old + new for old, new in zip(self._carried, done, strict=True)]
        self._told = [max(pair) for pair in zip(self._told, now, strict=True)]
        # Never back: a run that is queued again after its end has been carried once already.
        self.edge = max(self.edge or 0, edge)
        return list(self._told)
