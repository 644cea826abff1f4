"""`manage.py rotate_keys`: encrypt every stored secret anew, with the first of the keys."""

from typing import Any

from django.core.management.base import CommandError

from accounts.acts import from_command
from ingestion.rotating import rotate
from tenants.commands import TenantCommand
from tenants.models import Tenant
from tenants.schema import in_public


class Command(TenantCommand):
    help = (
        "Encrypt the tokens of all sources anew with the first key of FIELD_ENCRYPTION_KEYS, so "
        "that the others can be taken away. It may be broken off and called again."
    )
    all_tenants_allowed = True

    def tenants(self, options: dict[str, Any]) -> list[Tenant]:
        if options.get("all_tenants"):
            # Also those that rest: they are resumed some day, and then need their secrets.
            with in_public():
                return list(Tenant.objects.order_by("schema_name"))
        return super().tenants(options)

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options.get("all_tenants"):
            self.stdout.write("The first key opens every secret; the others can be taken away.")

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        found = rotate(tenant, by=from_command("rotate_keys"))
        self.stdout.write(
            f"{tenant.slug}: {found.renewed} encrypted anew, {found.current} were already."
        )
        if found.lost:
            raise CommandError(
                f"The key of {', '.join(found.lost)} is not among "
                "FIELD_ENCRYPTION_KEYS. Add it again, or enter those tokens anew."
            )
