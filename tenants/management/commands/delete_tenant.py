"""`manage.py delete_tenant`: a tenant and everything that it has."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.acts import from_command
from tenants.commands import find_tenant
from tenants.lifecycle import (
    GRACE,
    LifecycleError,
    call_off_deletion,
    delete,
    order_deletion,
)
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Suspend a tenant, and delete it with all that it has once a grace is over."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="NAME", help="short name or domain of the tenant")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--in",
            dest="days",
            type=int,
            default=GRACE.days,
            metavar="DAYS",
            help="the grace [days]",
        )
        what.add_argument("--call-off", action="store_true", help="keep it after all")
        what.add_argument(
            "--now",
            metavar="NAME",
            default="",
            help="delete it at once, if suspended; its short name again, so that no other is meant",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant, by = find_tenant(options["tenant"]), from_command("delete_tenant")
        try:
            self.stdout.write(self._done(tenant, by, options))
        except LifecycleError as error:
            raise CommandError(str(error)) from None

    def _done(self, tenant: Tenant, by: str, options: dict[str, Any]) -> str:
        if options["call_off"]:
            call_off_deletion(tenant, by=by)
            return (
                f"{tenant.slug} is kept. Serve it again with manage.py resume_tenant {tenant.slug}"
            )
        if options["now"]:
            if options["now"] != tenant.slug:
                raise LifecycleError(
                    f"--now names “{options['now']}”, not {tenant.slug}. Nothing was deleted."
                )
            delete(tenant, by=by)
            return f"{tenant.slug} is deleted, with everything that it had."
        if not 1 <= options["days"] <= 3650:
            raise LifecycleError("A grace lasts 1 to 3650 days; --now deletes at once.")
        due = order_deletion(tenant, by=by, grace=timedelta(days=options["days"]))
        return (
            f"{tenant.slug} is suspended, and deleted with everything that it has on "
            f"{due:%Y-%m-%d %H:%M} UTC.\n"
            f"Until then: manage.py export_tenant {tenant.slug} FILE, or keep it with\n"
            f"  manage.py delete_tenant {tenant.slug} --call-off"
        )
