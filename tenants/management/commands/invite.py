"""`manage.py invite`: an account for somebody, and the link by which they choose a password."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.acts import from_command
from accounts.links import invitation_ends, invitation_link
from accounts.mailing import MailError, send_invitation
from accounts.models import User
from accounts.people import PeopleError, invite, renew_invitation
from accounts.roles import Role
from tenants.commands import TenantCommand
from tenants.links import tenant_address
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Invite a person by mail; where no mail can be sent the link is printed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", help="the address the person will sign in with")
        parser.add_argument("--role", choices=Role.values, default=Role.VIEWER.value)
        parser.add_argument(
            "--language",
            choices=[code for code, _name in settings.LANGUAGES],
            default="",
            help="of the invitation and of pages; the tenant's where none is given",
        )
        parser.add_argument(
            "--again", action="store_true", help="send anew what was not taken up; the role stays"
        )
        parser.add_argument("--link", action="store_true", help="print the link and send no mail")

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        by = from_command("invite")
        try:
            person = (
                self._again(options["email"], by)
                if options["again"]
                else invite(
                    email=options["email"],
                    role=Role(options["role"]),
                    language=options["language"] or tenant.language,
                    by=by,
                )
            )
        except PeopleError as error:
            raise CommandError(str(error)) from None
        address = tenant_address(tenant)
        if settings.SENDS_MAIL and not options["link"]:
            try:
                send_invitation(
                    person,
                    name=tenant.name,
                    address=address,
                    zone=tenant.timezone,
                    language=tenant.language,
                )
            except MailError as error:
                self.stderr.write(f"The mail could not be sent ({error}); hand the link over.")
            else:
                self.stdout.write(f"The invitation is on its way to {person.email}.")
                return
        until = invitation_ends(person)
        self.stdout.write(
            f"  invited    {person.email}\n"
            f"  link       {invitation_link(person, address)}\n"
            f"  good until {until:%Y-%m-%d %H:%M} UTC"
        )

    @staticmethod
    def _again(email: str, by: str) -> User:
        person = User.objects.filter(email__iexact=email).first()
        if person is None:
            raise CommandError(f"Nobody here has the address {email}.")
        return renew_invitation(person, by=by)
