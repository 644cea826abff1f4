"""Addresses of a tenant's pages, for what leaves the product: mails and messages."""

from config.addresses import public_address
from tenants.models import Tenant
from tenants.schema import in_public


def tenant_domain(tenant: Tenant) -> str:
    """Name the domain that a tenant is known by: its primary one."""
    with in_public():
        domains = tenant.domains.order_by("-is_primary", "domain")
        return str(domains.values_list("domain", flat=True).first() or "")


def tenant_address(tenant: Tenant) -> str:
    """Return where a tenant's pages begin, without a slash at the end."""
    return public_address(tenant_domain(tenant))
