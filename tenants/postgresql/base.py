"""The database backend: django-tenants', with nothing that falls through to public.

Tried with the library's default search path (`tenant, public`): where a tenant lacked a table of
its own, say after a migration that failed half-way, it silently read and wrote public's.
"""

from typing import Any

from django.db import OperationalError
from django_tenants.postgresql_backend import base
from psycopg.pq import TransactionStatus

from tenants.postgresql.pool import Pool
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
    pool_class = Pool
    lock_patience = 0

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        super().set_tenant(tenant, include_public=False)

    def _handle_search_path(self, cursor: Any = None) -> None:
        """Set the search path, or fail.

        The library passes over a failure, since in a transaction that has failed already there is
        one more. Outside of such a transaction the connection would go on in the schema of whoever
        had it before: tried with a cancelled `SET`, a tenant was shown the other's readings.

        Raises
        ------
        OperationalError
            It could not be set, and nothing was asked.
        """
        super()._handle_search_path(cursor)
        if self.search_path_set_schemas or self._setting_search_path:
            return
        if self.connection.info.transaction_status == TransactionStatus.IDLE:
            raise OperationalError(f"The connection can't be brought into {self.schema_name}.")

    @property
    def pool(self) -> Any:
        """The pool of this process, of our own kind; None where there is none."""
        options = self.settings_dict["OPTIONS"].get("pool")
        # Django keeps it, and takes what is there.
        if options and self.alias not in self._connection_pools:
            made = self.pool_class(
                kwargs=self.get_connection_params() | {"autocommit": True},
                open=False,
                configure=self._configure_connection,
                **options,
            )
            self._connection_pools.setdefault(self.alias, made)
        return super().pool
