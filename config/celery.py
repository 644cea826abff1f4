"""The queue: `celery -A config.celery worker` and `celery -A config.celery beat`."""

import os

import structlog
from celery.signals import setup_logging
from tenant_schemas_celery.app import CeleryApp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Queue(CeleryApp):  # type: ignore[misc]
    # Each task checks that it runs in the tenant it was sent from.
    task_cls = "tenants.tasks:TenantTask"


app = Queue("lastgang")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_kwargs: object) -> None:
    """Leave logging as the settings made it: Celery would replace it."""
    structlog.get_logger(__name__).debug("logging is configured")
