"""How many readings were corrected after they had first come."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from meters.models import Register
from meters.qualities import Quality
from meters.wording import EPOCH
from meters.zones import DAY

# As ingestion names what did it: a source, or somebody who set or restored values by hand. What was
# deleted was not corrected.
CORRECTIONS = ("", "set", "restore")
COLUMNS = ("first", "interval", "slots", "qualities")


def count_corrected(registers: Sequence[Register], start: int, end: int) -> dict[int, int]:
    """Count the intervals in ``[start, end)`` [s] whose reading was replaced by another.

    An interval that was corrected twice is one. One question to the database.

    Returns
    -------
    By primary key of the register.
    """
    counts = {register.pk: 0 for register in registers}
    if start >= end or not counts:
        return counts
    span = tuple(EPOCH + timedelta(days=day) for day in (start // DAY - 1, end // DAY + 1))
    # Revisions are ingestion's, but a register knows its own.
    rows = Register.objects.filter(
        pk__in=counts, revisions__day__range=span, revisions__act__in=CORRECTIONS
    ).values_list("pk", *(f"revisions__{name}" for name in COLUMNS))
    found: defaultdict[int, set[int]] = defaultdict(set)
    for register, first, interval, slots, qualities in rows:
        instants = int(first.timestamp()) + interval * np.array(slots, dtype=np.int64)
        was_there = np.array(qualities) != Quality.MISSING
        inside = was_there & (instants >= start) & (instants < end)
        found[register].update(instants[inside].tolist())
    return counts | {register: len(instants) for register, instants in found.items()}
