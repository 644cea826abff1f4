"""Work for every tenant, handed out to each."""

from collections.abc import Callable

from tenants.models import Tenant
from tenants.schema import in_public


def in_each_tenant(send: Callable[[], object]) -> int:
    """Send a message from inside each tenant at work, by name; return how many there are.

    Only sent, not done: what takes long in one tenant, or fails there, is no matter of the others.
    """
    with in_public():
        tenants = list(Tenant.objects.at_work())
    for tenant in tenants:
        with tenant.entered():
            send()
    return len(tenants)
