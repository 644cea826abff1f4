"""`manage.py erase_meter`: erase a person's meter and everything that is kept of it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ingestion.erasing import ErasureError, erase_meter
from ingestion.management.arguments import muid
from ingestion.registers import UnknownMeterError
from meters.models import Meter
from tenants.commands import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Erase a meter with its registers, readings, revisions, rejections and whatever else is "
        "kept of it. It can't be undone; that it was done is put on record."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--meter", metavar="MUID", type=muid, required=True)
        parser.add_argument(
            "--reason", required=True, help="why; it stays, so leave out what names the meter"
        )
        parser.add_argument(
            "--person", default="command line", help="who does it, as the record is to say it"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask for the meter's name")
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would be erased, erase nothing"
        )

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        meter = Meter.objects.filter(muid=options["meter"]).first()
        if meter is None:
            raise CommandError(f"{tenant.name} has no meter {options['meter']}.")
        if not (options["yes"] or options["dry_run"]):
            self.stdout.write(f"This erases “{meter.name}” of {tenant.name} for good.")
            if input("Type the meter's name: ").strip() != meter.name:
                raise CommandError("That is not its name. Nothing was erased.")
        try:
            erasure = erase_meter(
                muid=meter.muid,
                person=options["person"],
                reason=options["reason"],
                keep=not options["dry_run"],
            )
        except (ErasureError, UnknownMeterError) as error:
            raise CommandError(f"{error} Nothing was erased.") from None
        kept = "dry run: nothing was erased" if options["dry_run"] else str(erasure)
        self.stdout.write(f"{tenant.slug}: a meter and with it {erasure.told}. {kept}.")
