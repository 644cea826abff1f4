"""`manage.py resume_tenant`: a suspended tenant is served again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.acts import from_command
from tenants.commands import find_tenant
from tenants.lifecycle import LifecycleError, resume


class Command(BaseCommand):
    help = "Serve a suspended tenant again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="NAME", help="short name or domain of the tenant")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = find_tenant(options["tenant"])
        try:
            resume(tenant, by=from_command("resume_tenant"))
        except LifecycleError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{tenant.slug} is served again. What its meters missed is fetched by the next sweep."
        )
