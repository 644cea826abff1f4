"""The qualities of a reading, as the metering trade tells them apart.

A quality is stored as a small number; 0 stands where a reading is missing. The names follow
ENTSO-E's and ebIX' quality codes (A01 adjusted, A02 not available, A03 estimated, A04 as provided)
and the German market's readings (wahrer Wert, Ersatzwert, vorläufiger Wert).
"""

from enum import IntEnum


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
        return self.name.lower()


BY_NAME = {quality.label: quality for quality in Quality if quality}
NAMES = [quality.label for quality in Quality]


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
