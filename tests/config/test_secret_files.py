"""Secrets as files, and that no list of settings shows one."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import call_command
from django.views.debug import get_default_exception_reporter_filter

from config.embedded.development import development_environment
from config.masking import Masking
from tests.config.test_settings import ASK, GOOD, run

KEYS = [Fernet.generate_key().decode() for _ in range(2)]
# Every variable that may hold a secret, with what a file may hold, and where it is found again.
AS_FILES = {
    "SECRET_KEY": ("in-a-file-" + "0123456789abcdefghijklmnopqrstuvwxyz" * 2, "SECRET_KEY"),
    "SECRET_KEY_FALLBACKS": ("one-before\ntwo-before,three-before\n", "SECRET_KEY_FALLBACKS"),
    "FIELD_ENCRYPTION_KEYS": (f"{KEYS[0]}\n{KEYS[1]}\n", "FIELD_ENCRYPTION_KEYS"),
    "DATABASE_URL": ("postgres://u:in-a-file@127.0.0.1:1/name\n", "DATABASES"),
    "DATABASE_REPLICA_URL": ("postgres://u:in-a-file@127.0.0.1:2/name\n", "DATABASES"),
    "REDIS_URL": ("redis://:in-a-file@127.0.0.1:1/0\r\n", "REDIS_URL"),
    "CACHE_URL": ("redis://:in-a-file@127.0.0.1:1/5", "CACHE_URL"),
    "EMAIL_URL": ("smtp+tls://u:in-a-file@mail.example.com\n", "EMAIL_HOST_PASSWORD"),
    "UPSTREAM_PROXY": ("http://u:in-a-file@proxy.example.com:3128\n", "UPSTREAM_PROXY"),
}
TOLD = {
    "SECRET_KEY": AS_FILES["SECRET_KEY"][0],
    "SECRET_KEY_FALLBACKS": ["one-before", "two-before", "three-before"],
    "FIELD_ENCRYPTION_KEYS": KEYS,
    "REDIS_URL": "redis://:in-a-file@127.0.0.1:1/0",
    "CACHE_URL": "redis://:in-a-file@127.0.0.1:1/5",
    "EMAIL_HOST_PASSWORD": "in-a-file",
    "UPSTREAM_PROXY": "http://u:in-a-file@proxy.example.com:3128",
}


def written(folder: Path) -> dict[str, str]:
    """Write each secret into a file, and return an environment that names the files alone."""
    found = {name: value for name, value in GOOD.items() if name not in AS_FILES}
    for name, (text, _) in AS_FILES.items():
        path = folder / name.lower()
        path.write_text(text)
        found[f"{name}_FILE"] = str(path)
    return found


def test_every_secret_may_be_a_file(tmp_path: Path) -> None:
    names = [name for _, name in AS_FILES.values()]
    code = (
        "import json; from django.conf import settings as s; "
        f"print(json.dumps({{n: getattr(s, n) for n in {names!r}}}, default=str))"
    )
    done = run(code, **dict.fromkeys(AS_FILES), **written(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    databases = found.pop("DATABASES")
    assert {name: one["PASSWORD"] for name, one in databases.items()} == {
        "default": "in-a-file",
        "replica": "in-a-file",
    }
    assert found == TOLD


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    empty, closed, odd, long = (tmp_path / name for name in ("empty", "folder", "odd", "long"))
    empty.write_text("\n")
    closed.mkdir()
    odd.write_bytes(b"\xff\xfe\x00")
    long.write_text("x" * 70_000)
    good = written(tmp_path)
    cases: list[tuple[dict[str, str], str]] = [
        (good, "taken"),
        ({**good, "SECRET_KEY": "both-hidden"}, "SECRET_KEY and SECRET_KEY_FILE are both set"),
        ({**good, "REDIS_URL": ""}, "taken"),
        ({**good, "SECRET_KEY_FILE": ""}, "The environment variable SECRET_KEY is not set"),
        # Who wrote the secret itself where its file was asked for does not read it in a log.
        ({**good, "DATABASE_URL_FILE": "postgres://u:hidden@h/n"}, "a file that is not there"),
        ({**good, "EMAIL_URL_FILE": str(empty)}, "EMAIL_URL_FILE names a file that is empty"),
        ({**good, "CACHE_URL_FILE": str(closed)}, "can't be read: Is a directory"),
        ({**good, "UPSTREAM_PROXY_FILE": str(odd)}, "a file that is not text"),
        ({**good, "SECRET_KEY_FILE": str(long)}, "too large for a secret"),
        ({**good, "SECRET_KEY_FILE": "/dev/zero"}, "too large for a secret"),
        ({**good, "FIELD_ENCRYPTION_KEYS_FILE": good["SECRET_KEY_FILE"]}, "is not a Fernet key"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(settings.BASE_DIR)},
        input=json.dumps([case for case, _ in cases]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "hidden" not in done.stdout + done.stderr
    assert "in-a-file" not in done.stdout + done.stderr
    for told, (_, words) in zip(done.stdout.splitlines(), cases, strict=True):
        assert words in told
        assert told == "taken" or told.startswith("ImproperlyConfigured: ")


def test_a_development_machine_makes_nothing_that_a_file_gives(tmp_path: Path) -> None:
    environ = {"LASTGANG_HOME": str(tmp_path / "home"), "SECRET_KEY_FILE": "/run/secrets/key"}
    assert "SECRET_KEY" not in development_environment(environ)
    assert "FIELD_ENCRYPTION_KEYS" in development_environment(environ)


def secrets_of_settings() -> set[str]:
    """Everything in this process's settings that nobody may read."""
    database = settings.DATABASES["default"]
    return {settings.SECRET_KEY, *settings.FIELD_ENCRYPTION_KEYS, database["PASSWORD"]}


def test_no_list_of_settings_shows_a_secret(settings: Any) -> None:
    settings.UPSTREAM_PROXY = "http://u:hidden@proxy.example.com:3128"
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "rediss://:hidden@redis.example.com/0"
    settings.CACHES = {"default": {"LOCATION": ["redis://u:hidden@one", "redis://:hidden@two/0"]}}
    settings.EMAIL_HOST_PASSWORD = "hidden"
    said = io.StringIO()
    for options in ({}, {"all": True}, {"output": "unified"}):
        call_command("diffsettings", stdout=said, **options)
    page = str(get_default_exception_reporter_filter().get_safe_settings())
    found = secrets_of_settings()
    assert len(found) > 2
    # Django's own settings alone: pytest lays what a test changes over them.
    for text in (said.getvalue(), page):
        assert "hidden" not in text
        assert not [one for one in found if one in text]
    assert "redis.example.com/0" in page
    assert "'SECRET_KEY': '****" in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:p@ss@host/0", "redis://…@host/0"),
        ("http://host:3128/a@b", "http://host:3128/a@b"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("Lastgang <no-reply@example.com>", "Lastgang <no-reply@example.com>"),
    ],
)
def test_accounts_are_taken_out_of_addresses(text: str, shown: str) -> None:
    assert Masking().cleanse_setting("ANY", text) == shown
