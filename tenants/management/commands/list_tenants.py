"""`manage.py list_tenants`: who is served by this installation, and who rests."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from tenants.models import Tenant
from tenants.schema import in_public

SIZES = """
SELECT n.nspname, sum(pg_total_relation_size(c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY(%s) GROUP BY 1
"""


class Command(BaseCommand):
    help = "List the tenants: short name, domain, state and size."

    def handle(self, *args: Any, **options: Any) -> None:
        with in_public():
            tenants = list(Tenant.objects.order_by("schema_name").prefetch_related("domains"))
            with connection.cursor() as cursor:
                cursor.execute(SIZES, [[tenant.schema_name for tenant in tenants]])
                sizes = dict(cursor.fetchall())
        if not tenants:
            self.stdout.write("There is no tenant. Make one with: manage.py create_tenant NAME")
        for tenant in tenants:
            domains = sorted(tenant.domains.all(), key=lambda one: not one.is_primary)
            where = domains[0].domain if domains else "no domain"
            size = float(sizes.get(tenant.schema_name, 0)) / 1e6
            self.stdout.write(
                f"{tenant.slug:24} {where:40} {size:>10,.1f} MB  {tenant.state_in_words}"
            )
