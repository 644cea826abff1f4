"""The environment's variables, read with words for what can't be read.

An error names the variable and never repeats a value that may hold a secret.
"""

import base64
import ipaddress
import re
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config.secret_files import given

REDIS_SCHEMES = {"redis", "rediss", "unix"}

env = environ.Env()


def required(name: str, what: str) -> str:
    value = str(env.str(name, default=""))
    if not value:
        raise _missing(name, what)
    return value


def secret(name: str, what: str) -> str:
    """Read a secret that there must be, from the variable or from the file that `_FILE` names."""
    value = given(name)
    if not value:
        raise _missing(name, what)
    return value


def _missing(name: str, what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"The environment variable {name} is not set: {what}. "
        "On a development machine start through manage.py, which provides it."
    )


def secrets(name: str) -> list[str]:
    """Read several secrets, one a line or separated by commas; none where it is empty."""
    return [one for one in _separated(given(name)) if one]


def _separated(text: str) -> list[str]:
    return [one.strip() for one in re.split(r"[,\n]", text)]


def switch(name: str, *, default: bool) -> bool:
    value = env.str(name, default="on" if default else "off").strip().lower()
    if value in {"on", "true", "yes", "1"}:
        return True
    if value in {"off", "false", "no", "0"}:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is not a switch: write on or off.")


def number(name: str, *, default: int, least: int = 0, most: int | None = None) -> int:
    text = env.str(name, default=str(default))
    try:
        value = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={text!r} is not a whole number.") from None
    if value < least:
        raise ImproperlyConfigured(f"{name}={value} is too small: at least {least} is needed.")
    if most is not None and value > most:
        raise ImproperlyConfigured(f"{name}={value} is too large: it may be {most} at most.")
    return value


def level(name: str, *, default: str) -> str:
    value = env.str(name, default=default).strip().upper()
    if value not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise ImproperlyConfigured(
            f"{name}={value!r} is not a level: write DEBUG, INFO, WARNING, ERROR or CRITICAL."
        )
    return str(value)


def host(name: str, what: str) -> str:
    value = required(name, what).strip().lower()
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", value):
        raise ImproperlyConfigured(
            f"{name}={value!r} is not a host name: write it without https:// and without a port."
        )
    return value


def ip_address(name: str, *, default: str) -> str:
    """Read an address of this machine, to listen on."""
    value = env.str(name, default=default).strip()
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ImproperlyConfigured(
            f"{name}={value!r} is not an address such as 127.0.0.1 or ::, without a port."
        ) from None
    return str(value)


def address(name: str, what: str, schemes: set[str]) -> str:
    """Read the address of a server. Errors leave it out, for it may hold a password."""
    value = secret(name, what)
    example = f"{min(schemes)}://user:password@host:port/name"
    try:
        parts = urlsplit(value)
        good = parts.scheme in schemes and bool(parts.path.strip("/") or parts.netloc)
        good = good and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ImproperlyConfigured(f"{name} is not an address such as {example}.")
    return value


def networks(name: str, *, default: str) -> list[str]:
    """Read a list of networks, addresses and host names, separated by commas."""
    entries = [entry.strip() for entry in env.str(name, default=default).split(",")]
    for entry in entries:
        try:
            ipaddress.ip_network(entry)
        except ValueError:
            # What has a slash, or digits alone, was meant to be a network.
            is_host = re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", entry, re.IGNORECASE)
            if entry and (not is_host or re.fullmatch(r"[0-9.]+", entry)):
                raise ImproperlyConfigured(
                    f"{name} holds {entry!r}: write networks such as 10.20.0.0/16, addresses or "
                    "host names, separated by commas."
                ) from None
    return [entry for entry in entries if entry]


def proxy(name: str) -> str:
    """Read the address of a proxy, empty where none. Errors leave it out."""
    return address(name, "", {"http", "https"}) if given(name) else ""


def readable_file(name: str) -> str:
    """Read the path of a file that must be there; empty where none is named."""
    path = env.str(name, default="")
    if path and not Path(path).is_file():
        raise ImproperlyConfigured(f"{name}={path!r} is not a file.")
    return str(path)


def fernet_keys(name: str, what: str) -> list[str]:
    """Read the keys. Errors leave them out, for they are secret."""
    keys = _separated(secret(name, what))
    for place, key in enumerate(keys, 1):
        try:
            good = len(base64.urlsafe_b64decode(key)) == 32
        except ValueError:
            good = False
        if not good:
            raise ImproperlyConfigured(
                f"Key {place} of {name} is not a Fernet key: 32 bytes in URL-safe base 64."
            )
    return keys


def next_database(redis: str) -> str:
    """Return the address of the database after the one that a Redis address names (0 if none)."""
    parts = urlsplit(redis)
    if parts.scheme == "unix":
        return redis
    number = parts.path.strip("/") or "0"
    if not number.isdecimal():
        raise ImproperlyConfigured("REDIS_URL names no database by number: end it with /0.")
    return urlunsplit(parts._replace(path=f"/{int(number) + 1}"))


MAIL_SCHEMES = {"smtp", "smtp+tls", "smtp+ssl", "consolemail", "filemail", "memorymail"}


def mail(name: str, *, default: str) -> dict[str, Any]:
    """Read the address of a mail server, as settings; none where it is empty.

    Errors leave the address out, for it may hold a password.
    """
    value = given(name, default=default)
    if not value:
        return {}
    example = "smtp+tls://user:password@mail.example.com:587"
    try:
        parts = urlsplit(value)
        good = parts.scheme in MAIL_SCHEMES and parts.port != 0
        good = good and (bool(parts.hostname) or not parts.scheme.startswith("smtp"))
    except ValueError:
        good = False
    if not good:
        raise ImproperlyConfigured(f"{name} is not a mail server such as {example}.")
    found: dict[str, Any] = env.email_url_config(value)
    found.pop("OPTIONS", None)
    usual = {"smtp+tls": 587, "smtp+ssl": 465}.get(parts.scheme, 25)
    found["EMAIL_PORT"] = found["EMAIL_PORT"] or usual
    return found


def sender(name: str, *, default: str) -> str:
    """Read the address that mails come from: ``a@b.example`` or ``Name <a@b.example>``."""
    value = str(env.str(name, default=default)).strip()
    _, address = parseaddr(value)
    if "\n" in value or "\r" in value or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise ImproperlyConfigured(
            f"{name}={value!r} is no sender: write Lastgang <no-reply@example.com>."
        )
    return value
