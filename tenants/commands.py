"""The base of commands that work inside tenants: the one door through which they enter."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts.models import User
from tenants.models import Tenant
from tenants.schema import in_public


def find_tenant(name: str) -> Tenant:
    """Find a tenant by short name or domain, or say which there are."""
    with in_public():
        try:
            return Tenant.objects.named(name)
        except Tenant.DoesNotExist:
            some = Tenant.objects.order_by("schema_name")[:20]
            known = ", ".join(tenant.slug for tenant in some)
        raise CommandError(
            f"There is no tenant “{name}”. "
            + (f"There are: {known}." if known else "Make one with: manage.py create_tenant NAME")
        ) from None


class TenantCommand(BaseCommand):
    """Run `handle_tenant` inside the tenant named by ``--tenant``, or in each of them."""

    all_tenants_allowed = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--tenant", metavar="NAME", help="short name or domain of the tenant")
        if self.all_tenants_allowed:
            which.add_argument(
                "--all-tenants", action="store_true", help="every tenant at work, in turn"
            )

    def tenants(self, options: dict[str, Any]) -> list[Tenant]:
        if options.get("all_tenants"):
            with in_public():
                return list(Tenant.objects.at_work())
        return [find_tenant(options["tenant"])]

    def handle(self, *args: Any, **options: Any) -> None:
        chosen, failed = self.tenants(options), []
        for tenant in chosen:
            try:
                with tenant.entered():
                    self.handle_tenant(tenant, options)
            except (CommandError, DatabaseError) as error:
                if len(chosen) == 1:
                    raise
                # One tenant's trouble is no reason to leave out those after it.
                self.stderr.write(f"{tenant.slug}: {error}")
                failed.append(tenant.slug)
        if failed:
            raise CommandError(f"Not done for {', '.join(failed)}; done for the other tenants.")

    def handle_tenant(self, tenant: Tenant, options: dict[str, Any]) -> None:
        raise CommandError(f"{type(self).__module__} does nothing for {tenant}.")


@contextmanager
def where_people_are(options: dict[str, Any]) -> Iterator[str]:
    """Enter the schema whose people the options name; yield whose they are, in words."""
    if options["operators"]:
        with in_public():
            yield "the operators"
        return
    tenant = find_tenant(options["tenant"])
    with tenant.entered():
        yield tenant.name


@contextmanager
def account(options: dict[str, Any]) -> Iterator[User]:
    """Enter the schema of the person that the options name, and find the account."""
    with where_people_are(options) as where:
        yield find_person(options["email"], where)


def find_person(email: str, where: str) -> User:
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist:
        raise CommandError(f"Nobody among {where} signs in as {email}.") from None


class PeopleCommand(BaseCommand):
    """A command about people of a tenant, or about operators in public."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--tenant", metavar="NAME", help="the person belongs to this tenant")
        which.add_argument(
            "--operators", action="store_true", help="the person operates the installation"
        )


class AccountCommand(PeopleCommand):
    """A command about one person's account."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", help="the address the person signs in with")
