"""What work leaves behind beside its answer: in the log, the mail, Redis, folders and tables.

A walk is watched from its beginning (`watched`), and afterwards nothing of the tenant that it was
not for may be found anywhere.
"""

import io
import json
import logging
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection

from accounts.models import User
from config.logs import logging_config
from ingestion.models import Source
from tenants.models import Domain, Tenant
from tests.conftest import Customer
from tests.tenants.marks import Marked
from tests.tenants.unpacking import words_in, words_of_mail, words_of_row

# Whose an entry in Redis is: Django's cache, and the counters of requests, in braces for a cluster.
KEYS = [
    re.compile(r"(?P<schema>[a-z][a-z0-9_]*):lastgang:\d+:"),
    re.compile(r"lastgang:rate:\{(?P<schema>[a-z][a-z0-9_]*)\}"),
]
LINK = re.compile(r"https?://[^\s\"'<>]+")
# Django ends these by the path that was asked for, which whoever asked has chosen.
ECHOES = {"django.request", "django.security.csrf"}


@contextmanager
def logged(level: str = "INFO") -> Iterator[Callable[[], list[str]]]:
    """Give what is logged meanwhile, line by line, as the settings would write it."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logging_config(level=level, json=True)
    [handler] = [h for h in root.handlers if isinstance(h, logging.StreamHandler)]
    stream = io.StringIO()
    handler.setStream(stream)
    try:
        yield lambda: stream.getvalue().splitlines()
    finally:
        root.handlers[:], kept = before
        root.setLevel(kept)


@contextmanager
def as_if_committed() -> Iterator[None]:
    """Do what waits for the end of a transaction at once: those of tests never come to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "on_commit", lambda work, robust=False: work())
        yield


@dataclass
class Watched:
    """What was left behind since the watch began.

    Attributes
    ----------
    lines
        Gives the lines of the log.
    folder
        Where temporary files and those without a path of their own lie.
    marked
        Both tenants, whose secrets no line of the log may hold.
    printed
        Secrets that were made meanwhile and told to whoever asked for them.
    """

    lines: Callable[[], list[str]]
    folder: Path
    marked: tuple[Marked, Marked]
    printed: set[str] = field(default_factory=set)

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]

    def files(self) -> str:
        """Everything in the folder, opened, with the names of the files."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return "\n".join(f"{path.name}\n{words_in(path.read_bytes())}" for path in found)

    def assert_clean(self, mine: Marked, others: Marked, *, but: str = "") -> None:
        """Find nothing of the others in anything that was done for one tenant.

        Parameters
        ----------
        but
            What was asked for in so many words.
        """
        # A tenant that was made meanwhile is nobody's either.
        known = Tenant.objects.exclude(pk=others.customer.tenant.pk)
        apart = dict.fromkeys(known.values_list("schema_name", flat=True), others)
        self.assert_log_clean(apart | {mine.customer.tenant.schema_name: others}, but=but)
        for one in mail.outbox:
            assert_nothing(mail_of(mine.customer, one), others, "a mail", but=but)
        for key, text in in_redis(settings.CACHES["default"]["LOCATION"]).items():
            assert owner_of(key) in {mine.customer.tenant.schema_name, "public"}, key
            assert_nothing(text, others, key, but=but)
        assert_nothing(self.files(), others, "a file", but=but)

    def assert_log_clean(self, apart: dict[str, Marked], *, but: str = "") -> None:
        """Find each record to name its tenant, none to tell of another, and no secret in any.

        Parameters
        ----------
        apart
            By the schema that a record may name: of whom it may tell nothing.
        """
        secrets = self.printed | self.marked[0].secrets | self.marked[1].secrets
        for record in self.records():
            text = json.dumps(record, ensure_ascii=False)
            hidden = [one for one in secrets if one in text]
            assert not hidden, f"a secret is in the log: {text}"
            # What libraries tell of connections belongs to whoever asked first.
            if record["level"] == "debug" and record["tenant"] == "public":
                continue
            assert record["tenant"] in apart, f"the log names another tenant: {text}"
            if record["logger"] in ECHOES:
                text = text.replace(record["event"], record["event"].partition(": /")[0])
            assert_nothing(text, apart[record["tenant"]], "the log", but=but)


@contextmanager
def watched(folder: Path, marked: tuple[Marked, Marked]) -> Iterator[Watched]:
    """Watch what is left behind, from nothing on."""
    mail.outbox.clear()
    with _redis(settings.CACHES["default"]["LOCATION"]) as client:
        client.flushdb()
    with (
        pytest.MonkeyPatch.context() as patch,
        logged("DEBUG") as lines,
        as_if_committed(),
    ):
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.chdir(folder)
        yield Watched(lines, folder, marked)


def assert_nothing(text: str, others: Marked, where: str, *, but: str = "") -> None:
    """Find neither marks nor secrets of a tenant, save what was asked for."""
    shown = [one for one in others.texts | others.secrets if one in text and one not in but]
    assert not shown, f"{where} holds {shown} of {others.customer.tenant}"


def mail_of(customer: Customer, one: EmailMessage) -> str:
    """Read a mail, which is for people of this tenant alone and leads nowhere but to it."""
    with customer.tenant.entered():
        people = set(User.objects.values_list("email", flat=True))
    assert set(one.recipients()) <= people, f"{one.recipients()} are not of {customer.tenant}"
    made = one.message()
    text = words_of_mail(made.as_bytes())
    hosts = {urlsplit(link).hostname for link in LINK.findall(text)}
    assert hosts == {customer.domain}, f"a mail of {customer.tenant} leads to {hosts}"
    assert made["Message-ID"].endswith(f"@{customer.domain}>"), made["Message-ID"]
    return text


def _redis(address: str) -> redis.Redis:
    return redis.Redis.from_url(address)


def in_redis(address: str) -> dict[str, str]:
    """Every entry of a database of Redis, unpacked, by its key."""
    readers: dict[bytes, Callable[[redis.Redis, bytes], Any]] = {
        b"string": lambda client, key: [client.get(key)],
        b"list": lambda client, key: client.lrange(key, 0, -1),
        b"set": lambda client, key: client.smembers(key),
        b"zset": lambda client, key: client.zrange(key, 0, -1),
        b"hash": lambda client, key: [
            part for pair in client.hgetall(key).items() for part in pair
        ],
    }
    with _redis(address) as client:
        return {
            key.decode(errors="replace"): "\n".join(
                words_in(one) for one in readers[client.type(key)](client, key) if one is not None
            )
            for key in client.scan_iter("*")
        }


def owner_of(key: str) -> str:
    """Say whose an entry in Redis is; a key that does not say it may not be."""
    for form in KEYS:
        if found := form.match(key):
            return found["schema"]
    pytest.fail(
        f"The key {key} in Redis begins with no tenant. Have it do so; where it does in a form of "
        "its own, add that to KEYS in tests/tenants/traces.py and to tenants.lifecycle.forget."
    )


def holdings(tenant: Tenant) -> str:
    """All that a tenant has in its tables, unpacked, and the secrets of its sources, opened."""
    found = _tables(tenant.schema_name)
    if not found:
        return "it was deleted"
    with tenant.entered():
        return "\n".join([found, *(source.token for source in Source.objects.all())])


def operators_holdings() -> str:
    """All that public's tables hold, but for the tenants themselves and their domains."""
    return _tables("public", but={Tenant._meta.db_table, Domain._meta.db_table})


def _tables(schema: str, but: set[str] = frozenset()) -> str:  # type: ignore[assignment]
    told = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        for (table,) in cursor.fetchall():
            if table not in but:
                cursor.execute(f'SELECT * FROM "{schema}"."{table}"')
                told += [words_of_row(row) for row in cursor.fetchall()]
    return "\n".join(told)


def standing(customer: Customer) -> dict[str, str]:
    """A digest of every table of a tenant, and of what public says of it."""
    schema, pk = customer.tenant.schema_name, customer.tenant.pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        tables = [f'"{schema}"."{table}" t' for (table,) in cursor.fetchall()]
        tables += [
            f"public.{Tenant._meta.db_table} t WHERE id = {pk}",
            f"public.{Domain._meta.db_table} t WHERE tenant_id = {pk}",
        ]
        digest = "md5(string_agg(t::text, chr(10) ORDER BY t::text))"
        # One question: it is asked again and again.
        asked = ", ".join(f"(SELECT {digest} FROM {table})" for table in tables)
        cursor.execute(f"SELECT {asked}")
        return dict(zip(tables, cursor.fetchone(), strict=True))
