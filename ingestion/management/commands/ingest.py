"""`manage.py ingest`: pull readings of meters, or store a file of them."""

import sys
import time
from argparse import ArgumentParser
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.core.management.base import CommandError
from django.db import transaction
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ingestion.lease import worker_name
from ingestion.models import Feed, Run, Source
from ingestion.parsing import PayloadError, rows_of
from ingestion.services import MeterResult, RunResult, execute_run, ingest_rows, plan_run
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
        parser.add_argument("--meter", metavar="MUID", action="append", type=_uuid, default=[])
        parser.add_argument(
            "--start", type=_moment, help="date (00:00 UTC) or time with offset, included"
        )
        parser.add_argument("--end", type=_moment, help="date or time with offset, excluded")
        parser.add_argument("--file", type=Path, help="a JSON file in the upstream's shape")
        parser.add_argument(
            "--register",
            action="store_true",
            help="with --file: make meters that it names and the tenant does not have",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="do everything, then keep nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["start"] and options["end"] and options["start"] >= options["end"]:
            raise CommandError("--end must lie after --start.")
        if options["register"] and not options["file"]:
            raise CommandError("--register goes with --file.")
        self.results: list[tuple[Tenant, RunResult, float]] = []
        super().handle(*args, **options)
        self.print_table()
        if any(result.failed for _, result, _ in self.results):
            sys.exit(1)

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        if not options["dry_run"]:
            self.ingest(tenant, options)
            return
        with transaction.atomic():
            self.ingest(tenant, options)
            transaction.set_rollback(True)

    def ingest(self, tenant: Tenant, options: dict[str, Any]) -> None:
        if options["file"]:
            self.ingest_file(tenant, options)
            return
        feeds = Feed.objects.select_related("source")
        if options["meter"]:
            feeds = feeds.filter(meter__muid__in=options["meter"])
            known = set(feeds.values_list("meter__muid", flat=True))
            for muid in options["meter"]:
                if muid not in known:
                    self.complain_about(muid, tenant)
        sources = Source.objects.filter(pk__in=feeds.values("source")).order_by("name")
        if not sources and not options.get("all_tenants"):
            raise CommandError(
                f"{tenant.name} has no meter with a source. Add a source and its meters in the "
                "admin, or store a file with --file."
            )
        for source in sources:
            run = plan_run(
                source=source,
                trigger=Run.Trigger.COMMAND,
                only=[
                    muid
                    for muid in options["meter"]
                    if feeds.filter(source=source, meter__muid=muid).exists()
                ],
                start=options["start"],
                stop=options["end"],
            )
            began = time.perf_counter()
            with _Display(f"{tenant.slug} · {source.name}", self) as display:
                result = execute_run(run, worker=worker_name(), progress=display.show)
            if result is None:
                self.stderr.write(f"Run {run.pk} has been taken up by a worker of the queue.")
                continue
            self.results.append((tenant, result, time.perf_counter() - began))

    def complain_about(self, muid: UUID, tenant: Tenant) -> None:
        if Meter.objects.filter(muid=muid).exists():
            raise CommandError(f"The meter {muid} has no source. Give it one in the admin.")
        raise CommandError(f"{tenant.name} has no meter {muid}.")

    def ingest_file(self, tenant: Tenant, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        try:
            rows = rows_of(orjson.loads(path.read_bytes()))
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from None
        except orjson.JSONDecodeError as error:
            raise CommandError(f"{path} is not JSON: {error}.") from None
        except PayloadError as error:
            raise CommandError(f"{path}: {error}") from None
        if len(options["meter"]) > 1:
            raise CommandError("With --file, name one --meter at most.")
        began = time.perf_counter()
        result = ingest_rows(
            rows,
            muid=options["meter"][0] if options["meter"] else None,
            start=options["start"],
            stop=options["end"],
            register_meters=options["register"],
            timezone_name=tenant.timezone,
        )
        self.results.append((tenant, result, time.perf_counter() - began))

    def print_table(self) -> None:
        """Close with what each meter got, and why what failed has failed."""
        console = Console(file=self.stdout, highlight=False, soft_wrap=True)  # type: ignore[arg-type]
        table = Table(box=None, pad_edge=False)
        for title in ("tenant", "meter"):
            table.add_column(title, overflow="fold")
        for title in ("new", "corrected", "unchanged", "rejected", "seconds", "readings/s"):
            table.add_column(title, justify="right")
        for tenant, result, seconds in self.results:
            for meter in result.meters:
                table.add_row(tenant.slug, meter.name, *_figures(meter.counts))
            rate = result.counts.total / seconds if seconds else 0.0
            table.add_row(
                tenant.slug,
                f"{len(result.meters)} meters, run {result.run.pk}",
                *_figures(result.counts),
                f"{seconds:.2f}",
                f"{rate:,.0f}",
                style="bold",
            )
        console.print(table)
        for tenant, result, _ in self.results:
            for meter in result.meters:
                for text in (*meter.warnings, meter.error):
                    if text:
                        self.stderr.write(f"{tenant.slug} · {meter.name}: {text}")
            if result.run.error and not any(meter.error for meter in result.meters):
                self.stderr.write(f"{tenant.slug}: {result.run.error}")


class _Display:
    """Progress: a bar on a terminal, a line for each meter elsewhere."""

    def __init__(self, title: str, command: Command) -> None:
        self.title, self.command = title, command
        self.bar: Progress | None = None
        self.told: set[UUID] = set()

    def __enter__(self) -> "_Display":
        if sys.stderr.isatty():
            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %  {task.fields[readings]:,} readings"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
            )
            self.bar.start()
            self.task = self.bar.add_task(self.title, total=1.0, readings=0)
            self.readings: dict[UUID, int] = {}
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.bar:
            self.bar.stop()

    def show(self, result: MeterResult, share: float) -> None:
        if self.bar:
            self.readings[result.muid] = result.counts.total
            self.bar.update(self.task, completed=share, readings=sum(self.readings.values()))
        elif share >= 0 and result.muid not in self.told and not result.error:
            self.told.add(result.muid)
            self.command.stderr.write(f"{self.title}: {result.name} … {share:.0%}")


def _figures(counts: Any) -> list[str]:
    return [
        f"{number:,}"
        for number in (counts.new, counts.corrected, counts.unchanged, counts.rejected)
    ]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(
            f"--meter {text}: not a MUID, such as 95ce3367-cbce-4a4d-bbe3-da082831d7bd."
        ) from None


def _moment(text: str) -> datetime:
    """Read a date, which stands for 00:00 UTC, or a time that carries its offset."""
    try:
        if len(text) == 10:
            return datetime.fromisoformat(f"{date.fromisoformat(text)}T00:00:00+00:00")
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"“{text}” is no date or time; write 2023-02-01.") from None
    if moment.tzinfo is None:
        raise CommandError(
            f"“{text}” names no instant: add an offset, as in {text}+01:00 or {text}Z."
        )
    return moment
