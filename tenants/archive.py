"""A tenant in one file: a zip with a manifest and each table as PostgreSQL's COPY writes text.

Nothing in it needs this product to be read: ``unzip`` and ``psql`` do. The manifest, written last,
tells what the tenant is called, which migrations its tables have seen, and of each table its
columns, rows and SHA-256.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT = "lastgang-tenant/1"
MANIFEST = "manifest.json"
MOST_MANIFEST = 16 << 20
CHUNK = 1 << 20


class ArchiveError(ValueError):
    """The file is no archive of a tenant, or not a whole one; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table in an archive.

    Attributes
    ----------
    sha256
        Of its text, in hexadecimal digits.
    """

    name: str
    columns: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str

    @property
    def path(self) -> str:
        return f"tables/{self.name}.copy"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Where a sequence stands: its last value, and whether that has been given out."""

    name: str
    last: int
    is_called: bool


@dataclass(slots=True)
class Manifest:
    """What an archive holds.

    Attributes
    ----------
    tenant
        Its slug, name, timezone, language and domains.
    migrations
        Of each app, the migrations that its tables have seen.
    """

    tenant: dict[str, Any]
    made_at: str
    migrations: dict[str, list[str]]
    tables: list[Table] = field(default_factory=list)
    sequences: list[Sequence] = field(default_factory=list)
    format: str = FORMAT

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


class ArchiveWriter:
    """Writes tables into an archive, one after the other."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._zip = file

    def table(self, name: str, columns: Iterable[str], chunks: Iterable[Any]) -> Table:
        """Write the text of a table, as it comes, and say what was written."""
        digest, rows, size = hashlib.sha256(), 0, 0
        found = Table(name, tuple(columns), 0, 0, "")
        with self._zip.open(found.path, "w", force_zip64=True) as file:
            for chunk in chunks:
                data = bytes(chunk)
                file.write(data)
                digest.update(data)
                # Within a value COPY writes a line's end as two characters.
                rows += data.count(b"\n")
                size += len(data)
        return Table(name, found.columns, rows, size, digest.hexdigest())

    def manifest(self, manifest: Manifest) -> None:
        self._zip.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """Write an archive, which is at its place once it is whole and not before.

    Only its owner may read it: it holds personal data, and digests of passwords and tokens.

    Raises
    ------
    ArchiveError
        There is such a file already.
    """
    if path.exists():
        raise ArchiveError(f"{path} is there already; name another file.")
    part = path.with_name(path.name + ".part")
    # Level 1: readings are packed already, and the rest is text that any level shrinks.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with (
            os.fdopen(descriptor, "wb") as raw,
            zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        ):
            yield ArchiveWriter(file)
            file.close()
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


class Archive:
    """An archive that is read."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._zip = file
        self.manifest = _read_manifest(file)

    def text(self, table: Table) -> Iterator[bytes]:
        """Read a table's text in pieces.

        Raises
        ------
        ArchiveError
            At its end, where it is not what was written; before its beginning, where it is more.
        """
        digest = hashlib.sha256()
        try:
            # No more than this is unpacked, whatever the packed text would grow to.
            if self._zip.getinfo(table.path).file_size > table.bytes:
                raise ArchiveError(f"{table.name} is larger than the manifest says.")
            with self._zip.open(table.path) as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
                    yield chunk
        except (KeyError, zipfile.BadZipFile, OSError) as error:
            raise ArchiveError(f"{table.name} can't be read from the archive: {error}") from None
        if digest.hexdigest() != table.sha256:
            raise ArchiveError(f"{table.name} is not what was written into the archive.")


@contextmanager
def reading(path: Path) -> Iterator[Archive]:
    """Open an archive.

    Raises
    ------
    ArchiveError
        It is none, or was cut off.
    """
    try:
        file = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise ArchiveError(f"There is no file {path}.") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise ArchiveError(f"{path} is no archive of a tenant, or was cut off: {error}") from None
    with file:
        yield Archive(file)


def _read_manifest(file: zipfile.ZipFile) -> Manifest:
    try:
        if file.getinfo(MANIFEST).file_size > MOST_MANIFEST:
            raise ArchiveError("The manifest is larger than any that is written.")
        told = json.loads(file.read(MANIFEST))
        if told.get("format") != FORMAT:
            raise ArchiveError(
                f"The archive is in the format {told.get('format')!r}, not {FORMAT}."
            )
        tables = [Table(**{**one, "columns": tuple(one["columns"])}) for one in told["tables"]]
        sequences = [Sequence(**one) for one in told["sequences"]]
        return Manifest(**{**told, "tables": tables, "sequences": sequences})
    except (KeyError, TypeError, AttributeError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError(f"The archive has no manifest that can be read: {error}") from None
