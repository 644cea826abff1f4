"""Text that came from outside, made fit to be looked at."""

import unicodedata

from django import template

register = template.Library()

# Controls, formats such as those that turn the direction of writing, halves of characters, those
# of private use and those that there aren't: none shows itself, and some hide or reorder others.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@register.filter
def visible(text: str) -> str:
    """Write out every character that would not show itself, as Python and JSON write it."""
    return "".join(_written(one) if unicodedata.category(one) in UNSEEN else one for one in text)


def _written(one: str) -> str:
    code = ord(one)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
