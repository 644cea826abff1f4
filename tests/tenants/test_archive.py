"""A tenant is taken along in one file and brought back: here or elsewhere, as it was."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.models import Act, User
from ingestion.models import ReadingRevision, Source
from meters.models import Meter
from tenants.archive import MANIFEST, ArchiveError, reading
from tenants.exporting import LEFT_OUT, export_tenant, tables_of
from tenants.lifecycle import delete, resume, suspend
from tenants.models import Domain, Tenant
from tenants.onboarding import create_tenant
from tenants.restoring import restore_tenant
from tests.conftest import Customer
from tests.tenants.marks import mark

WORD = "eisvogel"


@pytest.fixture
def full(committed: dict[str, Customer]) -> Iterator[Customer]:
    """Make a tenant full of marks, which other connections see as well."""
    made = create_tenant(slug="seetal", name="Seetal & Söhne", timezone="Asia/Kathmandu")
    customer = Customer(made.tenant, made.domain, made.email, made.password, made.token)
    mark(customer, word=WORD, value=3.25, own=UUID("cccccccc-0000-4000-8000-00000000000c"))
    yield customer
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    for tenant in Tenant.objects.filter(schema_name__startswith="seetal"):
        if not tenant.is_suspended:
            suspend(tenant, by="test")
        delete(tenant, by="test")
    Act.objects.filter(about__startswith="seetal").delete()


def contents(tenant: Tenant) -> dict[str, list[str]]:
    """Read every table of a tenant but the sessions, each row as PostgreSQL writes it."""
    found = {}
    with tenant.entered(), connection.cursor() as cursor:
        for name in tables_of(tenant.schema_name):
            if name not in LEFT_OUT:
                cursor.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1')
                found[name] = [row for (row,) in cursor.fetchall()]
    return found


def exported(customer: Customer, folder: Path) -> Path:
    path = folder / "seetal.zip"
    export_tenant(customer.tenant, path, by="ada")
    return path


def test_a_tenant_comes_back_as_it_was_under_another_name(full: Customer, tmp_path: Path) -> None:
    before = contents(full.tenant)
    assert sum(map(len, before.values())) > 100
    path = exported(full, tmp_path)
    assert path.stat().st_mode & 0o077 == 0, "only its owner may read it"

    made = restore_tenant(path, by="ada", slug="seetal-again", active=True)
    assert (made.tenant.schema_name, made.domain) == ("seetal_again", "seetal-again.localhost")
    assert (made.tenant.name, made.tenant.timezone) == ("Seetal & Söhne", "Asia/Kathmandu")
    assert made.tenant.epoch != full.tenant.epoch
    assert made.warnings == []
    assert contents(made.tenant) == before

    # People sign in as they did, and see the same readings; new rows find free numbers.
    client = Client(HTTP_HOST=made.domain)
    credentials = {"username": full.email, "password": full.password}
    assert client.post("/sign-in/", credentials).status_code == 302
    meters = client.get("/api/v1/meters/").content.decode()
    original = full.client().get("/api/v1/meters/").content.decode()
    assert meters.replace(made.domain, "") == original.replace(full.domain, "")
    with made.tenant.entered():
        assert Meter.objects.create(name="one more").pk not in {
            one.pk for one in Meter.objects.exclude(name="one more")
        }
        assert Source.objects.get(name=f"{WORD}-source").token == f"{WORD}-upstream-secret"
    with full.tenant.entered():
        assert not Meter.objects.filter(name="one more").exists()


def test_a_restored_tenant_rests_until_it_is_resumed(full: Customer, tmp_path: Path) -> None:
    made = restore_tenant(exported(full, tmp_path), by="ada", slug="seetal-again")
    assert Client(HTTP_HOST=made.domain).get("/sign-in/").status_code == 403
    resume(made.tenant, by="ada")
    assert Client(HTTP_HOST=made.domain).get("/sign-in/").status_code == 200


@pytest.fixture
def elsewhere(committed: dict[str, Customer]) -> Iterator[dict[str, str]]:
    """Make another installation: a database and a key of its own."""
    name = f"{connection.settings_dict['NAME']}_elsewhere"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    address = os.environ["DATABASE_URL"].rsplit("/", 1)
    query = address[1].partition("?")
    environment = os.environ | {
        "DATABASE_URL": f"{address[0]}/{name}{''.join(query[1:])}",
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_DOMAIN": "elsewhere.example",
    }
    yield environment
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


COUNTED = """
import json
from accounts.models import User
from ingestion.models import ReadingRevision
from meters.models import DailyProfile, Meter
from tenants.models import Tenant
with Tenant.objects.get().entered():
    print("told", json.dumps({
        "meters": sorted(map(str, Meter.objects.values_list("muid", flat=True))),
        "people": sorted(User.objects.values_list("email", flat=True)),
        "revisions": ReadingRevision.objects.count(),
        "total": [round(x or 0, 9) for x in
                  DailyProfile.objects.order_by("pk").values_list("total", flat=True)],
    }))
"""


def told(output: str) -> dict[str, Any]:
    [line] = [line for line in output.splitlines() if line.startswith("told ")]
    found: dict[str, Any] = json.loads(line.removeprefix("told "))
    return found


def test_a_tenant_moves_to_another_installation(
    full: Customer, tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    path = exported(full, tmp_path)
    out = StringIO()
    with full.tenant.entered():
        emails = sorted(User.objects.values_list("email", flat=True))
        muids = sorted(map(str, Meter.objects.values_list("muid", flat=True)))
        revisions = ReadingRevision.objects.count()
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(total, 0) FROM daily_profile ORDER BY register_id, day")
            totals = [round(total, 9) for (total,) in cursor.fetchall()]
    suspend(full.tenant, by="ada")
    call_command("delete_tenant", "seetal", "--now", "seetal", stdout=out)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'seetal%'")
        assert cursor.fetchone() == (0,)
    assert not Domain.objects.filter(domain=full.domain).exists()

    migrated = manage(elsewhere, "migrate_schemas", "--shared", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    back = manage(
        elsewhere, "restore_tenant", str(path), "--as", "lakeside", "--domain", "lake.example"
    )
    assert back.returncode == 0, back.stderr
    assert "lake.example" in back.stdout
    assert "resume_tenant lakeside" in back.stdout
    assert f"{WORD}-source" in back.stderr, "whose secret this installation can't open"
    counted = manage(elsewhere, "shell", "--no-imports", "-c", COUNTED)
    found = told(counted.stdout)
    assert found["people"] == emails
    assert found["meters"] == muids
    assert found["revisions"] == revisions > 0
    assert found["total"] == totals


def test_what_an_earlier_release_wrote_is_brought_up_to_date(
    full: Customer, tmp_path: Path
) -> None:
    full_acts = contents(full.tenant)["accounts_act"]
    assert full_acts
    call_command(
        "migrate_schemas", "accounts", "0003", schema_name="seetal", verbosity=0, interactive=False
    )
    assert "accounts_act" not in contents(full.tenant)
    path = exported(full, tmp_path)
    made = restore_tenant(path, by="ada", slug="seetal-again")
    assert contents(made.tenant)["accounts_act"] == []
    before, after = contents(full.tenant), contents(made.tenant)
    # New permissions of new models come with the migrations, as they do everywhere, and so do the
    # columns of people.
    grown = {"accounts_act", "accounts_user", "auth_permission", "django_content_type"}
    assert len(after["accounts_user"]) == len(before["accounts_user"]) > 1
    assert {name: after[name] for name in before.keys() - grown} == {
        name: before[name] for name in before.keys() - grown
    }


def spoil(path: Path, change: Any) -> Path:
    """Write the archive again with some of its parts changed."""
    spoilt = path.with_name("spoilt.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(spoilt, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return spoilt


def manifest_with(**changes: Any) -> Any:
    def change(name: str, data: bytes) -> bytes:
        return json.dumps(json.loads(data) | changes).encode() if name == MANIFEST else data

    return change


def one_row_less(name: str, data: bytes) -> bytes:
    return data.split(b"\n", 1)[1] if name == "tables/meters_meter.copy" else data


def rows_without_readings(name: str, data: bytes) -> bytes | None:
    return None if name == "tables/daily_profile.copy" else data


def without_people(name: str, data: bytes) -> bytes:
    """Leave the people out and let the manifest know: what refers to them is left alone."""
    if name == "tables/accounts_user.copy":
        return b""
    if name == MANIFEST:
        told = json.loads(data)
        for table in told["tables"]:
            if table["name"] == "accounts_user":
                table |= {"rows": 0, "bytes": 0, "sha256": hashlib.sha256().hexdigest()}
        return json.dumps(told).encode()
    return data


SPOILT = [
    (manifest_with(format="other/9"), "in the format 'other/9'"),
    (manifest_with(tables="x"), "no manifest that can be read"),
    (lambda name, data: None if name == MANIFEST else data, "no manifest that can be read"),
    (one_row_less, "meters_meter is not what was written"),
    (rows_without_readings, "daily_profile can't be read"),
    (manifest_with(migrations={"meters": ["9999_tomorrow"]}), "a later release"),
    (without_people, "do not fit each other"),
    (
        manifest_with(
            tables=[{"name": "pg_class", "columns": ["x"], "rows": 0, "bytes": 0, "sha256": ""}]
        ),
        "table is unknown",
    ),
]


def test_a_spoilt_archive_restores_nothing(full: Customer, tmp_path: Path) -> None:
    path = exported(full, tmp_path)
    for change, words in SPOILT:
        with pytest.raises(ArchiveError, match=words):
            restore_tenant(spoil(path, change), by="ada", slug="seetal-again")
        assert not Tenant.objects.filter(schema_name="seetal_again").exists(), words
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'seetal_again'")
            assert cursor.fetchone() == (0,), words
    whole = path.read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArchiveError, match="cut off"):
        restore_tenant(tmp_path / "cut.zip", by="ada", slug="seetal-again")
    with pytest.raises(ArchiveError, match="no file"):
        restore_tenant(tmp_path / "none.zip", by="ada", slug="seetal-again")


def test_what_is_there_is_not_written_over(full: Customer, tmp_path: Path) -> None:
    path = exported(full, tmp_path)
    with pytest.raises(ArchiveError, match="name another file"):
        export_tenant(full.tenant, path, by="ada")
    with pytest.raises(ArchiveError, match="already; name another one with --as"):
        restore_tenant(path, by="ada")
    with pytest.raises(ArchiveError, match="belongs to another tenant"):
        restore_tenant(path, by="ada", slug="seetal-again", domain="acme.localhost")
    with pytest.raises(CommandError, match="Nothing was restored"):
        call_command("restore_tenant", str(path))
    with pytest.raises(CommandError, match="can't be written"):
        call_command("export_tenant", "seetal", str(tmp_path / "no" / "such" / "folder.zip"))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["seetal.zip"], "no half of a file"


def test_an_archive_is_read_with_plain_tools(full: Customer, tmp_path: Path) -> None:
    path = exported(full, tmp_path)
    with reading(path) as archive:
        manifest = archive.manifest
        assert manifest.tenant["domains"] == [full.domain]
        assert not LEFT_OUT & {table.name for table in manifest.tables}
        [meters] = [table for table in manifest.tables if table.name == "meters_meter"]
        text = b"".join(archive.text(meters)).decode()
    assert meters.rows == text.count("\n") == 2
    assert f"{WORD}-meter-own" in text
    everything = b"".join(
        zipfile.ZipFile(path).read(name) for name in zipfile.ZipFile(path).namelist()
    )
    assert f"{WORD}-upstream-secret".encode() not in everything
    assert full.password.encode() not in everything
    assert full.token.encode() not in everything
