"""`manage.py origins`: whose pages may ask a tenant's API from a browser."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.cors import KEPT, OriginError, allow_origin, disallow_origin
from accounts.models import AllowedOrigin
from accounts.origins import checked_origin
from tenants.commands import TenantCommand
from tenants.models import Tenant

BY = "origins"


class Command(TenantCommand):
    help = "List a tenant's allowed origins (CORS); allow some, or no longer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--allow", metavar="ORIGIN", action="append", default=[], help="https://host[:port]"
        )
        parser.add_argument("--disallow", metavar="ORIGIN", action="append", default=[])
        parser.add_argument("--note", default="", help="whose pages these are")

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        try:
            for text in options["allow"]:
                allow_origin(AllowedOrigin(origin=text, note=options["note"]), by=BY)
            for text in options["disallow"]:
                disallow_origin(AllowedOrigin.objects.get(origin=checked_origin(text)), by=BY)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except (OriginError, ValueError) as error:
            raise CommandError(str(error)) from None
        except AllowedOrigin.DoesNotExist:
            raise CommandError(f"{text} is not allowed here, so nothing changed.") from None
        found = list(AllowedOrigin.objects.all())
        for one in found:
            self.stdout.write(f"{one.origin}  {one.note}".rstrip())
        if not found:
            self.stdout.write(f"Pages of no other origin may ask {tenant}'s API from a browser.")
        if options["allow"] or options["disallow"]:
            self.stdout.write(f"Every process knows it in {KEPT} seconds.")
