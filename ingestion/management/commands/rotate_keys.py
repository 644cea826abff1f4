"""`manage.py rotate_keys`: encrypt every stored token anew, with the first of the keys."""

from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from ingestion.fields import UndecryptableError
from ingestion.models import Source
from tenants.commands import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Encrypt the tokens of all sources anew with the first key of FIELD_ENCRYPTION_KEYS, so "
        "that the others can be taken away."
    )
    all_tenants_allowed = True

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        lost, done = [], 0
        with transaction.atomic():
            for source in Source.objects.select_for_update().exclude(token="").order_by("pk"):
                try:
                    source.token  # noqa: B018 - opening it is the trial
                except UndecryptableError:
                    lost.append(source.name)
                    continue
                source.save(update_fields=["token"])
                done += 1
        self.stdout.write(f"{tenant.slug}: {done} encrypted anew.")
        if lost:
            raise CommandError(
                f"The key of {', '.join(lost)} is not among "
                "FIELD_ENCRYPTION_KEYS. Add it again, or enter those tokens anew."
            )
