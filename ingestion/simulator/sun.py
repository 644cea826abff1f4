"""Where the sun stands, and what a tilted panel receives from it: textbook formulas, cited.

References
----------
.. [1] J. W. Spencer, "Fourier series representation of the position of the sun", Search 2 (5),
   p. 172, 1971 (declination, equation of time, eccentricity).
.. [2] B. Haurwitz, "Insolation in Relation to Cloudiness and Cloud Density", Journal of
   Meteorology 2, pp. 154-166, 1945; with the coefficients of M. Reno, C. Hansen and J. Stein,
   "Global Horizontal Irradiance Clear Sky Models", SAND2012-2389, 2012.
.. [3] D. G. Erbs, S. A. Klein and J. A. Duffie, "Estimation of the diffuse radiation fraction
   for hourly, daily and monthly-average global radiation", Solar Energy 28 (4), pp. 293-302,
   1982, eq. 1.
.. [4] B. Liu and R. Jordan, "The long-term average performance of flat-plate solar-energy
   collectors", Solar Energy 7 (2), pp. 53-74, 1963 (isotropic sky and ground).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.localtime import DAY, Instants

Floats = NDArray[np.float64]

SOLAR_CONSTANT = 1361.0
"""Irradiance outside the atmosphere at the mean distance of the sun [W/m²]."""

ALBEDO = 0.2
"""Share of the light that ordinary ground reflects [-]."""

LOWEST_BEAM_COSINE = 0.065
"""Cosine of the zenith angle below which no beam is computed [-]: dividing by a smaller one
turns the diffuse model's error into a spike at sunrise."""


@dataclass(frozen=True, eq=False)
class SunPath:
    """Unit vectors towards the sun, one per instant, and the irradiance above the atmosphere.

    Attributes
    ----------
    east, north, up : numpy.ndarray of float64, shape (n,)
        Components of the unit vector towards the sun [-]; `up` is the sine of the elevation.
    extraterrestrial : numpy.ndarray of float64, shape (n,)
        Irradiance on a surface facing the sun, outside the atmosphere [W/m²].
    """

    east: Floats
    north: Floats
    up: Floats
    extraterrestrial: Floats


def sun_path(instants: Instants, latitude: float, longitude: float) -> SunPath:
    """Position of the sun after Spencer [1]_, good to some tenths of a degree.

    Parameters
    ----------
    instants : numpy.ndarray of int64, shape (n,)
        UTC [s since 1970-01-01T00:00Z].
    latitude, longitude : float
        Place on earth [°], north and east positive.

    Returns
    -------
    SunPath
        Arrays of shape (n,).
    """
    # The seasons follow the tropical year, so the day angle is counted through from one epoch:
    # a day number that starts again each New Year would jump by up to a day's declination.
    days = (instants - 1_672_531_200) / DAY
    angle = 2 * np.pi * days / 365.2422
    one, two, three = (np.exp(1j * k * angle) for k in (1, 2, 3))
    declination = (
        0.006918
        - 0.399912 * one.real
        + 0.070257 * one.imag
        - 0.006758 * two.real
        + 0.000907 * two.imag
        - 0.002697 * three.real
        + 0.001480 * three.imag
    )
    equation_of_time = (
        0.0000075
        + 0.001868 * one.real
        - 0.032077 * one.imag
        - 0.014615 * two.real
        - 0.040849 * two.imag
    )
    eccentricity = (
        1.000110
        + 0.034221 * one.real
        + 0.001280 * one.imag
        + 0.000719 * two.real
        + 0.000077 * two.imag
    )
    hour_angle = 2 * np.pi * ((instants % DAY) / DAY - 0.5) + np.radians(longitude)
    hour_angle += equation_of_time
    phi = np.radians(latitude)
    cos_declination, sin_declination = np.cos(declination), np.sin(declination)
    towards_meridian = cos_declination * np.cos(hour_angle)
    return SunPath(
        east=-cos_declination * np.sin(hour_angle),
        north=sin_declination * np.cos(phi) - towards_meridian * np.sin(phi),
        up=sin_declination * np.sin(phi) + towards_meridian * np.cos(phi),
        extraterrestrial=SOLAR_CONSTANT * eccentricity,
    )


def clear_sky(path: SunPath) -> Floats:
    """Global horizontal irradiance under a clear sky [W/m²], after Haurwitz [2]_; 0 at night."""
    day = path.up > 0
    up = np.where(day, path.up, 1.0)
    return np.where(day, 1098.0 * up * np.exp(-0.059 / up), 0.0)


def on_tilted_plane(path: SunPath, horizontal: Floats, tilt: float, azimuth: float) -> Floats:
    """Irradiance on a tilted plane from that on the horizontal.

    Split into beam and diffuse after Erbs et al. [3]_, put on the plane after Liu and Jordan [4]_.

    Parameters
    ----------
    path : SunPath
        The sun, arrays of shape (n,).
    horizontal : numpy.ndarray of float64, shape (n,)
        Global horizontal irradiance [W/m²].
    tilt, azimuth : float
        Slope of the plane, 0 flat, and the direction it faces, clockwise from north [°].

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Global irradiance on the plane [W/m²]; 0 wherever `horizontal` is 0.
    """
    beta, gamma = np.radians(tilt), np.radians(azimuth)
    up = np.maximum(path.up, LOWEST_BEAM_COSINE)
    clearness = np.minimum(horizontal / (path.extraterrestrial * up), 1.0)
    diffuse_share = np.where(
        clearness <= 0.22,
        1 - 0.09 * clearness,
        np.where(
            clearness <= 0.80,
            np.polyval([12.336, -16.638, 4.388, -0.1604, 0.9511], clearness),
            0.165,
        ),
    )
    diffuse_share = np.where(path.up < LOWEST_BEAM_COSINE, 1.0, diffuse_share)
    incidence = np.sin(beta) * (np.sin(gamma) * path.east + np.cos(gamma) * path.north)
    incidence += np.cos(beta) * path.up
    beam = horizontal * (1 - diffuse_share) / up * np.maximum(incidence, 0.0)
    diffuse = horizontal * diffuse_share * (1 + np.cos(beta)) / 2
    reflected = horizontal * ALBEDO * (1 - np.cos(beta)) / 2
    plane: Floats = beam + diffuse + reflected
    return plane
