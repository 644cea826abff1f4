"""The models of an earlier version, at work on the tables as they are now."""

import itertools
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import DatabaseError, models, transaction
from django.db.migrations.state import StateApps

Model = type[models.Model]

_numbers = itertools.count(70_001)
NOW = datetime(2024, 3, 1, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "BooleanField": True,
    "BinaryField": b"x",
    "DateField": date(2024, 3, 1),
    "DateTimeField": NOW,
    "EncryptedTextField": "x",
    "FloatField": 1.0,
    "JSONField": {},
    "TextField": "x",
}
# What constraints ask for that can't be told from a field; None is any value.
FITTING: dict[tuple[str, str], dict[str, Any]] = {
    ("meters", "dailyprofile"): {"values": [1.0], "quality": 1, "count": 1, "interval": 900},
    ("ingestion", "gap"): {"start": NOW, "stop": NOW + timedelta(hours=1)},
    ("notices", "trouble"): {"kind": "silent", "meter": None},
}


def breaks(apps: StateApps, app: str) -> list[str]:
    """Insert, read, update and delete a row of each model of an app; return what goes wrong."""
    found = []
    for model in sorted(apps.all_models[app].values(), key=lambda one: one.__name__):
        if model._meta.managed and not model._meta.proxy and not model._meta.auto_created:
            try:
                with transaction.atomic():
                    _use(model)
            except DatabaseError as error:
                found.append(f"{model._meta.label}: {str(error).splitlines()[0]}")
    return found


def _use(model: Model) -> None:
    rows = model._default_manager
    made = insert(model)
    read = rows.get(pk=made.pk)
    # All columns that this version knows of.
    read.save(force_update=True)
    assert rows.filter(pk=read.pk).delete()[0] >= 1


def insert(model: Model) -> Any:
    """Insert a row in which everything has a value that has to have one."""
    given = dict(FITTING.get((model._meta.app_label, model._meta.model_name or ""), {}))
    for field in model._meta.concrete_fields:
        if given.get(field.name, field) is None or (
            field.name not in given and _has_to_have(field)
        ):
            given[field.name] = _value(field)
    made = model(**given)
    made.save(force_insert=True)
    return made


def _has_to_have(field: Any) -> bool:
    return not (
        isinstance(field, (models.AutoField, models.CompositePrimaryKey))
        or field.generated
        or field.null
        or (field.has_default() and not field.unique)
        or field.has_db_default()
    )


def _value(field: Any) -> Any:
    kind = field.get_internal_type()
    if field.is_relation:
        return insert(field.related_model)
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, ArrayField):
        return []
    if kind == "UUIDField":
        return uuid.uuid4()
    if kind in VALUES:
        return VALUES[kind]
    number = next(_numbers)
    return number % 30_000 if "Integer" in kind else f"x{number}"[: field.max_length]
