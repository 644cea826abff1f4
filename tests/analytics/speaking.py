"""One thing said in both languages, by one process: what is translated too early then shows."""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.utils import translation

from meters.wording import THIN
from tests.tenants.test_german import english


class Both(NamedTuple):
    """The same in English and German."""

    english: Any
    german: Any


def both(say: Callable[[], Any]) -> Both:
    """Say something in English, in German, and in English again."""
    told = []
    for language in ("en", "de", "en"):
        with translation.override(language):
            told.append(say())
    assert told[0] == told[2], "what was said in German is still there"
    return Both(told[0], told[1])


def texts(value: Any) -> Iterator[str]:
    """Go through the texts of what dicts, lists and tuples hold."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)


def figures(text: str, *, decimal: str = ".") -> Counter[str]:
    """Count the figures of a text, as English writes them."""
    plain = text.replace(THIN, "")
    if decimal == ",":
        plain = re.sub(r"(\d),(\d)", r"\1.\2", plain)
    return Counter(re.findall(r"\d+(?:\.\d+)?", plain))


def assert_same(spoken: Both) -> None:
    """Hold that both say the same: as many texts, with the same figures, and German in German."""
    pairs = list(zip(texts(spoken.english), texts(spoken.german), strict=True))
    assert pairs
    for one, other in pairs:
        assert figures(one) == figures(other, decimal=","), (one, other)
        assert not english(f"<p>{html.escape(other)}</p>", ()), other
        assert not set("{}") & set(other), other
