"""Settings fail loudly: what is missing or malformed is named, and no secret is repeated."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings

GOOD = {
    "LASTGANG_ENV": "production",
    "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
    "FIELD_ENCRYPTION_KEYS": "bm90LWEtc2VjcmV0LW9ubHktZm9yLXRoZS1saW50ZXI=",
    "PUBLIC_DOMAIN": "example.com",
    "DATABASE_URL": "postgres://u:hidden@127.0.0.1:1/name",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
REQUIRED = sorted(GOOD.keys() - {"LASTGANG_ENV"})
CHECK = "import django; django.setup(); from django.core.management import call_command as c; "
LIST = CHECK + "c('check', deploy=True, fail_level='ERROR')"


def run(code: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
    known = GOOD | variables
    env = {name: value for name, value in known.items() if value is not None}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env=kept | env | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )


MALFORMED = [
    ("LASTGANG_ENV", "prodution", "write production or development"),
    ("LASTGANG_ENV", "", "write production or development"),
    ("DEBUG", "maybe", "is not a switch"),
    ("HTTPS", "yes please", "is not a switch"),
    ("DATABASE_POOL_SIZE", "many", "is not a whole number"),
    ("DATABASE_POOL_SIZE", "-1", "is too small"),
    ("DATABASE_POOL_LIFETIME", "0", "is too small"),
    ("INGESTION_AT_ONCE", "65", "is too large: it may be 64 at most"),
    ("API_RATE_PROGRAM", "600/min", "is not a whole number"),
    ("BROWSER_TOKEN_MINUTES", "0", "is too small"),
    ("METRICS_PORT", "usual", "is not a whole number"),
    ("METRICS_PORT", "65536", "is too large: it may be 65535 at most"),
    ("METRICS_HOST", "localhost", "is not an address such as 127.0.0.1"),
    ("METRICS_HOST", "127.0.0.1:9464", "is not an address such as 127.0.0.1"),
    ("LOG_LEVEL", "LOUD", "is not a level"),
    ("PUBLIC_DOMAIN", "https://example.com", "is not a host name"),
    ("PUBLIC_DOMAIN", "example.com:8000", "is not a host name"),
    ("DATABASE_URL", "hidden", "is not an address such as postgres://"),
    ("DATABASE_URL", "mysql://u:hidden@host/name", "is not an address such as postgres://"),
    ("DATABASE_URL", "postgres://u:hidden@host:port/name", "is not an address"),
    ("DATABASE_REPLICA_URL", "mysql://u:hidden@host/name", "is not an address such as postgres://"),
    ("DATABASE_REPLICA_WAIT", "a while", "is not a whole number"),
    ("DATABASE_REPLICA_WAIT", "1001", "is too large: it may be 1000 at most"),
    ("EMAIL_URL", "http://u:hidden@host", "is not a mail server such as smtp+tls://"),
    ("EMAIL_URL", "smtp://u:hidden@host:port", "is not a mail server"),
    ("EMAIL_URL", "smtp+tls://", "is not a mail server"),
    ("DEFAULT_FROM", "Lastgang", "is no sender"),
    ("DEFAULT_FROM", "a@b.example\nBcc: c@d.example", "is no sender"),
    ("PUBLIC_PORT", "usual", "is not a whole number"),
    ("REDIS_URL", "http://u:hidden@host", "is not an address such as redis://"),
    ("UPSTREAM_ALLOW", "10.20.0.0/99", "write networks such as 10.20.0.0/16"),
    ("UPSTREAM_ALLOW", "10.20.0.1/16", "write networks such as 10.20.0.0/16"),
    ("UPSTREAM_ALLOW", "grid.internal,10.20.300.1", "write networks such as 10.20.0.0/16"),
    ("UPSTREAM_PROXY", "hidden:3128", "is not an address such as http"),
    ("UPSTREAM_CA_FILE", "/nowhere/ca.pem", "is not a file"),
    ("REDIS_URL", "127.0.0.1:6379", "is not an address such as redis://"),
    ("FIELD_ENCRYPTION_KEYS", "hidden", "Key 1 of FIELD_ENCRYPTION_KEYS is not a Fernet key"),
    (
        "FIELD_ENCRYPTION_KEYS",
        GOOD["FIELD_ENCRYPTION_KEYS"] + ",hidden",
        "Key 2 of FIELD_ENCRYPTION_KEYS is not a Fernet key",
    ),
    ("FIELD_ENCRYPTION_KEYS", GOOD["FIELD_ENCRYPTION_KEYS"] + ",", "Key 2 of"),
]


# Reads environments, imports the settings anew in each, and prints what they say.
ASK = """
import json, os, runpy, sys
for variables in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(variables)
    try:
        runpy.run_path("config/settings.py")
    except BaseException as error:
        print(f"{type(error).__name__}: {error}".replace(chr(10), " "))
    else:
        print("taken")
"""


def changed(name: str, value: str | None) -> dict[str, str]:
    return {key: text for key, text in (GOOD | {name: value}).items() if text is not None}


@pytest.fixture(scope="module")
def said() -> dict[tuple[str, str | None], str]:
    """What the settings say in each bad environment; one process asks them all, for speed."""
    cases: list[tuple[str, str | None]] = [(name, value) for name, value, _ in MALFORMED]
    cases += [(name, value) for name in REQUIRED for value in (None, "")]
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(settings.BASE_DIR)},
        input=json.dumps([changed(*case) for case in cases]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "hidden" not in done.stdout + done.stderr, "a password is repeated"
    return dict(zip(cases, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_a_missing_variable_names_itself(
    said: dict[tuple[str, str | None], str], name: str, value: str | None
) -> None:
    words = said[name, value]
    assert words.startswith("ImproperlyConfigured: ")
    assert f"{name} is not set" in words


@pytest.mark.parametrize(("name", "value", "words"), MALFORMED)
def test_a_malformed_variable_names_itself(
    said: dict[tuple[str, str | None], str], name: str, value: str, words: str
) -> None:
    told = said[name, value]
    assert told.startswith("ImproperlyConfigured: ")
    assert name in told
    assert words in told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (None, "False dummy localhost 25 False False"),
        ("smtp+tls://u:hidden@mail.example.com", "True smtp mail.example.com 587 True False"),
        ("smtp+ssl://u:hidden@mail.example.com:4650", "True smtp mail.example.com 4650 False True"),
        ("smtp://mail.example.com", "True smtp mail.example.com 25 False False"),
    ],
)
def test_a_mail_server_is_read_from_one_address(url: str | None, told: str) -> None:
    code = (
        "from django.conf import settings as s; print(s.SENDS_MAIL, s.EMAIL_BACKEND.split('.')[-2],"
        " s.EMAIL_HOST, s.EMAIL_PORT, s.EMAIL_USE_TLS, s.EMAIL_USE_SSL, s.DEFAULT_FROM_EMAIL)"
    )
    done = run(code, EMAIL_URL=url)
    assert done.stdout.strip() == f"{told} Lastgang <no-reply@example.com>", done.stderr


def test_a_good_environment_passes_every_check() -> None:
    done = run(LIST)
    assert done.returncode == 0, done.stderr
    assert "tenants." not in done.stderr
    assert "WARNINGS" not in done.stderr


@pytest.mark.parametrize(
    "url", ["postgres://u:hidden@127.0.0.1:6432/name", "postgres://u:hidden@pgbouncer.db/name"]
)
@pytest.mark.parametrize("variable", ["DATABASE_URL", "DATABASE_REPLICA_URL"])
def test_a_pooler_that_mixes_tenants_is_warned_of(url: str, variable: str) -> None:
    done = run(LIST, **{variable: url})
    assert f"{variable} points at" in done.stderr
    assert "(tenants.W001)" in done.stderr
    assert "In transaction mode PgBouncer hands one tenant's search path to another" in done.stderr
    assert "hidden" not in done.stderr


def test_a_backend_that_would_show_public_is_refused() -> None:
    code = (
        "from django.conf import settings; "
        "settings.DATABASES['default']['ENGINE'] = 'django_tenants.postgresql_backend'; " + LIST
    )
    done = run(code)
    assert done.returncode != 0
    assert "(tenants.E001)" in done.stderr
    assert "Only tenants.postgresql keeps the search path inside the tenant's schema" in done.stderr


def test_what_logs_before_django_is_ready_is_no_trouble() -> None:
    code = "import config.settings, logging; logging.getLogger('x').error('early'); " + CHECK
    done = run(code.rstrip("; "))
    assert done.returncode == 0, done.stderr
    assert '"tenant": "public"' in done.stderr
    assert "Logging error" not in done.stderr
    assert "Traceback" not in done.stderr


def test_manage_names_what_is_missing_in_production() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={**GOOD, "PATH": os.environ["PATH"], "REDIS_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "The environment variable REDIS_URL is not set" in done.stderr
