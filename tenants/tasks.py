"""The base class of tasks: the one door through which the queue enters a tenant."""

from typing import Any

import structlog
from celery import shared_task
from django.db import connection
from django.utils import timezone
from tenant_schemas_celery.task import TenantTask as LibraryTask

from tenants.schema import current_schema, public_schema

log = structlog.get_logger(__name__)


class NoTenantError(RuntimeError):
    """A task was sent or received without the tenant that it works for."""


class TenantTask(LibraryTask):  # type: ignore[misc]
    """A task that runs in the tenant from which it was sent, and nowhere else.

    The library runs a task without a tenant, or of a tenant that is gone, in public: it looks the
    tenant up in a signal, and Celery logs and forgets what a signal raises. So both ends check:
    `config.celery.Queue`, through which everything is sent, and the task itself before it runs.

    Attributes
    ----------
    operators
        True for the few tasks that work for the installation, not for a tenant.
    """

    abstract = True
    operators = False
    Request = "config.workers:Request"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            # A plain call of a function, made where the caller stands.
            self.check(current_schema())
            return super().__call__(*args, **kwargs)
        schema = self.sent_from()
        self.check(schema)
        if current_schema() != schema:
            raise NoTenantError(
                f"{self.name} was sent by “{schema}”, which can't be entered (the connection is "
                f"in “{current_schema()}”). Nothing was done."
            )
        if getattr(connection.tenant, "is_suspended", False):  # type: ignore[attr-defined]
            # What is to be done stands in the tenant's own tables and is offered again later.
            log.info("left undone: the tenant is suspended", task=self.name)
            return None
        # Not the library's `__call__`, which lays an empty request over the one that is served: a
        # retry could not tell then what it is a retry of.
        return self.run(*args, **kwargs)

    def sent_from(self) -> str | None:
        """Name the schema that the message came from; None where it does not say."""
        headers = self.request.headers or {}
        schema: str | None = headers.get("_schema_name") or self.request.get("_schema_name")
        return schema

    def check(self, schema: str | None) -> None:
        """Refuse a schema that this task does not work for.

        Raises
        ------
        NoTenantError
            A tenant's task without a tenant, or the installation's within one.
        """
        public = public_schema()
        if self.operators and schema != public:
            raise NoTenantError(f"{self.name} works for the installation, not for “{schema}”.")
        if not self.operators and (not schema or schema == public):
            raise NoTenantError(f"{self.name} has no tenant. Send it from within one.")


class OperatorsTask(TenantTask):
    """Works for the installation: it begins in public and enters tenants by itself."""

    abstract = True
    operators = True


@shared_task(name="tenants.upkeep", base=OperatorsTask, expires=3_000)
def upkeep() -> list[str]:
    """Delete the tenants whose grace is over, and have each left one tidied. Runs every hour."""
    # Models: this module is read before there are any.
    from tenants.fanout import in_each_tenant
    from tenants.lifecycle import delete_due

    deleted = delete_due(timezone.now(), by="tenants.upkeep")
    _forget_old()
    in_each_tenant(lambda: tidy.delay())
    return deleted


@shared_task(name="tenants.tidy", expires=3_000)
def tidy() -> int:
    """Remove what is over of signing in from the tenant that the message came from."""
    return _forget_old()


def _forget_old() -> int:
    from accounts.signin import forget_old

    return forget_old(timezone.now())
