"""What the queue does for notices. A task calls a service; it decides nothing."""

import structlog
from celery import shared_task
from django.db import transaction
from django.utils import timezone

from notices.models import Letter
from notices.sending import send_due
from notices.watching import watch
from tenants.fanout import in_each_tenant
from tenants.models import Tenant
from tenants.tasks import OperatorsTask

log = structlog.get_logger(__name__)


@shared_task(name="notices.watch", base=OperatorsTask, expires=280)
def watch_all() -> int:
    """Have each tenant looked at. Runs every five minutes."""
    return in_each_tenant(lambda: watch_tenant.delay())


@shared_task(name="notices.watch_tenant", expires=280)
def watch_tenant() -> int:
    """Look at the tenant that the message came from, and have due letters sent."""
    now = timezone.now()
    looked = watch(Tenant.objects.here(), now)
    # Also those that an earlier message, lost since, was to send.
    if Letter.objects.due(now).exists():
        transaction.on_commit(lambda: send_letters.delay(), robust=True)
    return looked.open if looked else 0


@shared_task(name="notices.send_letters", expires=280)
def send_letters() -> int:
    """Send the letters that are due in the tenant that the message came from."""
    return send_due(Tenant.objects.here()).sent
