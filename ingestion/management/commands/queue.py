"""`manage.py queue`: what waits, what is under way, what was given up; and what to do about it."""

import getpass
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from ingestion import steering
from ingestion.models import Feed, Run, Source
from ingestion.progress import left_in_words, progress_of
from ingestion.tasks import ingest_soon
from tenants.commands import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Say what waits, what is under way and which meters were given up; or pause, resume, "
        "cancel and try again."
    )
    all_tenants_allowed = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--pause", metavar="SOURCE", help="stop the sweeps of a source, by name")
        what.add_argument("--resume", metavar="SOURCE", help="let them go on, and catch up")
        what.add_argument(
            "--cancel", metavar="RUN", type=int, help="end a run; what it stored stays"
        )
        what.add_argument("--retry", metavar="RUN", type=int, help="do again what failed of a run")
        what.add_argument(
            "--retry-meters", action="store_true", help="ask again for meters that were given up"
        )

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        person = f"{getpass.getuser()} (command)"
        try:
            if options["pause"]:
                source = _source(options["pause"])
                steering.pause_source(source=source, person=person)
                self.stdout.write(f"{source.name} is paused. Nothing is lost.")
            elif options["resume"]:
                source = _source(options["resume"])
                steering.resume_source(source=source)
                self.stdout.write(f"{source.name} is swept again, from within a minute on.")
            elif options["cancel"] is not None:
                run = steering.cancel_run(run=_run(options["cancel"]), person=person)
                self.stdout.write(f"{run} is cancelled. What was stored stays.")
            elif options["retry"] is not None:
                again = steering.retry_run(run=_run(options["retry"]))
                ingest_soon([again])
                self.stdout.write(f"{again} does run {options['retry']} again.")
            elif options["retry_meters"]:
                done = steering.retry_meters(feeds=Feed.objects.given_up())
                ingest_soon(list(done.runs))
                self.stdout.write(f"{done.meters:,} meters are asked for again.")
            else:
                self.tell(tenant)
        except steering.SteeringError as error:
            raise CommandError(str(error)) from None

    def tell(self, tenant: Tenant) -> None:
        now = timezone.now()
        runs = Run.objects.filter(state__in=Run.OPEN).select_related("source")
        for run in runs.order_by("queued_at"):
            age = (now - run.queued_at).total_seconds()
            self.stdout.write(
                f"{tenant.slug} · run {run.pk} · {run.origin}: {run.get_state_display()} "
                f"for {age:,.0f} s, {run.readings:,} readings so far{_far(run, now)}"
            )
        for source in Source.objects.filter(is_active=False):
            by = f" by {source.paused_by}" if source.paused_by else ""
            self.stdout.write(f"{tenant.slug} · {source.name}: paused{by}")
        for feed in Feed.objects.given_up().select_related("meter"):
            self.stdout.write(f"{tenant.slug} · {feed.meter}: given up. {feed.last_error}")
        if not runs:
            self.stdout.write(f"{tenant.slug}: nothing waits and nothing is under way.")


def _far(run: Run, now: datetime) -> str:
    progress = progress_of(run, now)
    if progress is None:
        return ""
    left = left_in_words(progress.left)
    return f", {progress.percent} % done" + (f", {left}" if left else "")


def _source(name: str) -> Source:
    try:
        return Source.objects.get(name=name)
    except Source.DoesNotExist:
        known = ", ".join(Source.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no source “{name}”. There are: {known}.") from None


def _run(number: int) -> Run:
    try:
        return Run.objects.get(pk=number)
    except Run.DoesNotExist:
        raise CommandError(f"There is no run {number}.") from None
