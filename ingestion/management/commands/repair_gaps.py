"""`manage.py repair_gaps`: find what is missing between stored readings and ask for it again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ingestion.lease import worker_name
from ingestion.management.arguments import add_meters, moment
from ingestion.models import Feed, Run, Source
from ingestion.repair import Repair, find_repairs
from ingestion.services import execute_run, plan_run
from tenants.commands import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Find intervals that are missing between stored readings and ask their source for them "
        "again. What somebody has deleted by hand is left alone."
    )
    all_tenants_allowed = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_meters(parser)
        parser.add_argument("--start", type=moment, help="look no further back than this")
        parser.add_argument("--end", type=moment, help="look no further than this")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what is missing, ask nobody"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["start"] and options["end"] and options["start"] >= options["end"]:
            raise CommandError("--end must lie after --start.")
        super().handle(*args, **options)

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        window = {"only": options["meter"], "start": options["start"], "stop": options["end"]}
        failed = 0
        if not options.get("all_tenants"):
            fed = Feed.objects.filter(meter__muid__in=options["meter"], source__is_active=True)
            known = set(fed.values_list("meter__muid", flat=True))
            for muid in options["meter"]:
                if muid not in known:
                    raise CommandError(f"{tenant.name} has no meter {muid} with a source.")
        for source in Source.objects.filter(is_active=True):
            title = f"{tenant.slug} · {source.name}"
            found = find_repairs(source=source, **window)
            if not found:
                self.stdout.write(f"{title}: nothing is missing.")
                continue
            for repair in found:
                self.stdout.write(f"{title}: {words_of(repair)}")
            if options["dry_run"]:
                continue
            failed += sum(not self.repair(source, repair) for repair in found)
            left = sum(repair.missing for repair in find_repairs(source=source, **window))
            got = sum(repair.missing for repair in found) - left
            self.stdout.write(f"{title}: {got:,} came, {left:,} are missing still.")
        if failed:
            windows = f"{failed} window{'s' * (failed != 1)}"
            raise CommandError(f"{windows} could not be asked for; the runs say why.")

    def repair(self, source: Source, repair: Repair) -> bool:
        """Ask for one window again; say whether that could be done."""
        run = plan_run(
            source=source,
            trigger=Run.Trigger.COMMAND,
            only=repair.only,
            start=repair.start,
            stop=repair.stop,
        )
        result = execute_run(run, worker=worker_name())
        if result is None:
            self.stderr.write(f"Run {run.pk} has been taken up by a worker of the queue.")
            return True
        if result.failed:
            self.stderr.write(f"Run {run.pk}: {result.run.error or 'some meters failed.'}")
        return not result.failed


def words_of(repair: Repair) -> str:
    meters = f"{len(repair.only):,} meter{'s' * (len(repair.only) != 1)}"
    start, stop = (f"{moment:%Y-%m-%d %H:%M}" for moment in (repair.start, repair.stop))
    return f"{repair.missing:,} intervals of {meters} are missing from {start} to {stop} UTC."
