"""An upstream that misbehaves on demand: which faults there are, for whom they hold, and when."""

from ingestion.simulator.faults import answering, asking, delivery, rows, times, values
from ingestion.simulator.faults.kinds import KINDS, Fault, FaultError, Stage
from ingestion.simulator.faults.plan import NO_FAULTS, Plan, Rule, When
from ingestion.simulator.faults.reading import read_file, read_plan
from ingestion.simulator.faults.values import written

__all__ = [
    "KINDS",
    "NO_FAULTS",
    "Fault",
    "FaultError",
    "Plan",
    "Rule",
    "Stage",
    "When",
    "answering",
    "asking",
    "delivery",
    "read_file",
    "read_plan",
    "rows",
    "times",
    "values",
    "written",
]
