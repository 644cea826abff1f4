"""What may be entered of a source: its address, and the header of its API key."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

# Where the meter's identifier goes in a whole address.
PLACE = "{muid}"
# Headers that say how a request is to be read, not who asks.
NO_KEY_HEADERS = {
    *("host", "connection", "content-length", "content-type", "transfer-encoding", "te", "trailer"),
    *("accept", "accept-encoding", "expect", "range", "upgrade", "proxy-authorization"),
}


def validate_address(text: str) -> None:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValidationError("This is no address: its host or port can't be read.") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValidationError("The address begins with https:// (or http://) and names a host.")
    if parts.username is not None or parts.password is not None:
        raise ValidationError("Leave name and password out of the address; a token has its field.")
    if re.search(r"[{}\s]", text.replace(PLACE, "")) or PLACE in parts.netloc:
        raise ValidationError(
            "The only placeholder is {muid}, as in https://meters.example.com/{muid}.json"
        )
    if PLACE not in text and (parts.query or parts.fragment):
        raise ValidationError(
            "A base address has no “?” and no “#”; only a whole one with {muid} may have them."
        )


def validate_header(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9-]+", name) or name.lower() in NO_KEY_HEADERS:
        raise ValidationError(
            "This can't be the header of an API key. Write a name such as X-API-Key, in letters, "
            "digits and hyphens."
        )


# A token goes only where it was meant to go.
LEADS_ELSEWHERE = (
    "The address leads to another host. Give the token again that is to be sent there."
)


def leads_elsewhere(before: str, after: str) -> bool:
    """Whether an address leads to another host, or by another way, than one before."""
    return _origin(before) != _origin(after)


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
