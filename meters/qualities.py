"""The qualities of a reading, as the metering trade tells them apart.

A quality is stored as a small number; 0 stands where a reading is missing. The names follow
ENTSO-E's and ebIX' quality codes (A01 adjusted, A02 not available, A03 estimated, A04 as provided)
and the German market's readings (wahrer Wert, Ersatzwert, vorläufiger Wert).
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from meters.language import N_, _


class Quality(IntEnum):
    """How a value came about. The numbers are stored and never change their meaning."""

    MISSING = 0
    MEASURED = 1
    ESTIMATED = 2
    SUBSTITUTED = 3
    PROVISIONAL = 4
    CALCULATED = 5
    ADJUSTED = 6
    UNSPECIFIED = 7

    @property
    def label(self) -> str:
        """Its name in the API and in files, the same in every language."""
        return self.name.lower()


# From the best to the worst: who measured or worked it out, then who did not.
RANKING = (
    Quality.MISSING,
    Quality.MEASURED,
    Quality.ADJUSTED,
    Quality.CALCULATED,
    Quality.UNSPECIFIED,
    Quality.SUBSTITUTED,
    Quality.ESTIMATED,
    Quality.PROVISIONAL,
)
_RANKS = np.argsort(RANKING)
# Those that somebody vouches for; the others are guesses until the true value comes.
VOUCHED = (Quality.MEASURED, Quality.UNSPECIFIED, Quality.ADJUSTED, Quality.CALCULATED)

# As pages call them; the names themselves stand in the API and in files.
WORDS = {
    "missing": N_("missing"),
    "measured": N_("measured"),
    "estimated": N_("estimated"),
    "substituted": N_("substituted"),
    "provisional": N_("provisional"),
    "calculated": N_("calculated"),
    "adjusted": N_("adjusted"),
    "unspecified": N_("unspecified"),
}
BY_NAME = {quality.label: quality for quality in Quality if quality}
NAMES = [quality.label for quality in Quality]


def quality_in_words(name: str) -> str:
    """Name a quality to people, in the language that is spoken."""
    return _(WORDS[name])


class QualityError(ValueError):
    """A word that names no quality."""


def parse_quality(word: object) -> Quality:
    """Read a quality as an upstream writes it; none at all is `UNSPECIFIED`.

    Raises
    ------
    QualityError
        The word is unknown; the text lists those that are known.
    """
    if word is None:
        return Quality.UNSPECIFIED
    found = BY_NAME.get(word.strip().lower()) if isinstance(word, str) else None
    if found is None:
        # What is no text may be nested too deeply, or be too long a number, to be written out.
        said = repr(word[:40]) if isinstance(word, str) else f"of type {type(word).__name__}"
        raise QualityError(f"the quality {said} is unknown (known are {', '.join(BY_NAME)})")
    return found


def worse(one: npt.NDArray[np.int16], other: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Choose the worse of two qualities, position by position."""
    return np.where(_RANKS[one] >= _RANKS[other], one, other)
