"""An archive of a tenant that somebody has prepared: it writes nowhere, and no bomb is loaded."""

import hashlib
import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tenants.archive import FORMAT, MANIFEST, MOST_MANIFEST, ArchiveError, reading
from tenants.models import Tenant
from tenants.restoring import restore_tenant

pytestmark = pytest.mark.django_db
TOLD: dict[str, Any] = {
    "tenant": {
        "slug": "prepared",
        "name": "Prepared",
        "timezone": "UTC",
        "language": "en",
        "domains": [],
    },
    "made_at": "2026-01-01T00:00:00Z",
    "migrations": {},
    "tables": [],
    "sequences": [],
    "format": FORMAT,
}


def table(name: str, text: bytes, **told: Any) -> dict[str, Any]:
    known = {"rows": 1, "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    return {"name": name, "columns": ["id"], **known, **told}


def prepared(path: Path, parts: dict[str, bytes], **told: Any) -> Path:
    """Write an archive of whatever is wanted."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
        file.writestr(MANIFEST, json.dumps(TOLD | told))
    return path


@pytest.mark.parametrize(
    "name", ["../../meters_meter", "/etc/passwd", "public.tenants_tenant", "x\0y", 'a"; DROP'],
)  # fmt: skip
def test_no_name_in_an_archive_is_a_path(tmp_path: Path, name: str) -> None:
    there = set(tmp_path.rglob("*"))
    path = prepared(
        tmp_path / "prepared.zip", {f"tables/{name}.copy": b"1\n"}, tables=[table(name, b"1\n")]
    )
    with pytest.raises(ArchiveError):
        restore_tenant(path, by="test")
    assert set(tmp_path.rglob("*")) == there | {path}, "nothing was unpacked"
    assert not Tenant.objects.filter(schema_name="prepared").exists()


def test_a_link_in_an_archive_leads_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("1\n")
    link = zipfile.ZipInfo("tables/meters_meter.copy")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "prepared.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(link, os.fspath(secret))
        told = TOLD | {"tables": [table("meters_meter", b"1\n")]}
        file.writestr(MANIFEST, json.dumps(told))
    with reading(path) as archive:
        [one] = archive.manifest.tables
        with pytest.raises(ArchiveError, match=r"not what was written|larger than"):
            list(archive.text(one))


def test_more_than_the_manifest_says_is_not_loaded(tmp_path: Path) -> None:
    """It is known at once, and not when a disk is full."""
    bomb = b"1\n" * 20_000_000
    path = prepared(
        tmp_path / "prepared.zip",
        {"tables/meters_meter.copy": bomb},
        tables=[table("meters_meter", b"1\n")],
    )
    assert path.stat().st_size < 100_000
    with reading(path) as archive:
        [one] = archive.manifest.tables
        with pytest.raises(ArchiveError, match="larger than the manifest says"):
            next(archive.text(one))


def test_a_manifest_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "prepared.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(MANIFEST, b" " * (MOST_MANIFEST + 1))
    with pytest.raises(ArchiveError, match="larger than any"), reading(path):
        pass


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Nowhere/Town", "x" * 65])
def test_what_a_manifest_says_of_a_tenant_is_checked(tmp_path: Path, zone: str) -> None:
    path = prepared(tmp_path / "prepared.zip", {}, tenant={**TOLD["tenant"], "timezone": zone})
    with pytest.raises(ArchiveError, match="time zone"):
        restore_tenant(path, by="test")
