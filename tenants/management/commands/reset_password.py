"""`manage.py reset_password`: a lost password is replaced, and open sessions end.

API tokens go on: programs do not sign in with a password. `create_token --revoke-others` ends them.
"""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.acts import from_command, record
from accounts.models import Act
from accounts.signin import unlock
from tenants.commands import AccountCommand, account
from tenants.onboarding import new_password


class Command(AccountCommand):
    help = "Give a person a new password; open sessions end, API tokens go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--password", default="", help="made and printed where none is given")

    def handle(self, *args: Any, **options: Any) -> None:
        with account(options) as user:
            password = options["password"] or new_password()
            try:
                validate_password(password, user)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
            user.set_password(password)
            user.save(update_fields=["password"])
            # Whoever needs another password has often tried the old one too often.
            unlock(user.email)
            record(Act.What.PASSWORD_RESET, user.email, by=from_command("reset_password"))
        self.stdout.write(f"  sign-in    {user.email}\n  password   {password}")
