"""After how long a load comes back to itself where that is no day: a rhythm that no clock keeps.

References
----------
.. [1] A. Wald, J. Wolfowitz, An exact test for randomness in the non-parametric case based on
   serial correlation, Ann. Math. Stat. 14, 1943, 378–388: ranks in the place of values.
"""

from dataclasses import dataclass, replace

import numpy as np

from analytics.methods.correlation import SHORTEST, TWO_SIDED, Correlation
from analytics.methods.load import Load
from meters.zones import DAY

# Later lags are the shoulder of the day's own peak.
LATEST = DAY * 3 // 4
# Noise has an echo in so many series at most.
FALSE_ALARM = 0.01


@dataclass(frozen=True, slots=True)
class Echo:
    """After how long a load resembles itself most, within the day: a rhythm of its own.

    Attributes
    ----------
    lag
        [s]
    value, band
        Rank autocorrelation at that lag, and half the width of its band.
    """

    lag: int
    value: float
    band: float


def ranked(load: Load) -> Load:
    """Put ranks in the place of powers, equal ones sharing theirs ([1]_).

    A few peaks of a load that is low otherwise correlate by chance far beyond Bartlett's band,
    which takes the values for about normal; their ranks do not.
    """
    _, place, count = np.unique(load.power[load.known], return_inverse=True, return_counts=True)
    ranks = np.full(len(load), np.nan)
    ranks[load.known] = (np.cumsum(count) - (count - 1) / 2)[place]
    return replace(load, power=ranks)


def echo(correlation: Correlation) -> Echo | None:
    """Find the lag within the day after which a load resembles itself most.

    It is a peak past the lag at which the correlogram first falls to 0: what has only not faded yet
    is no return. So many lags are looked at that one of them is often outside its own band, so the
    band is widened by Bonferroni's inequality.

    Parameters
    ----------
    correlation
        Of the load's ranks (`ranked`).

    Returns
    -------
    None where chance alone reaches as far.
    """
    most = min(LATEST // correlation.interval, correlation.length // SHORTEST)
    r = correlation.values[: most + 2]
    faded = np.flatnonzero(r <= 0)
    if not len(faded) or len(r) < faded[0] + 3:
        return None
    from scipy.special import ndtri

    lags = np.arange(faded[0] + 1, len(r) - 1)
    peaks = lags[(r[lags] >= r[lags - 1]) & (r[lags] >= r[lags + 1])]
    wider = -float(ndtri(FALSE_ALARM / len(lags))) / TWO_SIDED
    peaks = peaks[r[peaks] > wider * correlation.band[peaks]]
    if not len(peaks):
        return None
    lag = int(peaks[np.argmax(r[peaks])])
    return Echo(lag * correlation.interval, float(r[lag]), float(correlation.band[lag]))
