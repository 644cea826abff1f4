"""How a load resembles its own past: autocorrelation, its bands, and what habits they prove.

Gaps need no filling: each lag is told from the pairs of slots that are both known. For a series
without gaps every figure is the usual one, as statsmodels gives it by default.

References
----------
.. [1] G. E. P. Box, G. M. Jenkins, Time Series Analysis, 1976, section 2.1.6: the estimator, lags
   up to n/4, and Bartlett's bands.
.. [2] M. S. Bartlett, On the theoretical specification and sampling properties of autocorrelated
   time-series, J. R. Stat. Soc. Suppl. 8, 1946, 27–41.
.. [3] E. Parzen, On spectral analysis with missing observations and amplitude modulation, Sankhyā A
   25, 1963, 383–392: the mean over the pairs that are there.
.. [4] G. M. Ljung, G. E. P. Box, On a measure of lack of fit in time series models, Biometrika 65,
   1978, 297–303; D. S. Stoffer, C. M. C. Toloi, A note on the Ljung–Box–Pierce portmanteau
   statistic with missing data, Stat. Probab. Lett. 13, 1992, 391–396.
.. [5] J. Durbin, The fitting of time-series models, Rev. Int. Stat. Inst. 28, 1960, 233–244.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analytics.methods.load import Load
from analytics.methods.transforms import fast_length
from meters.days import Floats, Ints
from meters.zones import DAY

WEEK = 7 * DAY
# The quantile of the normal distribution that leaves 2.5 % on either side.
TWO_SIDED = 1.959963984540054
# A lag is told from a series that is at least four times as long ([1]_).
SHORTEST = 4
# What varies less than this share of its mean is constant but for rounding.
CONSTANT = 1e-9


@dataclass(frozen=True, eq=False)
class Correlation:
    """The autocorrelation of a load at the lags 0 to m.

    Attributes
    ----------
    interval
        Length of one lag [s].
    length
        How many slots the load has, known or not.
    values
        ``r``, shape ``(m + 1,)``; NaN where no pair is known, or the load is constant.
    pairs
        From how many pairs of slots each value was told, shape ``(m + 1,)``.
    band
        Half the width of Bartlett's 95 % band about 0 at each lag: how far a value strays by chance
        if the series has only the correlation of the lags before it. 0 at lag 0.
    white
        Half the width of the band of white noise. It is the same at every lag and too narrow for
        all series that have any correlation, as loads do.
    """

    interval: int
    length: int
    values: Floats
    pairs: Ints
    band: Floats
    white: float

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Portmanteau:
    """The Ljung–Box test of the first lags together: whether values depend on their past at all."""

    lags: int
    statistic: float
    p_value: float


class Verdict(StrEnum):
    """What the value at one lag says of a habit of that length."""

    REPEATS = "repeats"
    NOT_PROVED = "not_proved"
    OPPOSED = "opposed"
    """Outside its band on the negative side: high values tend to be followed by low ones."""
    CONSTANT = "constant"
    TOO_SHORT = "too_short"


@dataclass(frozen=True, slots=True)
class Habit:
    """What is known of a daily or weekly habit.

    Attributes
    ----------
    period
        Its length [s].
    value, band
        Autocorrelation at that lag, and half the width of its band; NaN where they are not known.
    pairs
        From how many pairs the value was told.
    """

    period: int
    value: float
    band: float
    pairs: int
    verdict: Verdict


def autocorrelation(load: Load, lags: int) -> Correlation:
    r"""Tell the autocorrelation at the lags 0 to `lags`.

    With the mean ``m`` of all known slots and the :math:`N_k` pairs ``k`` apart that are both known

    .. math:: r_k = \frac{n - k}{n} \cdot
              \frac{\frac{1}{N_k} \sum (x_t - m)(x_{t+k} - m)}{\frac{1}{N_0} \sum (x_t - m)^2}

    which is the mean over the pairs that are there [3]_, tapered as the usual estimator is, and is
    that estimator [1]_ where nothing is missing. Bartlett's band [2]_ takes :math:`N_k n / (n - k)`
    for the length of the series: its length, less the share of pairs that are missing.

    Parameters
    ----------
    lags
        At most n − 1 are given.

    Returns
    -------
    Correlation
        Empty of a load of which nothing is known.
    """
    n = len(load)
    if not load.count:
        none = np.zeros(0)
        return Correlation(load.interval, n, none, none.astype(np.int64), none, math.nan)
    lags = min(lags, n - 1)
    products, pairs = _products(load.power, lags)
    taper = 1 - np.arange(lags + 1) / n
    means = np.full(lags + 1, np.nan)
    np.divide(products, pairs, out=means, where=pairs > 0)
    values = np.full(lags + 1, np.nan)
    if not is_constant(load.power):
        values = means / means[0] * taper
    return Correlation(
        load.interval,
        n,
        values,
        pairs,
        bartlett_band(values, pairs / taper),
        TWO_SIDED / math.sqrt(load.count),
    )


def is_constant(power: Floats) -> bool:
    """Whether the known values do not vary but for rounding."""
    known = power[~np.isnan(power)]
    return not len(known) or bool(np.ptp(known) <= CONSTANT * np.abs(known).max())


def _products(power: Floats, lags: int) -> tuple[Floats, Ints]:
    """Sum the products of all pairs 0 to `lags` apart, and count the pairs, by FFT."""
    known = ~np.isnan(power)
    centred = np.where(known, power - power[known].mean(), 0.0)
    # Long enough that the end does not meet the beginning.
    length = fast_length(len(power) + lags)
    spectra = np.fft.rfft(np.stack((centred, known.astype(np.float64))), length)
    sums = np.fft.irfft(np.abs(spectra) ** 2, length)[:, : lags + 1]
    pairs = np.rint(sums[1]).astype(np.int64)
    return np.where(pairs > 0, sums[0], 0.0), pairs


def bartlett_band(values: Floats, lengths: Floats) -> Floats:
    r"""Return half the width of Bartlett's 95 % band at each lag.

    .. math:: 1.96 \sqrt{\frac{1}{n} \left(1 + 2 \sum_{i=1}^{k-1} r_i^2\right)}

    Parameters
    ----------
    values
        Autocorrelations from lag 0 on, shape ``(m + 1,)``.
    lengths
        How many values each of them rests on, shape ``(m + 1,)``.

    References
    ----------
    Bartlett 1946, for the value at lag k of a moving average of order k − 1.
    """
    before = np.cumsum(np.nan_to_num(values[1:]) ** 2)
    factor = 1 + 2 * np.concatenate(([0.0], before[:-1]))
    band = np.full(len(values), np.nan)
    known = (lengths[1:] > 0) & ~np.isnan(values[1:])
    np.divide(factor, lengths[1:], out=band[1:], where=known)
    band[0] = 0.0
    half: Floats = TWO_SIDED * np.sqrt(band)
    return half


def partial_autocorrelation(correlation: Correlation, lags: int) -> Floats:
    """Tell the partial autocorrelation at the lags 0 to `lags`, by Durbin's recursion [5]_.

    It is Yule and Walker's with the mean over pairs, statsmodels' default ``ywadjusted``.

    Parameters
    ----------
    correlation
        Of at least `lags` lags; fewer are given where it has fewer.

    Returns
    -------
    Shape ``(lags + 1,)``. NaN from the first lag on at which the autocorrelations, told from
    different pairs, contradict each other and no process has them.
    """
    lags = min(lags, len(correlation) - 1)
    if lags < 0:
        return np.zeros(0)
    r = correlation.values[: lags + 1] / (1 - np.arange(lags + 1) / correlation.length)
    partial = np.full(lags + 1, np.nan)
    partial[0] = 1.0
    coefficients = np.zeros(lags + 1)
    error = 1.0
    for k in range(1, lags + 1):
        before = coefficients[1:k]
        reflection = (r[k] - before @ r[k - 1 : 0 : -1]) / error
        if not abs(reflection) < 1:
            break
        partial[k] = reflection
        coefficients[1:k] = before - reflection * before[::-1]
        coefficients[k] = reflection
        error *= 1 - reflection**2
    return partial


def ljung_box(correlation: Correlation, lags: int) -> Portmanteau | None:
    r"""Test whether the first lags together are more than chance.

    .. math:: Q = \frac{n_0 + 2}{n_0} \sum_{k=1}^{h} N_k \tilde r_k^2

    with the mean over pairs :math:`\tilde r_k`, the :math:`N_k` pairs it rests on, and the
    :math:`n_0` slots that are known. Where nothing is missing it is Ljung and Box' ``Q``; with gaps
    each value counts by the pairs that it rests on, as Stoffer and Toloi do [4]_.

    Returns
    -------
    None of a load that is constant or shorter than the lags.
    """
    if len(correlation) <= lags or lags < 1 or np.isnan(correlation.values[1 : lags + 1]).any():
        return None
    from scipy.special import gammaincc

    k = np.arange(1, lags + 1)
    r = correlation.values[1 : lags + 1] / (1 - k / correlation.length)
    known = int(correlation.pairs[0])
    statistic = float((known + 2) / known * (correlation.pairs[1 : lags + 1] @ r**2))
    # The upper tail of chi-squared with h degrees of freedom is a regularised gamma function.
    return Portmanteau(lags, statistic, float(gammaincc(lags / 2, statistic / 2)))


def habit(correlation: Correlation, period: int) -> Habit:
    """Say whether a load repeats after `period` [s]: its value at that lag against its own band.

    Parameters
    ----------
    period
        Taken to the nearest whole lag.
    """
    lag = round(period / correlation.interval)
    if len(correlation) and np.isnan(correlation.values[0]):
        return Habit(period, math.nan, math.nan, 0, Verdict.CONSTANT)
    known = 0 < lag < len(correlation) and not np.isnan(correlation.values[lag])
    if not known or correlation.length < SHORTEST * lag:
        return Habit(period, math.nan, math.nan, 0, Verdict.TOO_SHORT)
    value, band = float(correlation.values[lag]), float(correlation.band[lag])
    verdict = Verdict.NOT_PROVED
    if abs(value) > band:
        verdict = Verdict.REPEATS if value > 0 else Verdict.OPPOSED
    return Habit(period, value, band, int(correlation.pairs[lag]), verdict)


def daily_habit(correlation: Correlation) -> Habit:
    """Say whether a load repeats daily."""
    return habit(correlation, DAY)


def weekly_habit(remainder: Correlation) -> Habit:
    """Say whether a load repeats weekly beyond what it repeats daily.

    Parameters
    ----------
    remainder
        The autocorrelation of what the daily pattern leaves (`pattern.without_daily`): of a
        load that repeats daily the value after seven days is high, whether weeks matter or not.
    """
    return habit(remainder, WEEK)
