"""`manage.py restore_tenant`: a tenant brought back from its file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.acts import from_command
from tenants.archive import ArchiveError
from tenants.onboarding import OnboardingError
from tenants.restoring import restore_tenant


class Command(BaseCommand):
    help = "Make a tenant from a file that export_tenant has written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="as export_tenant has written it")
        parser.add_argument("--as", dest="slug", default="", help="another short name")
        parser.add_argument("--domain", default="", help="where it answers from now on")
        parser.add_argument("--name", default="", help="what people read")
        parser.add_argument(
            "--active",
            action="store_true",
            help="serve it at once; otherwise it is suspended first",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = restore_tenant(
                options["file"],
                by=from_command("restore_tenant"),
                slug=options["slug"],
                domain=options["domain"],
                name=options["name"],
                active=options["active"],
            )
        except (ArchiveError, OnboardingError) as error:
            raise CommandError(f"{error} Nothing was restored.") from None
        self.stdout.write(f"{made.tenant.name} is back: {made.rows:,} rows, at {made.domain}.")
        for warning in made.warnings:
            self.stderr.write(f"  {warning}")
        if made.tenant.is_suspended:
            self.stdout.write(
                "It is suspended, for its original may be at work elsewhere. Serve it with\n"
                f"  manage.py resume_tenant {made.tenant.slug}"
            )
