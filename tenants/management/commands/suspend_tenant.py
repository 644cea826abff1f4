"""`manage.py suspend_tenant`: its pages, API and tasks rest, its data stays."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.acts import from_command
from tenants.commands import find_tenant
from tenants.lifecycle import LifecycleError, suspend


class Command(BaseCommand):
    help = "Let a tenant's pages, API and tasks rest; its data stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="NAME", help="short name or domain of the tenant")
        parser.add_argument("--why", default="", help="shown on its pages")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = find_tenant(options["tenant"])
        try:
            suspend(tenant, by=from_command("suspend_tenant"), why=options["why"])
        except LifecycleError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{tenant.slug} is suspended. Its data stays; serve it again with\n"
            f"  manage.py resume_tenant {tenant.slug}"
        )
