"""`manage.py list_tokens`: which API tokens there are. None of them can be shown itself."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from accounts.models import ApiToken
from tenants.commands import PeopleCommand, find_person, where_people_are


class Command(PeopleCommand):
    help = "List the API tokens of a tenant or of the operators, or those of one person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", nargs="?", default="", help="of this person alone")

    def handle(self, *args: Any, **options: Any) -> None:
        with where_people_are(options) as where:
            tokens = ApiToken.objects.lasting().select_related("user")
            if options["email"]:
                tokens = tokens.filter(user=find_person(options["email"], where))
            found = list(tokens.order_by("user__email", "created"))
            browsers = ApiToken.objects.live_in_browsers().count()
        for token in found:
            expiry = "never" if token.expiry is None else _at(token.expiry)
            self.stdout.write(
                f"{token.token_key}  {token.user.email}  “{token.name}”\n"
                f"    scopes {token.scopes_in_words}; made {_at(token.created)}, last used "
                f"{_at(token.last_used_at)}, {'expired' if token.has_expired else 'expires'} "
                f"{expiry}"
            )
        if not found:
            self.stdout.write("There are no tokens. Make one with: manage.py create_token")
        if browsers:
            self.stdout.write(f"Besides, {browsers} short-lived tokens are in browsers now.")


def _at(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
