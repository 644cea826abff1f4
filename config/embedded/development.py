"""What a development machine lacks: servers, secrets and plain defaults."""

import base64
import secrets
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from config.embedded.accounts import CHECKOUT
from config.embedded.files import EmbeddedError, errors_in_words
from config.embedded.lease import Embedded, Lease
from config.embedded.server import secret

DEFAULTS = {"LASTGANG_ENV": "development", "PUBLIC_DOMAIN": "localhost", "HTTPS": "off"}
SECRETS = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    # A Fernet key, without the import of cryptography
    "FIELD_ENCRYPTION_KEYS": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
}
SERVERS = ("DATABASE_URL", "REDIS_URL")

_leases: list[Lease] = []  # open for the life of the process


def default_home(environ: Mapping[str, str]) -> Path:
    """The home: `LASTGANG_HOME`, or `.lastgang` in the checkout."""
    return Path(environ.get("LASTGANG_HOME") or CHECKOUT / ".lastgang").resolve()


def is_development(environ: Mapping[str, str]) -> bool:
    """Whether anything may be given that was not asked for.

    Only where the environment says so or says nothing: a misspelt `production` must not get
    secrets of its own and an empty database.
    """
    return environ.get("LASTGANG_ENV", "") in ("", "development")


def development_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Values for the names that `environ` lacks; a name with an empty value counts as lacking.

    The secrets are made once and kept in the home, so that sessions and encrypted fields outlive a
    restart. In production there is nothing to give.
    """
    if not is_development(environ):
        return {}
    home = default_home(environ)
    lacking = {name: value for name, value in DEFAULTS.items() if not environ.get(name)}
    with errors_in_words(home):
        for name, make in SECRETS.items():
            if not _is_given(environ, name):
                lacking[name] = secret(home, name, make)
    return lacking


def lease_for_environment(environ: MutableMapping[str, str]) -> None:
    """Complete `environ` for development, starting the servers that it does not name.

    The lease is held until this process ends, and by what it forks. In production nothing is done;
    where all is set, neither.
    """
    if not is_development(environ):
        return
    environ.update(development_environment(environ))
    wants_postgres, wants_redis = (not _is_given(environ, name) for name in SERVERS)
    if wants_postgres or wants_redis:
        embedded = Embedded(default_home(environ), durable=durable(environ))
        lease = embedded.lease(postgres=wants_postgres, redis=wants_redis)
        _leases.append(lease)
        environ.update(lease.variables())


def _is_given(environ: Mapping[str, str], name: str) -> bool:
    """Whether a secret is there, itself or as a file (`config.secret_files`)."""
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def hand_down_leases() -> None:
    """Let the program that this process becomes hold its leases."""
    for lease in _leases:
        lease.hand_down()


def durable(environ: Mapping[str, str]) -> bool:
    """What `LASTGANG_EMBEDDED_FSYNC` says, `on` or `off`; on where it says nothing."""
    value = environ.get("LASTGANG_EMBEDDED_FSYNC") or "on"
    if value not in ("on", "off"):
        raise EmbeddedError(f"LASTGANG_EMBEDDED_FSYNC is {value!r}; it may be on or off.")
    return value == "on"
