"""`manage.py revoke_token`: end an API token at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from knox.settings import CONSTANTS

from accounts.models import ApiToken
from accounts.tokens import revoke_token
from tenants.commands import PeopleCommand, where_people_are


class Command(PeopleCommand):
    help = "End API tokens, named by their first characters as list_tokens shows them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "token", nargs="+", help="its first characters, such as lg_0a1b2c3d4e5f"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with where_people_are(options) as where:
            found = []
            for given in options["token"]:
                # Whoever pastes all of it means the same.
                key = given[: CONSTANTS.TOKEN_KEY_LENGTH]
                tokens = list(ApiToken.objects.filter(token_key=key).select_related("user"))
                if not tokens:
                    raise CommandError(
                        f"{where} has no token {key}. Nothing was revoked; see manage.py "
                        "list_tokens."
                    )
                found += tokens
            for token in found:
                revoke_token(token=token, by="revoke_token")
                self.stdout.write(f"Revoked {token} of {token.user.email}.")
