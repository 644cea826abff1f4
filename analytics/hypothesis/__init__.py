"""What a meter measures, argued from its readings: ranked statements, their evidence, confidence.

`argue` takes the loads of a meter's registers and gives an `Argument`. The rules are a table
(`analytics.hypothesis.rules`), each with the source of its measure; what a figure weighs for each
kind stands in another (`analytics.hypothesis.weights`), which `python -m benchmarks hypothesis
--calibrate` makes from synthetic meters.
"""

from analytics.hypothesis.argument import Argument, Evidence, Statement, argue
from analytics.hypothesis.kinds import NAMED, Kind
from analytics.hypothesis.observed import NothingReadError, Observed, RegisterLoad
from analytics.hypothesis.remarks import Remarks

__all__ = [
    "NAMED",
    "Argument",
    "Evidence",
    "Kind",
    "NothingReadError",
    "Observed",
    "RegisterLoad",
    "Remarks",
    "Statement",
    "argue",
]
