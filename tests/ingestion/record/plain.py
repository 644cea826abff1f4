"""A register as a plain dictionary that takes what the store takes, by the rules as documented."""

from dataclasses import dataclass, field
from datetime import date

from meters.zones import Zone

Reading = tuple[float, int]
Readings = dict[int, Reading]


@dataclass
class Plain:
    """What one register should hold, and what its days have held.

    Attributes
    ----------
    said
        Of slots that were last written by hand: the source's last word, None where it had none.
    log
        Of each local day the states since before the first one that replaced something.
    """

    zone: Zone
    now: Readings = field(default_factory=dict)
    said: dict[int, Reading | None] = field(default_factory=dict)
    log: dict[date, list[Readings]] = field(default_factory=dict)

    def source(self, readings: Readings) -> None:
        """Take what a source sends."""
        before = dict(self.now)
        for at, came in readings.items():
            stands = self.now.get(at)
            if at in self.said and came == self.said[at]:
                continue
            if came != stands:
                self.now[at] = came
                self.said.pop(at, None)
        self._note(before, by_hand=False)

    def by_hand(self, readings: dict[int, Reading | None]) -> None:
        """Take what a person writes; None deletes."""
        before = dict(self.now)
        for at, given in readings.items():
            if given == self.now.get(at):
                continue
            self.said.setdefault(at, self.now.get(at))
            if given is None:
                del self.now[at]
            else:
                self.now[at] = given
        self._note(before, by_hand=True)

    def _note(self, before: Readings, *, by_hand: bool) -> None:
        changed = {
            at for at in before.keys() | self.now.keys() if before.get(at) != self.now.get(at)
        }
        for day in {self.zone.date_at(at) for at in changed}:
            log = self.log.setdefault(day, [{}])
            replaces = by_hand or any(
                at in before and self.zone.date_at(at) == day for at in changed
            )
            state = self.day(day)
            if replaces or len(log) > 1:
                log.append(state)
            else:
                log[-1] = state

    def day(self, day: date) -> Readings:
        return {at: one for at, one in self.now.items() if self.zone.date_at(at) == day}
