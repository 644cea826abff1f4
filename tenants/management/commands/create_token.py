"""`manage.py create_token`: an API token, printed this once."""

import re
from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import ApiToken
from accounts.scopes import Scope
from accounts.tokens import TokenError, make_token, revoke_token
from tenants.commands import AccountCommand, account

BY = "create_token"


def read_expiry(text: str) -> datetime:
    """Read `90d`, or a date, at whose beginning (UTC) it is over.

    Raises
    ------
    CommandError
        It is neither.
    """
    if days := re.fullmatch(r"([0-9]{1,4})d", text):
        return timezone.now() + timedelta(days=int(days[1]))
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"“{text}” is no expiry: write a number of days such as 90d, or the first day on which "
            "the token is good for nothing (UTC), such as 2027-07-01."
        ) from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Command(AccountCommand):
    help = "Make an API token for a person; it is printed once and stored as a hash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", default="made by command", help="what the token is for")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="what it may be used for, repeatable; by default all that the person could use",
        )
        parser.add_argument(
            "--expires", metavar="WHEN", help="90d, or a date (UTC); never where none is given"
        )
        parser.add_argument(
            "--revoke-others", action="store_true", help="end the person's other tokens"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        expires_at = read_expiry(options["expires"]) if options["expires"] else None
        with account(options) as user:
            others = list(ApiToken.objects.filter(user=user, parent=None))
            try:
                made = make_token(
                    person=user,
                    by=BY,
                    name=options["name"],
                    scopes=options["scope"],
                    expires_at=expires_at,
                )
            except TokenError as error:
                raise CommandError(str(error)) from None
            if options["revoke_others"]:
                for one in others:
                    revoke_token(token=one, by=BY)
        until = f"{expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else "revoked"
        self.stdout.write(
            f"  sign-in    {user.email}\n"
            f"  API token  {made.secret}\n"
            f"  scopes     {made.token.scopes_in_words}\n"
            f"  good until {until}"
        )
