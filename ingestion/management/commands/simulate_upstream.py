"""`manage.py simulate_upstream`: an upstream metering API on this machine."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingestion.simulator import cli


class Command(BaseCommand):
    """Serve the upstream's contract from recordings and synthetic meters until stopped."""

    help = "Serve the upstream's contract from recordings and synthetic meters until stopped."
    # No database is needed, so none of the checks that look at it.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            cli.run(options, self._say)
        except cli.CannotServeError as error:
            raise CommandError(str(error)) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        # A process manager reads through a pipe, where lines would wait for a full block.
        self.stdout.flush()
