"""Origins as browsers send them: scheme, host, and the port where it is not the usual one."""

import ipaddress
import re
from urllib.parse import urlsplit

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
        raise ValueError(
            f"“{shown}” holds a *; name each origin in full, for example {EXAMPLE}. Whatever "
            "answers to a name that you have not thought of could read your readings."
        )
    if text == "null":
        raise ValueError(
            f"“null” stands for files and sandboxed frames of anybody; name one like {EXAMPLE}."
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"“{shown}” is not an origin; write one like {EXAMPLE}.") from None
    if parts.scheme not in USUAL or not parts.netloc:
        raise ValueError(f"“{shown}” does not begin with https://; write one like {EXAMPLE}.")
    if parts.path not in {"", "/"} or "?" in text or "#" in text or "@" in parts.netloc:
        raise ValueError(
            f"“{shown}” is more than an origin; leave out what comes after the host: "
            f"{parts.scheme}://{host}"
        )
    host = _host(host, shown)
    given = "" if port in {None, USUAL[parts.scheme]} else f":{port}"
    if port == 0 or len(host) > LONGEST - 20:
        raise ValueError(f"“{shown}” names no place in the web; write one like {EXAMPLE}.")
    return f"{parts.scheme}://{host}{given}"


def _host(host: str, shown: str) -> str:
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise ValueError(f"“{shown}” holds no IPv6 address; an example is [::1].") from None
    try:
        # As the browser has it: letters outside of ASCII in their xn-- form.
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        host = ""
    if not HOST.fullmatch(host):
        raise ValueError(f"“{shown}” names no host; write one like {EXAMPLE}.")
    return host
