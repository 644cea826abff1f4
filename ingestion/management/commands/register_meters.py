"""Register the meters of a file: ``manage.py register_meters --tenant acme --file meters.csv``."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from ingestion.doors.table import DoorError
from ingestion.registration import Became, register_meters
from tenants.commands import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Register many meters from a CSV or XLSX file: all of them, or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--file",
            type=Path,
            required=True,
            help="with a row of headers: muid, name and, where wanted, metering_point, site, "
            "timezone and source",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, and keep nothing"
        )

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        try:
            found = register_meters(
                path.read_bytes(), default_zone=tenant.timezone, keep=not options["dry_run"]
            )
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from None
        except DoorError as error:
            raise CommandError(f"{path}: {error}") from None
        for remark in found.remarks:
            self.stderr.write(remark)
        told = {Became.WRONG} if found.wrong else {Became.REGISTERED, Became.CHANGED}
        for line in found.lines:
            if line.became in told:
                words = f": {line.words}" if line.words else ""
                what = f"{line.became}  {line.muid}  {line.name}"
                self.stdout.write(f"line {line.number:,}  {what}{words}")
        counts = ", ".join(f"{found.count(one):,} {one}" for one in Became)
        if found.wrong:
            raise CommandError(f"{counts}. Nothing was stored; mend the lines above.")
        self.stdout.write(f"{counts}." if found.is_kept else f"{counts}. Nothing was kept.")
