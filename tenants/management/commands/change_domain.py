"""`manage.py change_domain`: a tenant answers on another domain."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.acts import from_command
from tenants.commands import find_tenant
from tenants.lifecycle import LifecycleError, change_domain


class Command(BaseCommand):
    help = "Have a tenant answer on another domain."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="NAME", help="short name or domain of the tenant")
        parser.add_argument("domain", help="host name, for example energy.acme.example")
        parser.add_argument(
            "--keep-others", action="store_true", help="it goes on answering on those that it has"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = find_tenant(options["tenant"])
        try:
            made = change_domain(
                tenant,
                options["domain"],
                by=from_command("change_domain"),
                keep_others=options["keep_others"],
            )
        except LifecycleError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{tenant.name} answers at {made.domain}. Whoever was signed in signs in again there."
        )
