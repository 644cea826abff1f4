"""`manage.py export_tenant`: a tenant in one file, to keep or to take elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.acts import from_command
from tenants.archive import ArchiveError
from tenants.commands import find_tenant
from tenants.exporting import export_tenant


class Command(BaseCommand):
    help = "Write all of a tenant into one file, while it goes on working."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="NAME", help="short name or domain of the tenant")
        parser.add_argument("file", type=Path, help="is made; for example acme-2024-03-01.zip")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = find_tenant(options["tenant"])
        try:
            made = export_tenant(tenant, options["file"], by=from_command("export_tenant"))
        except ArchiveError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{options['file']} can't be written: {error.strerror}.") from None
        size = made.path.stat().st_size / 1e6
        self.stdout.write(
            f"{tenant.name}: {made.manifest.rows:,} rows in {len(made.manifest.tables)} tables, "
            f"{size:,.1f} MB in {made.path}.\n"
            "It holds personal data and, encrypted, the sources' secrets: keep it and\n"
            "FIELD_ENCRYPTION_KEYS apart. Bring it back with\n"
            f"  manage.py restore_tenant {made.path} --as {tenant.slug}-restored"
        )
