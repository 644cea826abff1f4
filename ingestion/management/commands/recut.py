"""`manage.py recut`: cut stored days anew, where their zone's days begin elsewhere by now."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandError

from ingestion.cutting import UncuttableError
from ingestion.management.arguments import add_meters
from ingestion.recutting import Recut, meters_to_recut, recut_meter
from meters.models import Meter
from meters.zones import ZoneError, database_version, zone
from tenants.commands import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Find the stored days that are cut otherwise than their meter's zone says, as after an "
        "update of the zone database, and cut them anew; with --timezone, give meters another "
        "zone. Each meter is done in one transaction, so that it can be broken off and begun again."
    )
    all_tenants_allowed = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_meters(parser)
        parser.add_argument(
            "--timezone", metavar="ZONE", help="with --meter: the zone that it is to have"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="do everything, then keep nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["timezone"]:
            if not options["meter"] or options.get("all_tenants"):
                raise CommandError("--timezone goes with --tenant and --meter: name the meters.")
            try:
                zone(options["timezone"])
            except ZoneError as error:
                raise CommandError(str(error)) from None
        super().handle(*args, **options)

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        done: list[Recut] = []
        failed = 0
        for meter in self.chosen(tenant, options):
            try:
                one = recut_meter(
                    meter=meter, timezone=options["timezone"], keep=not options["dry_run"]
                )
            except UncuttableError as error:
                self.stderr.write(f"{tenant.slug} · {meter.name}: {error} It stays as it was.")
                failed += 1
                continue
            done.append(one)
            self.stdout.write(f"{tenant.slug} · {meter.name}: {_in_words(one)}")
        kept = "dry run: nothing was kept" if options["dry_run"] else "done"
        days = sum(one.days for one in done)
        self.stdout.write(
            f"{tenant.slug}: {days:,} days of {len(done):,} meters cut anew by the zone database "
            f"{database_version()}, {kept}."
        )
        if failed:
            raise CommandError(f"{failed} meters could not be cut anew; see above.")

    def chosen(self, tenant: Tenant, options: dict[str, Any]) -> Iterable[Meter]:
        meters = Meter.objects.order_by("pk").prefetch_related("registers")
        wanted = options["meter"]
        if not wanted:
            return meters_to_recut(list(meters))
        found = list(meters.filter(muid__in=wanted))
        missing = set(wanted) - {meter.muid for meter in found}
        if missing and not options.get("all_tenants"):
            raise CommandError(f"{tenant.name} has no meter {min(map(str, missing))}.")
        return found if options["timezone"] else meters_to_recut(found)


def _in_words(one: Recut) -> str:
    parts = [f"{one.days:,} days by {one.timezone}"]
    if one.revisions:
        parts.append(f"{one.revisions:,} revisions moved")
    if one.mixed:
        parts.append(f"{one.mixed:,} days hold intervals of several lengths")
    if one.twice:
        parts.append(f"{one.twice:,} readings stood twice; the older ones are kept as revisions")
    return ", ".join(parts)
