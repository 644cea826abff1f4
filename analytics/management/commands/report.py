"""`manage.py report`: write the analysis of a meter as one HTML file."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import translation

from analytics.pages.report import report
from meters.models import Meter
from meters.muids import MuidError, read_muid
from meters.obis import ObisCode, ObisError
from tenants.commands import TenantCommand
from tenants.models import Tenant


def _muid(text: str) -> UUID:
    try:
        return read_muid(text)
    except MuidError as error:
        raise ArgumentTypeError(str(error)) from None


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ArgumentTypeError(f"“{text[:40]}” is no date; write 2023-02-01.") from None


def _register(text: str) -> str:
    try:
        return str(ObisCode.parse(text))
    except ObisError as error:
        raise ArgumentTypeError(str(error)) from None


def _language(asked: str | None, tenant: Tenant) -> str:
    """Choose the language of the report; the command itself speaks English."""
    available = [code for code, _name in settings.LANGUAGES]
    return next(
        (one for one in (asked, tenant.language) if one in available), settings.LANGUAGE_CODE
    )


class Command(TenantCommand):
    help = (
        "Write what the analysis of a meter shows as one HTML file that works without the network "
        "and prints well. Without a range it is the last year, or all there is of less."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--meter", metavar="MUID", type=_muid, required=True, help="its meter")
        parser.add_argument("--start", type=_date, help="the first local day")
        parser.add_argument("--end", type=_date, help="the local day after the last one")
        parser.add_argument(
            "--register", metavar="OBIS", type=_register, help="of several, this one"
        )
        parser.add_argument(
            "--language",
            choices=[code for code, _name in settings.LANGUAGES],
            help="of the report; by default the tenant's, else English",
        )
        parser.add_argument(
            "--output",
            metavar="FILE",
            help="where to write it, - for standard output; by default a file here, named by meter "
            "and range",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        start, end = options["start"], options["end"]
        if bool(start) != bool(end):
            raise CommandError("A range has two dates: give --start and --end, or neither.")
        if start and start >= end:
            raise CommandError("--end must lie after --start.")
        super().handle(*args, **options)

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        meter = Meter.objects.all().with_registers().filter(muid=options["meter"]).first()
        if meter is None:
            raise CommandError(f"{tenant.name} has no meter {options['meter']}.")
        names = ("start", "end", "register")
        asked = {name: options[name] for name in names if options[name]}
        with translation.override(_language(options["language"], tenant)):
            found = report(meter, asked, int(time.time()), tenant=tenant.name)
        for words in found.warnings:
            self.stderr.write(words)
        if found.register is None:
            raise CommandError("There are no readings of energy or power in this range to analyse.")
        if options["register"] not in {None, found.register.obis}:
            raise CommandError(
                f"The register {options['register']} can't be analysed in this range; "
                f"{found.register.obis} can."
            )
        if options["output"] == "-":
            self.stdout.write(found.html)
            return
        path = Path(options["output"] or found.name)
        try:
            path.write_text(found.html, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path} can't be written: {error.strerror}.") from None
        self.stdout.write(f"Written to {path}.")
