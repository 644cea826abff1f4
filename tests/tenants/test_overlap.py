"""Processes of the version before go on beside the new ones while a release is rolled out."""

from functools import cache
from typing import Any

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState, StateApps
from django.db.models.functions import Now

from tenants.schema import in_public
from tests.conftest import Customer
from tests.tenants import overlap
from tests.tenants.overlap import EXCUSED, OWN, findings, later, state_before, version_before
from tests.tenants.rehearsal import breaks


@cache
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def test_no_migration_takes_away_what_the_version_before_uses() -> None:
    found = [
        one
        for node in later(loader())
        for one in findings(loader().graph.nodes[node], state_before(loader(), node))
    ]
    assert [str(one) for one in found if one.key not in EXCUSED] == []
    assert EXCUSED.keys() - {one.key for one in found} == set(), "excused for nothing"


@cache
def models_before(app: str) -> StateApps:
    return loader().project_state(version_before(loader(), app)).apps


@pytest.mark.parametrize("app", OWN)
def test_the_models_of_before_work_on_the_tables_of_now(app: str, acme: Customer) -> None:
    with in_public() if app == "tenants" else acme.tenant.entered():
        assert breaks(models_before(app), app) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ADD COLUMN extra integer NOT NULL", 'null value in column "extra"'),
        ("RENAME COLUMN address TO postal", 'column "address" of relation "meters_site"'),
        ("DROP COLUMN address", 'column "address" of relation "meters_site"'),
        ("ADD CONSTRAINT named CHECK (name = 'Kormoran')", 'violates check constraint "named"'),
    ],
)
def test_a_change_that_the_models_of_before_do_not_bear_is_seen(
    change: str, words: str, in_acme: Customer
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE meters_site {change}")
    assert words in "".join(breaks(models_before("meters"), "meters"))


def _look(*changes: Operation) -> list[tuple[str, str]]:
    """Look at a migration that comes after one with this model."""
    before = ProjectState()
    operations.CreateModel(
        "Place",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("name", models.CharField(max_length=100)),
            ("note", models.TextField(null=True)),
            ("size", models.IntegerField(db_default=0)),
        ],
    ).state_forwards("meters", before)
    migration = Migration("0002_changed", "meters")
    migration.operations = list(changes)
    return [(one.what, one.where) for one in findings(migration, before)]


def _add(field: Any) -> Operation:
    return operations.AddField("place", "extra", field)


def _alter(name: str, field: Any) -> Operation:
    return operations.AlterField("place", name, field)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_add(models.IntegerField(default=0)), overlap.MISSING),
        (_add(models.CharField(max_length=9, blank=True)), overlap.MISSING),
        (_add(models.UUIDField(db_default=RandomUUID())), overlap.REWRITES),
        (_add(models.IntegerField(null=True, db_index=True)), overlap.LOCKS),
        (_add(models.ForeignKey("meters.Place", models.CASCADE, null=True)), overlap.LOCKS),
        (_alter("note", models.TextField()), overlap.NARROWER),
        (_alter("name", models.CharField(max_length=50)), overlap.NARROWER),
        (_alter("size", models.BigIntegerField(db_default=0)), overlap.REWRITES),
        (_alter("size", models.IntegerField()), overlap.MISSING),
        (_alter("name", models.CharField(max_length=100, unique=True)), overlap.LOCKS),
        (operations.RemoveField("place", "note"), overlap.TAKES_AWAY),
        (operations.RenameField("place", "note", "notes"), overlap.TAKES_AWAY),
        (operations.RenameModel("Place", "Site"), overlap.TAKES_AWAY),
        (operations.DeleteModel("Place"), overlap.TAKES_AWAY),
        (operations.AlterModelTable("place", "places"), overlap.TAKES_AWAY),
        (operations.AddIndex("place", models.Index(fields=["name"], name="by")), overlap.LOCKS),
        (
            operations.AddConstraint(
                "place", models.CheckConstraint(condition=models.Q(size=0), name="none")
            ),
            overlap.LOCKS,
        ),
        (operations.AlterUniqueTogether("place", {("name", "size")}), overlap.LOCKS),
        (operations.RunSQL("SELECT 1", "SELECT 1"), overlap.OPAQUE),
        (operations.RunPython(_look, _look), overlap.OPAQUE),
        (operations.RunPython(_look), overlap.ONE_WAY),
        (
            operations.SeparateDatabaseAndState([operations.DeleteModel("Place")]),
            overlap.TAKES_AWAY,
        ),
    ],
    ids=lambda one: one.describe() if isinstance(one, Operation) else "",
)
def test_what_harms_the_version_before_is_found(change: Operation, what: str) -> None:
    assert what in [found for found, _ in _look(change)]


@pytest.mark.parametrize(
    "change",
    [
        _add(models.IntegerField(null=True)),
        _add(models.IntegerField(db_default=0)),
        _add(models.DateTimeField(db_default=Now())),
        _alter("name", models.CharField(max_length=200)),
        _alter("name", models.CharField(max_length=100, help_text="Of the place.")),
        AddIndexConcurrently("place", models.Index(fields=["name"], name="by")),
        operations.SeparateDatabaseAndState([], [operations.DeleteModel("Place")]),
    ],
    ids=lambda one: one.describe(),
)
def test_what_does_no_harm_is_let_pass(change: Operation) -> None:
    assert _look(change) == []


def test_nobody_has_used_a_table_of_the_same_migration_and_each_column_counts_alone() -> None:
    made = operations.CreateModel("Tree", [("id", models.BigAutoField(primary_key=True))])
    index = operations.AddIndex("tree", models.Index(fields=["id"], name="by_id"))
    assert _look(made, index) == []
    safe = operations.AddField("place", "other", models.IntegerField(db_default=0))
    assert _look(_add(models.IntegerField(default=0)), safe) == [(overlap.MISSING, "place.extra")]
