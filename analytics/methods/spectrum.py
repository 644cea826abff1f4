r"""The periods that dominate a load, gaps or not, and whether they are more than chance.

How much of the variance a sinusoid of one period explains is the generalised Lomb–Scargle
periodogram [1]_. On regular slots its sums over the known ones are Fourier transforms of the values
and of the mask that says what is known, so it is exact at the price of two of them, where the
textbook form takes time with the square of the length.

Loads have a memory, and of a series with a memory long periods explain more than short ones by
chance. So a peak is judged against red noise: the mean that the periodogram of an autoregressive
process with the same correlation of neighbours has under the same gaps [2]_, [3]_, or what its
neighbourhood shows where that is more [4]_.

References
----------
.. [1] M. Zechmeister, M. Kürster, The generalised Lomb–Scargle periodogram, Astron. Astrophys. 496,
   2009, 577–584, equations 4 to 15.
.. [2] D. L. Gilman, F. J. Fuglister, J. M. Mitchell, On the power spectrum of “red noise”,
   J. Atmos. Sci. 20, 1963, 182–184.
.. [3] M. Schulz, M. Mudelsee, REDFIT: estimating red-noise spectra directly from unevenly spaced
   paleoclimatic time series, Comput. Geosci. 28, 2002, 421–426.
.. [4] M. E. Mann, J. M. Lees, Robust estimation of background noise and signal detection in
   climatic time series, Clim. Change 33, 1996, 409–445: the median of the neighbourhood.
.. [5] J. D. Scargle, Studies in astronomical time series analysis II, Astrophys. J. 263, 1982,
   835–853: the false-alarm probability of the highest of many.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.methods.correlation import is_constant
from analytics.methods.load import Load
from analytics.methods.transforms import fast_length
from meters.days import Floats

Complexes = npt.NDArray[np.complex128]

MOST_PERIODS = 6
FALSE_ALARM = 0.01
# A period is told from a load that holds it three times.
CYCLES = 3
# Fewer slots than these have no spectrum worth the name.
LEAST_SLOTS = 48
CHART_POINTS = 400
# The fewest frequencies whose median is a background.
NEIGHBOURS = 15


@dataclass(frozen=True, slots=True)
class Period:
    """A period that stands out.

    Attributes
    ----------
    length
        [s]
    share
        Of the load's variance that a sinusoid of it explains, after those before it were taken off.
    p_value
        How probable it is that red noise shows a peak as high anywhere.
    """

    length: float
    share: float
    p_value: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The periodogram of a load, thinned for a chart.

    Attributes
    ----------
    periods
        Those that stand out, the strongest first; empty where none does.
    lengths
        Periods [s], falling, about evenly spaced on a logarithmic scale, shape ``(m,)``.
    shares
        The most that any period around each of them explains of the variance, shape ``(m,)``.
    limits
        Above which share a peak is no chance (`FALSE_ALARM` for all together), shape ``(m,)``.
    """

    periods: tuple[Period, ...]
    lengths: Floats
    shares: Floats
    limits: Floats


def spectrum(load: Load) -> Spectrum:
    """Find the periods that dominate a load.

    One after another the strongest is taken off, so that neither its side lobes nor what the gaps
    make of it pass for periods of their own. Empty of a load that is constant or too short.
    """
    none = np.zeros(0)
    if load.count < LEAST_SLOTS or is_constant(load.power):
        return Spectrum((), none, none, none)
    sums = _Sums(load)
    if not len(sums.bins):
        return Spectrum((), none, none, none)
    centred = np.where(sums.known, load.power - load.power[sums.known].mean(), 0.0)
    variance = float(np.square(centred).sum())
    free = np.ones(len(sums.bins), dtype=bool)
    periods: list[Period] = []
    shares, limits = none, none
    for turn in range(MOST_PERIODS + 1):
        share = sums.shares(centred)
        background = np.maximum(sums.red_noise(centred), _neighbourhood(share, sums.bins))
        if turn == 0:
            shares, limits = share, background * sums.threshold
        height = np.where(free, share / background, 0.0)
        best = int(np.argmax(np.where(height > sums.threshold, share, 0.0)))
        if turn == MOST_PERIODS or not height[best] > sums.threshold:
            break
        part = float(np.square(centred).sum()) / variance
        chance = -math.expm1(sums.independent * math.log1p(-math.exp(-height[best])))
        periods.append(Period(float(sums.lengths[best]), float(share[best]) * part, chance))
        centred = sums.without(centred, best)
        # What swells and fades through the year spreads a line over its neighbours.
        near = np.maximum(3 * sums.resolution, 0.03 * sums.bins[best])
        free &= np.abs(sums.bins - sums.bins[best]) > near
    return Spectrum(tuple(periods), *_thinned(sums.lengths, shares, limits))


class _Sums:
    """What the gaps of a load fix: frequencies, and sums of sines and cosines over known slots."""

    def __init__(self, load: Load) -> None:
        n = len(load)
        self.known = load.known
        self.count = load.count
        self.slots = np.arange(n)
        # A whole number of weeks, so that day and week and their parts are among the frequencies.
        unit = load.per_day or 1
        unit *= 7 if n >= 7 * unit else 1
        self.length = -(-n // unit) * unit
        self.resolution = self.length / n
        first, last = math.ceil(CYCLES * self.resolution), (self.length - 1) // 2
        self.bins = np.arange(first, last + 1)
        self.lengths = self.length * load.interval / np.maximum(self.bins, 1)
        # As many as a series of this length can tell apart.
        self.independent = max(len(self.bins) / self.resolution, 1.0)
        self.threshold = -math.log(-math.expm1(math.log1p(-FALSE_ALARM) / self.independent))
        mask = np.fft.rfft(self.known.astype(np.float64), self.length) / self.count
        half = len(mask) - 1
        double = 2 * self.bins
        wrapped = np.where(double > half, self.length - double, double)
        twice = np.where(double > half, mask[wrapped].conj(), mask[wrapped])
        c, s = mask[self.bins].real, -mask[self.bins].imag
        self.cc = (1 + twice.real) / 2 - c * c
        self.ss = (1 - twice.real) / 2 - s * s
        self.cs = -twice.imag / 2 - c * s
        self.determinant = self.cc * self.ss - self.cs**2
        self.pairs = _pairs(self.known)

    def _projections(self, centred: Floats) -> tuple[Floats, Floats]:
        transform: Complexes = np.fft.rfft(centred, self.length)[self.bins] / self.count
        return transform.real, -transform.imag

    def shares(self, centred: Floats) -> Floats:
        """Say how much of the variance each frequency explains ([1]_, equation 5)."""
        yc, ys = self._projections(centred)
        explained = self.ss * yc**2 + self.cc * ys**2 - 2 * self.cs * yc * ys
        found = np.zeros(len(self.bins))
        scale = self.determinant * np.square(centred).sum() / self.count
        np.divide(explained, scale, out=found, where=self.determinant > 1e-9)
        return np.clip(found, 0.0, 1.0)

    def red_noise(self, centred: Floats) -> Floats:
        r"""Say what share red noise has at each frequency on average.

        Under a mask ``m`` the expected square of the transform of a process with the correlation
        :math:`\alpha^{|k|}` is the transform of :math:`\alpha^{|k|} \sum_t m_t m_{t+k}`.
        """
        neighbours = (centred[:-1] * centred[1:]).sum() / max(self.pairs[1], 1)
        alpha = float(np.clip(neighbours / (np.square(centred).sum() / self.count), 0.0, 0.999))
        reach = min(len(self.pairs), self.length // 2, int(-28 / math.log(max(alpha, 1e-9))) + 2)
        weighted = np.zeros(self.length)
        weighted[:reach] = alpha ** np.arange(reach) * self.pairs[:reach]
        weighted[self.length - reach + 1 :] += weighted[1:reach][::-1]
        power = np.fft.rfft(weighted).real[self.bins]
        mean: Floats = 2 * np.maximum(power, 1e-12) / self.count**2
        return mean

    def without(self, centred: Floats, best: int) -> Floats:
        """Take the sinusoid of one frequency off the known slots."""
        yc, ys = (float(part[best]) for part in self._projections(centred))
        cc, ss, cs, d = (
            float(part[best]) for part in (self.cc, self.ss, self.cs, self.determinant)
        )
        a, b = (yc * ss - ys * cs) / d, (ys * cc - yc * cs) / d
        angle = 2 * np.pi * (self.bins[best] * self.slots % self.length) / self.length
        rest = centred - a * np.cos(angle) - b * np.sin(angle)
        return np.where(self.known, rest - rest[self.known].mean(), 0.0)


def _pairs(known: npt.NDArray[np.bool_]) -> Floats:
    """Count the pairs of known slots at each distance."""
    length = fast_length(2 * len(known))
    transform = np.fft.rfft(known.astype(np.float64), length)
    return np.rint(np.fft.irfft(np.abs(transform) ** 2, length)[: len(known)])


def _neighbourhood(shares: Floats, bins: npt.NDArray[np.int64]) -> Floats:
    """Tell the background from the medians of bands of a third of an octave, between which it runs.

    The median of what is distributed exponentially is ln 2 of its mean.
    """
    edges = [0]
    while edges[-1] < len(bins):
        wide = max(int(bins[edges[-1]] * (2 ** (1 / 3) - 1)), NEIGHBOURS)
        edges.append(edges[-1] + wide)
    if len(edges) > 2 and edges[-1] > len(bins):
        edges.pop(-2)  # the last band has too few
    edges[-1] = len(bins)
    pieces = list(itertools.pairwise(edges))
    centres = np.log([bins[low:high].mean() for low, high in pieces])
    medians = np.array([np.median(shares[low:high]) for low, high in pieces]) / math.log(2)
    background: Floats = np.exp(
        np.interp(np.log(bins), centres, np.log(np.maximum(medians, 1e-12)))
    )
    return background


def _thinned(lengths: Floats, shares: Floats, limits: Floats) -> tuple[Floats, Floats, Floats]:
    """Keep the highest share of each of `CHART_POINTS` pieces of a logarithmic axis."""
    position = np.log(lengths[0] / lengths)
    piece = (position / max(position[-1], 1e-12) * (CHART_POINTS - 1)).astype(np.int64)
    starts = np.flatnonzero(np.diff(piece, prepend=-1))
    ends = np.append(starts[1:], len(lengths))
    kept = np.array(
        [low + int(np.argmax(shares[low:high])) for low, high in zip(starts, ends, strict=True)]
    )
    return lengths[kept], shares[kept], limits[kept]
