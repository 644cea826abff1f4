"""`manage.py create_tenant NAME`: a working tenant in one step."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tenants.onboarding import OnboardingError, create_tenant
from tenants.schema import in_public


class Command(BaseCommand):
    help = "Make a tenant: schema, domain, first administrator and API token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="NAME", help="short name, for example solar-village")
        parser.add_argument(
            "--name", default="", help="what people read, for example Solar Village"
        )
        parser.add_argument("--domain", default="", help="host name; else a subdomain of ours")
        parser.add_argument("--timezone", default="Europe/Zurich", help="IANA name")
        parser.add_argument(
            "--language",
            default="en",
            choices=[code for code, _name in settings.LANGUAGES],
            help="of its mails and pages, for whoever has chosen no other",
        )
        parser.add_argument("--email", default="", help="sign-in of the first administrator")
        parser.add_argument(
            "--password", default="", help="its password; made and printed where none is given"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with in_public():
                made = create_tenant(
                    slug=options["slug"],
                    name=options["name"],
                    domain=options["domain"],
                    timezone=options["timezone"],
                    language=options["language"],
                    email=options["email"],
                    password=options["password"],
                )
        except OnboardingError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{made.tenant.name} is ready.\n"
            f"  address    {made.domain}\n"
            f"  sign-in    {made.email}\n"
            f"  password   {made.password}\n"
            f"  API token  {made.token}\n"
            "The password and the token are shown this once. Lost? See\n"
            f"  manage.py reset_password --tenant {made.tenant.slug} {made.email}\n"
            f"  manage.py create_token --tenant {made.tenant.slug} {made.email}"
        )
