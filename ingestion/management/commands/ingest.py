"""`manage.py ingest`: pull readings of meters, or store a file of them."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from ingestion.closing import Closing, Told
from ingestion.deliveries import Delivery, names_of_meters, take_in
from ingestion.display import Display
from ingestion.doors.brought import Opened, open_file, take_out
from ingestion.doors.columns import Plan
from ingestion.doors.kinds import Kind
from ingestion.doors.proposal import propose
from ingestion.doors.table import DoorError
from ingestion.file_options import SEPARATORS, add_file_options, said_of_tables, wishes_of
from ingestion.files import asked_of
from ingestion.lease import LostLeaseError, worker_name
from ingestion.management.arguments import add_meters, moment
from ingestion.models import Feed, Run, Source
from ingestion.results import RunResult
from ingestion.services import execute_run, plan_run, rehearse_run
from meters.models import Meter
from tenants.commands import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Pull readings from the tenant's sources, or store a file of them. Without --start each "
        "meter goes on from what is stored, with a look back for late and corrected values."
    )
    all_tenants_allowed = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_meters(parser)
        parser.add_argument(
            "--start", type=moment, help="date (00:00 UTC) or time with offset, included"
        )
        parser.add_argument("--end", type=moment, help="date or time with offset, excluded")
        parser.add_argument(
            "--file", type=Path, help="a JSON file in the upstream's shape, or a CSV or XLSX file"
        )
        parser.add_argument(
            "--register",
            action="store_true",
            help="with --file: make meters that it names and the tenant does not have",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="do everything, then keep nothing"
        )
        add_file_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["start"] and options["end"] and options["start"] >= options["end"]:
            raise CommandError("--end must lie after --start.")
        if options["register"] and not options["file"]:
            raise CommandError("--register goes with --file.")
        if not options["file"] and (said := said_of_tables(options)):
            raise CommandError(f"{said[0]} goes with --file.")
        if options["file"] and options.get("all_tenants"):
            raise CommandError("--file goes with --tenant: its readings belong to one tenant.")
        if options["file"] and len(options["meter"]) > 1:
            raise CommandError("With --file, name one --meter at most.")
        self.closing = Closing(dry_run=options["dry_run"])
        self.unknown = set(options["meter"])
        try:
            super().handle(*args, **options)
        except KeyboardInterrupt:
            self.closing.write(self.stdout, self.stderr)
            raise CommandError(
                "Broken off by hand. What was stored stays.", returncode=130
            ) from None
        except CommandError:
            # One tenant could not be worked in; what the others got is told all the same.
            self.closing.write(self.stdout, self.stderr)
            raise
        if options.get("all_tenants") and self.unknown:
            listed = ", ".join(sorted(map(str, self.unknown)))
            self.closing.errors.append(f"No tenant has a meter with a source that is {listed}.")
        self.closing.write(self.stdout, self.stderr)
        if self.closing.failed:
            raise CommandError("Not everything was ingested; what failed is told above.")

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        if options["file"]:
            self.store_file(tenant, options)
            return
        for source, only in self.chosen(tenant, options):
            began = time.perf_counter()
            with Display(f"{tenant.slug} · {source.name}", self.stderr) as display:
                result = self.run(source, only, options, display)
            if result is not None:
                seconds = time.perf_counter() - began
                self.closing.told.append(Told(tenant.slug, source.name, result, seconds))

    def chosen(
        self, tenant: Tenant, options: dict[str, Any]
    ) -> Iterator[tuple[Source, Sequence[UUID]]]:
        """Find the sources to ask, and which of their meters; none where it is all of them."""
        wanted = options["meter"]
        feeds = Feed.objects.filter(meter__muid__in=wanted) if wanted else _usual_feeds()
        by_source: dict[int, list[UUID]] = {}
        for source, muid in feeds.order_by("pk").values_list("source_id", "meter__muid"):
            by_source.setdefault(source, []).append(muid)
        found = {muid for muids in by_source.values() for muid in muids}
        self.unknown -= found
        if not options.get("all_tenants"):
            for muid in wanted:
                if muid not in found:
                    _complain(muid, tenant)
            if not by_source:
                raise CommandError(
                    f"{tenant.name} has no meter with a source. Add a source and its meters in the "
                    "admin, or store a file with --file."
                )
        for source in Source.objects.filter(pk__in=by_source).order_by("name"):
            yield source, by_source[source.pk] if wanted else ()

    def run(
        self, source: Source, only: Sequence[UUID], options: dict[str, Any], display: Display
    ) -> RunResult | None:
        start, stop = options["start"], options["end"]
        if options["dry_run"]:
            return rehearse_run(
                source=source, only=only, start=start, stop=stop, progress=display.show
            )
        planned = plan_run(
            source=source, trigger=Run.Trigger.COMMAND, only=only, start=start, stop=stop
        )
        try:
            result = execute_run(planned, worker=worker_name(), progress=display.show)
        except LostLeaseError as error:
            self.closing.errors.append(str(error))
            return None
        if result is None:
            self.stderr.write(f"Run {planned.pk} has been taken up by a worker of the queue.")
        return result

    def store_file(self, tenant: Tenant, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        muid = options["meter"][0] if options["meter"] else None
        began = time.perf_counter()
        with _words_about(path):
            data = path.read_bytes()
            opened = open_file(
                data, separator=SEPARATORS.get(options["separator"]), sheet=options["sheet"]
            )
            plan = self.plan(opened, options, muid, f"{tenant.slug} · {path.name}")
            asked = asked_of(muid, options["start"], options["end"])
            brought = take_out(opened, plan, asked)
            for words in brought.remarks:
                self.stderr.write(f"{tenant.slug} · {path.name}: {words}")
        result = take_in(
            Delivery(
                brought.parsed,
                brought.raw,
                name=path.name,
                size=len(data),
                asked=brought.asked,
                only=muid,
                start=options["start"],
                stop=options["end"],
                register_zone=tenant.timezone if options["register"] else None,
            ),
            worker=worker_name(),
            keep=not options["dry_run"],
        )
        seconds = time.perf_counter() - began
        self.closing.told.append(Told(tenant.slug, path.name, result, seconds))

    def plan(
        self, opened: Opened, options: dict[str, Any], muid: UUID | None, title: str
    ) -> Plan | None:
        """Settle how a table is read, and say what was assumed; JSON needs nothing of that."""
        if opened.kind is Kind.JSON or opened.table is None:
            if said := said_of_tables(options):
                raise CommandError(f"{said[0]} goes with CSV and XLSX; this file is JSON.")
            return None
        wishes = replace(wishes_of(options), muid=muid, names=names_of_meters())
        proposal = propose(opened.table, wishes)
        for words in proposal.assumed:
            self.stderr.write(f"{title}: {words}")
        return proposal.settled()


def _usual_feeds() -> Any:
    """Choose what the schedule would ask, too."""
    return Feed.objects.filter(is_active=True, source__is_active=True)


def _complain(muid: UUID, tenant: Tenant) -> None:
    if Meter.objects.filter(muid=muid).exists():
        raise CommandError(f"The meter {muid} has no source. Give it one in the admin.")
    raise CommandError(f"{tenant.name} has no meter {muid}.")


@contextmanager
def _words_about(path: Path) -> Iterator[None]:
    """Say in words why a file can't be used."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from None
    except DoorError as error:
        raise CommandError(f"{path}: {error}") from None
