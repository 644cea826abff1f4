"""The language that is spoken now, for words that are made far from any page.

Pure modules ask here and so know nothing of Django: by itself English is spoken, in the words that
stand in the code. Django lends its voice when it starts (`meters.apps`); from then on the language
of the request or of the letter holds.

``_`` translates, ``_n`` chooses between one and many, and `N_` marks a constant that is translated
where it is used. Figures go into a sentence by name, after it has been translated::

    _("{missing} of {expected} intervals missing").format(missing=…, expected=…)
"""

from collections.abc import Callable
from dataclasses import dataclass


def _as_written(text: str) -> str:
    return text


def _one_or_many(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


@dataclass(slots=True)
class Voice:
    """Who translates.

    Attributes
    ----------
    translate
        Of a text, the same in the language that is spoken.
    count
        Of a text for one thing, a text for several and a number, the one that fits.
    language
        Which language is spoken, as its ISO 639 code.
    """

    translate: Callable[[str], str] = _as_written
    count: Callable[[str, str, int], str] = _one_or_many
    language: Callable[[], str | None] = lambda: "en"


voice = Voice()


def _(text: str) -> str:
    """Translate a text."""
    return voice.translate(text)


def _n(one: str, many: str, count: int) -> str:
    """Translate a text that speaks of one thing or of several."""
    return voice.count(one, many, count)


def N_(text: str) -> str:  # noqa: N802 - as translators' tools call it
    """Mark a constant for translation, and leave it as it is."""
    return text


def spoken() -> str:
    """Name the language that is spoken, without its region: ``en``, ``de``."""
    return (voice.language() or "en").partition("-")[0]
