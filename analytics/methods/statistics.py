"""What a usual day of a load looks like."""

import pandas as pd

from analytics.methods.load import Load
from analytics.methods.pattern import weekdays


def typical_day(load: Load) -> pd.DataFrame:
    """Describe the usual day by local time of day, apart for weekdays and weekends.

    Slots of the repeated autumn hour count with those that carry the same wall time.

    Returns
    -------
    One row for each kind of day and time of day, with the columns ``weekend`` (bool), ``minute``
    (after local midnight), ``mean``, ``low`` and ``high`` (10 and 90 % quantiles) [kW] and ``days``
    (how many slots were averaged).
    """
    frame = pd.DataFrame(
        {"weekend": weekdays(load) >= 5, "minute": load.second // 60, "power": load.power}
    )[load.known]
    grouped = frame.groupby(["weekend", "minute"])["power"]
    return pd.DataFrame(
        {
            "mean": grouped.mean(),
            "low": grouped.quantile(0.1),
            "high": grouped.quantile(0.9),
            "days": grouped.count(),
        }
    ).reset_index()
