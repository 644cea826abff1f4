"""`manage.py create_token`: an API token, printed this once."""

from argparse import ArgumentParser
from typing import Any

from accounts.models import ApiToken
from tenants.commands import AccountCommand, account


class Command(AccountCommand):
    help = "Make an API token for a person; it is printed once and stored as a hash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", default="made by command", help="what the token is for")
        parser.add_argument(
            "--revoke-others", action="store_true", help="end the person's other tokens"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with account(options) as user:
            if options["revoke_others"]:
                ApiToken.objects.filter(user=user).delete()
            _, token = ApiToken.objects.create(user=user, name=options["name"])
        self.stdout.write(f"  sign-in    {user.email}\n  API token  {token}")
