"""Origins as browsers send them: scheme, host, and the port where it is not the usual one."""

import ipaddress
import re
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

LONGEST = 255
EXAMPLE = "https://dashboard.example.com"
HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)*")
USUAL = {"https": 443, "http": 80}


def checked_origin(text: str) -> str:
    """Return an origin as a browser writes it, so that both can be compared letter by letter.

    Raises
    ------
    ValueError
        It is none, or one that can't be allowed by itself; the text says why.
    """
    text = text.strip()
    shown = text[:60]
    if "*" in text:
        words = _(
            "“{text}” holds a *; name each origin in full, for example {example}. Whatever answers "
            "to a name that you have not thought of could read your readings."
        )
        raise _refused(words, shown)
    if text == "null":
        words = _(
            "“null” stands for files and sandboxed frames of anybody; name one like {example}."
        )
        raise _refused(words, shown)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        words = _("“{text}” is not an origin; write one like {example}.")
        raise _refused(words, shown) from None
    if parts.scheme not in USUAL or not parts.netloc:
        words = _("“{text}” does not begin with https://; write one like {example}.")
        raise _refused(words, shown)
    if parts.path not in {"", "/"} or "?" in text or "#" in text or "@" in parts.netloc:
        words = _("“{text}” is more than an origin; leave out what comes after the host: {origin}")
        raise ValueError(words.format(text=shown, origin=f"{parts.scheme}://{host}"))
    host = _host(host, shown)
    given = "" if port in {None, USUAL[parts.scheme]} else f":{port}"
    if port == 0 or len(host) > LONGEST - 20:
        raise _refused(_("“{text}” names no place in the web; write one like {example}."), shown)
    return f"{parts.scheme}://{host}{given}"


def _host(host: str, shown: str) -> str:
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            words = _("“{text}” holds no IPv6 address; an example is [::1].")
            raise _refused(words, shown) from None
    try:
        # As the browser has it: letters outside of ASCII in their xn-- form.
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        host = ""
    if not HOST.fullmatch(host):
        raise _refused(_("“{text}” names no host; write one like {example}."), shown)
    return host


def _refused(words: str, shown: str) -> ValueError:
    return ValueError(words.format(text=shown, example=EXAMPLE))
