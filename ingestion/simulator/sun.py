"""Where the sun stands, and what a tilted panel receives from it: pvlib's models, put together.

pvlib is imported where it is used: it brings scipy along, 65 MB and most of a second, and whoever
only reads the catalogue of meters needs neither.

References
----------
.. [1] J. W. Spencer, "Fourier series representation of the position of the sun", Search 2 (5),
   p. 172, 1971 (declination, equation of time, eccentricity).
.. [2] B. Haurwitz, "Insolation in Relation to Cloudiness and Cloud Density", Journal of
   Meteorology 2, pp. 154-166, 1945; with the coefficients of M. Reno, C. Hansen and J. Stein,
   "Global Horizontal Irradiance Clear Sky Models", SAND2012-2389, 2012.
.. [3] D. G. Erbs, S. A. Klein and J. A. Duffie, "Estimation of the diffuse radiation fraction
   for hourly, daily and monthly-average global radiation", Solar Energy 28 (4), pp. 293-302,
   1982.
.. [4] B. Liu and R. Jordan, "The long-term average performance of flat-plate solar-energy
   collectors", Solar Energy 7 (2), pp. 53-74, 1963 (isotropic sky and ground).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.localtime import DAY, Instants

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

ALBEDO = 0.2
"""Share of the light that ordinary ground reflects [-]."""

YEAR = 365.2422
"""Length of the tropical year [days]."""


@dataclass(frozen=True, eq=False)
class SunPath:
    """Where the sun stands at each of n instants.

    Attributes
    ----------
    zenith : numpy.ndarray of float64, shape (n,)
        Angle between the sun and straight up [°].
    azimuth : numpy.ndarray of float64, shape (n,)
        Direction of the sun, clockwise from north [°].
    day : numpy.ndarray of float64, shape (n,)
        Day of the year, with its fraction; 1 where it begins [days].
    """

    zenith: Floats
    azimuth: Floats
    day: Floats

    @property
    def elevation(self) -> Floats:
        """Angle between the sun and the horizon [°]."""
        found: Floats = 90.0 - self.zenith
        return found


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
    from pvlib import solarposition

    # The seasons follow the tropical year, so the day is counted through from one epoch: a day
    # number that starts again each New Year would jump by up to a day's declination.
    day = 1 + (instants - 1_672_531_200) / DAY % YEAR
    declination = solarposition.declination_spencer71(day)
    hour_angle = 2 * np.pi * ((instants % DAY) / DAY - 0.5) + np.radians(longitude)
    hour_angle += np.radians(solarposition.equation_of_time_spencer71(day) / 4)
    hour_angle = (hour_angle + np.pi) % (2 * np.pi) - np.pi
    phi = np.radians(latitude)
    zenith = solarposition.solar_zenith_analytical(phi, hour_angle, declination)
    azimuth = solarposition.solar_azimuth_analytical(phi, hour_angle, declination, zenith)
    return SunPath(np.degrees(zenith), np.degrees(azimuth), day)


def clear_sky(path: SunPath) -> Floats:
    """Global horizontal irradiance under a clear sky [W/m²], after Haurwitz [2]_; 0 at night."""
    from pvlib import clearsky

    found: Floats = clearsky.haurwitz(_series(path.zenith))["ghi"].to_numpy()
    return found


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
    from pvlib import irradiance

    parts = irradiance.erbs(horizontal, path.zenith, path.day)
    plane: Floats = irradiance.get_total_irradiance(
        tilt,
        azimuth,
        path.zenith,
        path.azimuth,
        parts["dni"],
        horizontal,
        parts["dhi"],
        albedo=ALBEDO,
    )["poa_global"]
    return np.nan_to_num(plane)


def _series(values: Floats) -> pd.Series[float]:
    import pandas as pd

    return pd.Series(values)
