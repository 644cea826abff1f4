"""Query parameters of every endpoint: each is known, is given once, and can be read."""

import difflib
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from django.http import QueryDict

from meters.api.problems import InvalidQuery, ParameterError

T = TypeVar("T")

# How the answer is written; content negotiation has read it before anything here does.
FORMAT = "format"


class Parameters:
    """The query parameters of one request, and what was wrong with them so far.

    Parameters
    ----------
    known
        The names that there are.
    instead
        Name and value of one that works, shown to whoever sends an unknown one.
    """

    def __init__(self, given: QueryDict, known: Collection[str], instead: str) -> None:
        self.given = given
        self.errors: list[ParameterError] = []
        known = [*known, FORMAT]
        for name in sorted(given.keys() - set(known)):
            close = difflib.get_close_matches(name[:40], known, n=1)
            meant = f"; did you mean {close[0]}? There" if close else "; there"
            self.errors.append(
                ParameterError(
                    name,
                    given.get(name, ""),
                    f"“{name[:40]}” is not a parameter here{meant} are {', '.join(known)}.",
                    instead,
                )
            )

    def read(self, name: str, parse: Callable[[str], T], default: T, example: str) -> T:
        """Read one parameter; where it can't be taken, note that and go on with the default.

        Parameters
        ----------
        parse
            Raises a ValueError that says in words what is wrong.
        example
            A value that works, also beside the others that were sent.
        """
        texts = [text for text in self.given.getlist(name) if text]
        if not texts:
            return default
        try:
            return parse(_single(name, texts))
        except ValueError as error:
            self.refuse(name, str(error), example, texts[-1])
            return default

    def read_all(
        self, name: str, parse: Callable[[Sequence[str]], T], default: T, example: str
    ) -> T:
        """Read a parameter that may be given several times, or with commas between its values."""
        texts = [
            part.strip() for text in self.given.getlist(name) for part in text.split(",") if part
        ]
        texts = list(dict.fromkeys(text for text in texts if text))
        if not texts:
            return default
        try:
            return parse([_whole(name, text) for text in texts])
        except ValueError as error:
            self.refuse(name, str(error), example, ",".join(texts))
            return default

    def read_each(self, name: str, example: str) -> list[str]:
        """Read a parameter that may be given several times, and whose values may hold commas."""
        texts = list(dict.fromkeys(text for text in self.given.getlist(name) if text))
        try:
            return [_whole(name, text) for text in texts]
        except ValueError as error:
            self.refuse(name, str(error), example, texts[-1])
            return []

    def is_refused(self, name: str) -> bool:
        return any(error.parameter == name for error in self.errors)

    def refuse(self, name: str, message: str, example: str, value: str | None = None) -> None:
        """Note what is wrong with a parameter."""
        text = self.given.get(name, "") if value is None else value
        self.errors.append(ParameterError(name, text, message, example))

    def check(self) -> None:
        """Raise what was wrong, if anything was."""
        if self.errors:
            raise InvalidQuery(self.errors)


def _single(name: str, texts: list[str]) -> str:
    if len(texts) > 1:
        raise ValueError(f"“{name}” is given {len(texts)} times; give it once.")
    return _whole(name, texts[0])


def _whole(name: str, text: str) -> str:
    if "\0" in text:
        raise ValueError(f"“{name}” holds a NUL character.")
    return text


def one_of(choices: Collection[str]) -> Callable[[str], str]:
    """Make a parser that takes some words and no others."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"“{text[:40]}” is not one of {', '.join(choices)}.")
        return text

    return parse


def whole_number(most: int) -> Callable[[str], int]:
    """Make a parser of whole numbers from 1 up."""

    def parse(text: str) -> int:
        # Without the first condition Python would read digits of every script, and very many.
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
            raise ValueError(f"“{text[:40]}” is not a whole number from 1 to {most:,}.")
        return int(text)

    return parse
