"""The base class of tasks: the one door through which the queue enters a tenant."""

from typing import Any

from tenant_schemas_celery.task import TenantTask as LibraryTask

from tenants.schema import current_schema, public_schema


class NoTenantError(RuntimeError):
    """A task was sent or received without the tenant that it works for."""


class TenantTask(LibraryTask):  # type: ignore[misc]
    """A task that runs in the tenant from which it was sent, and nowhere else.

    The library runs a task without a tenant, or of a tenant that is gone, in public: it looks the
    tenant up in a signal, and Celery logs and forgets what a signal raises. So both ends check.

    Attributes
    ----------
    operators
        True for the few tasks that work for the installation, not for a tenant.
    """

    abstract = True
    operators = False

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        headers = kwargs.get("headers") or {}
        self.check(headers.get("_schema_name", current_schema()))
        return super().apply_async(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        headers = self.request.headers or {}
        schema = headers.get("_schema_name") or self.request.get("_schema_name")
        self.check(schema)
        if current_schema() != schema:
            raise NoTenantError(
                f"{self.name} was sent by “{schema}”, which can't be entered (the connection is "
                f"in “{current_schema()}”). Nothing was done."
            )
        return super().__call__(*args, **kwargs)

    def check(self, schema: str | None) -> None:
        public = public_schema()
        if self.operators and schema != public:
            raise NoTenantError(f"{self.name} works for the installation, not for “{schema}”.")
        if not self.operators and (not schema or schema == public):
            raise NoTenantError(f"{self.name} has no tenant. Send it from within one.")
