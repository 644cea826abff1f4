"""The queue: `celery -A config.celery worker` and `celery -A config.celery beat`."""

import os
from typing import Any

import structlog
from celery.signals import setup_logging
from django.db import connection
from tenant_schemas_celery.app import CeleryApp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Queue(CeleryApp):  # type: ignore[misc]
    # Each task checks that it runs in the tenant it was sent from.
    task_cls = "tenants.tasks:TenantTask"

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Send a message, or refuse where the task would have no tenant.

        Everything that is sent passes here: `delay`, chains, retries and the schedule.
        """
        headers = options.get("headers") or {}
        self.tasks[name].check(headers.get("_schema_name", connection.schema_name))  # type: ignore[attr-defined]
        return super().send_task(name, args=args, kwargs=kwargs, **options)


app = Queue("lastgang")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_kwargs: object) -> None:
    """Leave logging as the settings made it: Celery would replace it."""
    structlog.get_logger(__name__).debug("logging is configured")
