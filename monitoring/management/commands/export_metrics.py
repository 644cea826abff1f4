"""`manage.py export_metrics`: tell Prometheus how the whole installation is."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.process_collector import ProcessCollector

from config.metrics import serve_metrics
from monitoring.exporting import InstallationCollector
from monitoring.lookout import Lookout


class Command(BaseCommand):
    help = (
        "Tell Prometheus how each tenant and the queue are, at METRICS_PORT, until stopped. One "
        "for the installation; see docs/observability.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, help="instead of METRICS_PORT")
        parser.add_argument("--once", action="store_true", help="print what there is, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        registry = CollectorRegistry()
        if options["once"]:
            registry.register(InstallationCollector())
            self.stdout.write(generate_latest(registry).decode(), ending="")
            return
        port = options["port"] or settings.METRICS_PORT
        if not port:
            raise CommandError("Say where to serve: METRICS_PORT, or --port.")
        lookout = Lookout()
        registry.register(InstallationCollector(lookout.look))
        ProcessCollector(registry=registry)
        # Blocked before there are threads, so that none but this one gets them.
        ending = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ending)
        try:
            serve_metrics(registry, port)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Metrics are told at port {port}.")
        ended = signal.sigwait(ending)
        lookout.close()
        self.stdout.write(f"Stopped by {signal.Signals(ended).name}.")
