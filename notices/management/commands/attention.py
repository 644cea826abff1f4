"""`manage.py attention`: what needs attention, with an exit code for monitoring."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils import timezone

from notices.attention import Attention, Level, attention
from tenants.commands import TenantCommand
from tenants.models import Tenant

UNKNOWN = 3


class Command(TenantCommand):
    help = (
        "List what needs attention: failing sources, silent meters, a backlog, mails that could "
        "not be sent. Exits with 0 where there is nothing, 1 for warnings, 2 where it is critical "
        "and 3 where a tenant could not be looked at."
    )
    all_tenants_allowed = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="one object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        self.worst = 0
        try:
            super().handle(*args, **options)
        except (CommandError, DatabaseError) as error:
            raise CommandError(str(error), returncode=UNKNOWN) from error
        if self.worst:
            raise SystemExit(self.worst)

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        found = attention(tenant, timezone.now())
        self.worst = max(self.worst, int(found.level))
        lines = _objects if options["json"] else _lines
        for line in lines(tenant, found):
            self.stdout.write(line)


def _lines(tenant: Tenant, found: Attention) -> list[str]:
    if found.level == Level.OK:
        return [f"{tenant.slug}: ok"]
    return [
        f"{tenant.slug}: {item.level.name.lower()}: {item.title}. {item.in_full}"
        for item in found.items
    ]


def _objects(tenant: Tenant, found: Attention) -> list[str]:
    return [
        json.dumps(
            {
                "tenant": tenant.slug,
                "level": item.level.name.lower(),
                "kind": item.kind,
                "title": item.title,
                "words": item.in_full,
                "path": item.path,
            }
        )
        for item in found.items
    ]
