"""`manage.py tidy_record`: remove what the record of work has been kept long enough."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from ingestion.retention import Removed, tidy
from tenants.commands import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Remove runs, outcomes, refused and replaced readings that are older than the tenant keeps "
        "them. Readings are never removed. The queue does this four times an hour."
    )
    all_tenants_allowed = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        dry_run = options["dry_run"]
        for one in tidy(now=timezone.now(), dry_run=dry_run, most_batches=1_000_000):
            self.stdout.write(f"{tenant.slug}: {_in_words(one, dry_run=dry_run)}")


def _in_words(one: Removed, *, dry_run: bool) -> str:
    if one.before is None:
        return f"{one.kind.label} are kept for ever"
    verb = "would be removed" if dry_run else "removed"
    return f"{one.kind.label}: {one.rows:,} {verb}, older than {one.days} days"
