"""`manage.py grant_serving`: let a role of PostgreSQL serve that owns nothing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.rights import RightsError, grant_serving


class Command(BaseCommand):
    help = (
        "Let a role of PostgreSQL read and write rows of public and of every tenant, those to come "
        "included. Web processes serve with it; it can't make, change or drop tables."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", metavar="ROLE", help="a role that is there, and owns nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            granted = grant_serving(options["role"])
        except RightsError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{granted.role} may serve public and {granted.schemas - 1} tenants, and those to "
            "come. Put it into DATABASE_URL of the web processes."
        )
