"""`manage.py repair_gaps`: find what is missing between stored readings and ask for it again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet
from django.utils import timezone

from ingestion.gapkeeping import look, settle
from ingestion.lease import worker_name
from ingestion.management.arguments import add_meters, moment
from ingestion.models import Feed, Gap, Run, Source
from ingestion.repair import MOST_GAPS, Repair, lacking, plan_repairs, windows_of
from ingestion.services import execute_run
from tenants.commands import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Look for intervals that are missing between stored readings, put them on record as gaps "
        "and ask their source for them again, also for those that were given up. What the sweeps "
        "read again anyway, and what somebody has deleted by hand, is left alone. The queue does "
        "this by itself; here it is done at once."
    )
    all_tenants_allowed = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_meters(parser)
        parser.add_argument("--start", type=moment, help="ask for nothing that ends before this")
        parser.add_argument("--end", type=moment, help="ask for nothing that begins after this")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what is missing, ask nobody"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["start"] and options["end"] and options["start"] >= options["end"]:
            raise CommandError("--end must lie after --start.")
        super().handle(*args, **options)

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        fed = Feed.objects.filter(meter__muid__in=options["meter"], source__is_active=True)
        known = dict(fed.values_list("meter__muid", "meter"))
        if not options.get("all_tenants"):
            for muid in options["meter"]:
                if muid not in known:
                    raise CommandError(f"{tenant.name} has no meter {muid} with a source.")
        if options["meter"] and not known:
            return
        failed = 0
        for source in Source.objects.filter(is_active=True):
            title = f"{tenant.slug} · {source.name}"
            look(source=source, now=timezone.now(), only=list(known.values()))
            failed += self.repair(title, source, options)
        if failed:
            windows = f"{failed} window{'s' * (failed != 1)}"
            raise CommandError(f"{windows} could not be asked for; the runs say why.")

    def repair(self, title: str, source: Source, options: dict[str, Any]) -> int:
        """Ask for the gaps of a source; return how many windows could not be asked for."""

        def left() -> QuerySet[Gap]:
            return lacking(
                source, only=options["meter"], start=options["start"], stop=options["end"]
            )

        found = list(left())
        if not found:
            self.stdout.write(f"{title}: nothing is missing.")
            return 0
        for window in windows_of(found, source):
            self.stdout.write(f"{title}: {words_of(window)}")
        if options["dry_run"]:
            return 0
        failed, keys = 0, [gap.pk for gap in found]
        for at in range(0, len(keys), MOST_GAPS):
            gaps = left().filter(pk__in=keys[at : at + MOST_GAPS])
            runs = plan_repairs(
                source=source, gaps=gaps, trigger=Run.Trigger.COMMAND, most=len(keys)
            )
            failed += sum(not self.ask(run) for run in runs)
        settle(now=timezone.now())
        still = sum(gap.missing for gap in left())
        came = sum(gap.missing for gap in found) - still
        self.stdout.write(f"{title}: {came:,} came, {still:,} are missing still.")
        return failed

    def ask(self, run: Run) -> bool:
        """Ask for one window again; say whether that could be done."""
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
    some = f"{repair.missing:,} interval{'s' * (repair.missing != 1)}"
    verb = "is" if repair.missing == 1 else "are"
    return f"{some} of {meters} {verb} missing from {start} to {stop} UTC."
