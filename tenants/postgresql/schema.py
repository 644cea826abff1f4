"""Changes of tables, which wait for a lock no longer than they are told to."""

from typing import Any

from django.db.backends.postgresql.schema import DatabaseSchemaEditor


class SchemaEditor(DatabaseSchemaEditor):
    """Django's, with the connection's patience.

    A change that waits for its lock keeps all who come after it waiting as well, readers too. It is
    better given up soon and tried again. Within a transaction alone: an index that is made
    concurrently keeps nobody waiting, and given up it would be left behind invalid.
    """

    def __enter__(self) -> Any:
        entered = super().__enter__()
        patience = self.connection.lock_patience  # type: ignore[attr-defined]
        if patience and self.atomic_migration and not self.collect_sql:
            with self.connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{patience}ms"])
        return entered
