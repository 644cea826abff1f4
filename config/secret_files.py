"""Secrets given as files: where `NAME` may hold a secret, `NAME_FILE` may name a file that does.

So Docker and Kubernetes hand secrets over, and so they stay out of the environment, which child
processes inherit and some tools print. Errors name the variable and repeat neither path nor text:
who mistook one variable for the other has written the secret itself there.
"""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

SUFFIX = "_FILE"
# No secret is longer [B]; a device that never ends is not read to its end.
MOST = 65_536

env = environ.Env()


def given(name: str, *, default: str = "") -> str:
    """Return a variable's text, or that of the file that its `_FILE` names.

    One line end at the file's end does not count: editors and `echo` put it there.

    Raises
    ------
    ImproperlyConfigured
        Both are set, or the file is not there, can't be read or holds nothing.
    """
    path = str(env.str(name + SUFFIX, default=""))
    if not path:
        return str(env.str(name, default=default))
    if env.str(name, default=""):
        raise ImproperlyConfigured(
            f"{name} and {name}{SUFFIX} are both set: which of them counts? Keep one."
        )
    return _read(name + SUFFIX, Path(path))


def _read(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST + 1)
    except FileNotFoundError:
        raise ImproperlyConfigured(f"{variable} names a file that is not there.") from None
    except OSError as error:
        words = f"{variable} names a file that can't be read: {error.strerror}."
        raise ImproperlyConfigured(words) from None
    if len(data) > MOST:
        raise ImproperlyConfigured(f"{variable} names a file that is too large for a secret.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{variable} names a file that is not text (UTF-8).") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise ImproperlyConfigured(f"{variable} names a file that is empty.")
    return text
