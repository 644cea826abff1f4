"""The database backend: django-tenants', with nothing that falls through to public.

Tried with the library's default search path (`tenant, public`): where a tenant lacked a table of
its own, say after a migration that failed half-way, it silently read and wrote public's.
"""

from typing import Any

from django_tenants.postgresql_backend import base

from tenants.postgresql.schema import SchemaEditor


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]
    """Search the tenant's schema alone, whoever asks for more.

    The middleware, `schema_context`, the migrations and the Celery integration each call
    `set_tenant` in their own way, some asking for public as well. Here is the one place that they
    all go through.

    Attributes
    ----------
    lock_patience
        How long a change of tables waits for a lock [ms]; 0 is for ever. See `tenants.patience`.
    """

    SchemaEditorClass = SchemaEditor
    lock_patience = 0

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        super().set_tenant(tenant, include_public=False)
