"""What a migration does to processes of the version before, which run beside the new ones.

Told from the operations of a migration and the states before and after each. It is stricter than
what they need: what is harmless all the same stands in `EXCUSED`, with the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import connection
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import ManyToManyField
from django.db.models.expressions import Value
from django.db.models.functions import Now

from tests.tenants.released import RELEASES

Node = tuple[str, str]

OWN = ("tenants", "accounts", "meters", "ingestion", "notices")

MISSING = "no default in the database"
TAKES_AWAY = "takes away"
NARROWER = "narrower"
REWRITES = "rewrites the table"
LOCKS = "locks the table while it is read"
ONE_WAY = "no way back"
OPAQUE = "can't be seen through"

EARLY = "No release came before it: nobody runs a version that does not know it."
# (app, migration, what is found, where): why it does no harm. What is found no longer is taken out.
EXCUSED: dict[tuple[str, str, str, str], str] = {
    ("tenants", "0002_upstream_turns", OPAQUE, "SQL"): "Its table is made by the same migration.",
    ("accounts", "0002_scopes_and_origins", OPAQUE, "what_their_person_could_use"): EARLY,
    ("accounts", "0002_scopes_and_origins", LOCKS, "apitoken.parent"): EARLY,
    ("accounts", "0002_scopes_and_origins", MISSING, "apitoken.for_browser"): EARLY,
    ("accounts", "0002_scopes_and_origins", MISSING, "apitoken.origins"): EARLY,
    ("accounts", "0002_scopes_and_origins", MISSING, "apitoken.scopes"): EARLY,
    ("meters", "0002_daily_profile_storage", OPAQUE, "SQL"): EARLY,
    ("ingestion", "0002_brought_runs", MISSING, "run.name"): EARLY,
    ("ingestion", "0002_brought_runs", MISSING, "run.person"): EARLY,
    ("ingestion", "0005_corrections_by_hand", LOCKS, "readingrevision.author"): EARLY,
    (
        "ingestion",
        "0006_the_queue",
        LOCKS,
        "run run_open",
    ): "It holds open runs alone, which are few.",
    ("ingestion", "0007_retention", LOCKS, "rejectedreading rejected_latest"): EARLY,
    ("ingestion", "0009_erased_meters_recognised", LOCKS, "erasure.digest"): EARLY,
    ("ingestion", "0009_erased_meters_recognised", MISSING, "erasure.digest"): EARLY,
}

# Nothing of them reaches the database, or nothing that the version before would notice.
HARMLESS: tuple[type[Operation], ...] = (
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    operations.RemoveIndex,
    operations.RemoveConstraint,
    operations.RenameIndex,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    AddConstraintNotValid,
    ValidateConstraint,
)
TAKING: tuple[type[Operation], ...] = (
    operations.RemoveField,
    operations.RenameField,
    operations.DeleteModel,
    operations.RenameModel,
    operations.AlterModelTable,
    operations.AlterOrderWithRespectTo,
)
READING: tuple[type[Operation], ...] = (
    operations.AddIndex,
    operations.AddConstraint,
    operations.AlterUniqueTogether,
    operations.AlterIndexTogether,
)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that may break or stop the version before."""

    app: str
    migration: str
    what: str
    where: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.app, self.migration, self.what, self.where

    def __str__(self) -> str:
        return f"{self.app}.{self.migration}: {self.where}: {self.what}"


def boundary(loader: MigrationLoader) -> dict[str, str]:
    """Name the last migration of each app that is history, and not looked at."""
    first = {app: loader.graph.root_nodes(app)[0][1] for app in OWN}
    return first | (list(RELEASES.values())[-1] if RELEASES else {})


def later(loader: MigrationLoader) -> list[Node]:
    """List the migrations behind the boundary, each after what it needs."""
    found = []
    for app, last in boundary(loader).items():
        history = set(loader.graph.forwards_plan((app, last)))
        plan = loader.graph.forwards_plan(loader.graph.leaf_nodes(app)[0])
        found += [node for node in plan if node[0] == app and node not in history]
    return found


def version_before(loader: MigrationLoader, app: str) -> Node:
    """Name the last migration of an app that the version before has.

    That is the latest release's. While there is none, it lacks the app's latest migration.
    """
    last: Node = loader.graph.leaf_nodes(app)[0]
    if RELEASES:
        return app, boundary(loader)[app]
    return _parent(loader, last) or last


def state_before(loader: MigrationLoader, node: Node) -> ProjectState:
    """Return the models as they are before a migration: of its app, and of what it rests on."""
    parent = _parent(loader, node)
    assert parent is not None, f"{node} is the first migration of its app"
    state: ProjectState = loader.project_state(parent)
    return state


def _parent(loader: MigrationLoader, node: Node) -> Node | None:
    parents = (parent.key for parent in loader.graph.node_map[node].parents)
    return next((key for key in parents if key[0] == node[0]), None)


def findings(migration: Migration, before: ProjectState) -> list[Finding]:
    """Find what a migration does that processes of the version before can't do with."""
    look = _Look(migration.app_label, before.clone())
    for operation in migration.operations:
        look.at(operation)
    return sorted(
        Finding(migration.app_label, migration.name, what, where) for what, where in look.found
    )


@dataclass(slots=True)
class _Look:
    """One migration, looked through operation by operation."""

    app: str
    state: ProjectState
    # Models of this migration: nobody has used their tables yet.
    fresh: set[str] = field(default_factory=set)
    found: list[tuple[str, str]] = field(default_factory=list)

    def at(self, operation: Operation) -> None:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            # What happens to the state alone is how the code is weaned from a column.
            after = self.state.clone()
            operation.state_forwards(self.app, after)
            for one in operation.database_operations:
                self.at(one)
            self.state = after
            return
        old = self._field(operation)
        operation.state_forwards(self.app, self.state)
        self.found += self._told(operation, old)

    def _told(self, operation: Operation, old: Any) -> Iterator[tuple[str, str]]:
        model = _model(operation)
        if isinstance(operation, operations.CreateModel):
            self.fresh.add(model)
        elif isinstance(operation, (operations.RunPython, operations.RunSQL)):
            name = getattr(getattr(operation, "code", None), "__name__", "SQL")
            yield OPAQUE, name
            if not operation.reversible:
                yield ONE_WAY, name
        elif isinstance(operation, HARMLESS) or model in self.fresh:
            return
        elif isinstance(operation, TAKING):
            yield TAKES_AWAY, _place(model, operation)
        elif isinstance(operation, READING):
            yield LOCKS, _place(model, operation)
        elif isinstance(operation, operations.AddField):
            yield from _added(_place(model, operation), self._field(operation))
        elif isinstance(operation, operations.AlterField):
            yield from _altered(_place(model, operation), old, self._field(operation))
        else:
            yield OPAQUE, f"{model} {type(operation).__name__}".strip()

    def _field(self, operation: Any) -> Any:
        """Find the field that an operation is about, as it is now."""
        model = self.state.models.get((self.app, _model(operation)))
        return model.fields.get(getattr(operation, "name", "")) if model else None


def _added(place: str, new: Any) -> Iterator[tuple[str, str]]:
    if isinstance(new, ManyToManyField):
        return
    if not (new.null or new.has_db_default() or new.generated):
        yield MISSING, place
    if new.generated or (new.has_db_default() and not _is_constant(new.db_default)):
        yield REWRITES, place
    if new.unique or new.db_index:
        yield LOCKS, place


def _altered(place: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    if (old.null and not new.null) or _is_shorter(old, new):
        yield NARROWER, place
    elif _kind(old) != _kind(new):
        yield REWRITES, place
    if old.has_db_default() and not (new.has_db_default() or new.null):
        yield MISSING, place
    if (new.unique and not old.unique) or (new.db_index and not old.db_index):
        yield LOCKS, place


def _model(operation: Any) -> str:
    name = getattr(operation, "model_name", None) or getattr(operation, "name", None) or ""
    return str(name).lower()


def _place(model: str, operation: Any) -> str:
    for name in ("index", "constraint"):
        if hasattr(operation, name):
            return f"{model} {getattr(operation, name).name}"
    part = getattr(operation, "name", None) or getattr(operation, "old_name", "")
    return f"{model}.{part}" if part and part.lower() != model else model


def _is_constant(default: Any) -> bool:
    """Whether the rows that are there get their value without being written."""
    return not hasattr(default, "resolve_expression") or isinstance(default, (Value, Now))


def _is_shorter(old: Any, new: Any) -> bool:
    room, before = getattr(new, "max_length", None), getattr(old, "max_length", None)
    return room is not None and (before is None or room < before)


def _kind(field: Any) -> Any:
    """What the column holds, as far as another would have it written anew."""
    if field.is_relation:
        return str(field.remote_field.model).lower()
    kind = str(field.db_type(connection))
    # Room for more characters costs nothing.
    return "varchar" if kind.startswith("varchar") else kind
