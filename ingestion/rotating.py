"""Stored secrets, encrypted anew with the first key of the installation, tenant by tenant."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.apps import apps
from django.db import models, transaction

from accounts.acts import record
from accounts.models import Act
from ingestion.fields import EncryptedTextField, Sealed, UndecryptableError
from tenants.models import Tenant
from tenants.schema import in_public

Became = Literal["renewed", "current", "lost", "none"]
# Rows that are locked, changed and let go at a time.
SLICE = 100


@dataclass(slots=True)
class Rotated:
    """What became of the secrets of a tenant.

    Attributes
    ----------
    renewed
        How many were encrypted anew.
    current
        How many the first key had encrypted already.
    lost
        Whose secrets no key opens. They stay as they are.
    """

    renewed: int
    current: int
    lost: list[str]


def rotate(tenant: Tenant, *, by: str) -> Rotated:
    """Encrypt every secret of a tenant with the first key, a few at a time, and put it on record.

    Beside workers and people at work: each row is locked while it is read and written, and what
    somebody enters meanwhile is encrypted with the first key anyway. Broken off, what is done stays
    done and is on record; the next call finds the rest.
    """
    found = Rotated(0, 0, [])
    try:
        with tenant.entered():
            for model, names in encrypted():
                _rotate_model(model, names, found)
    finally:
        if found.renewed or found.lost:
            words = f"{found.renewed} encrypted anew, {len(found.lost)} that no key opens"
            with in_public():
                record(Act.What.KEYS_ROTATED, tenant.slug, by=by, detail=words)
    return found


def encrypted() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Find every model that holds secrets, and the fields in which it does."""
    for model in apps.get_models():
        fields = model._meta.get_fields()  # noqa: SLF001 - its documented name
        names = [one.name for one in fields if isinstance(one, EncryptedTextField)]
        if names:
            yield model, names


def _rotate_model(model: type[models.Model], names: list[str], found: Rotated) -> None:
    rows = model._base_manager.order_by("pk")  # noqa: SLF001 - its documented name
    last: Any = None
    while True:
        with transaction.atomic():
            rest = rows if last is None else rows.filter(pk__gt=last)
            # No key changes, so that runs may go on referring to the row.
            some = list(rest.select_for_update(no_key=True)[:SLICE])
            # Counted once it is committed.
            done = [(_rotate_row(row, name), row) for row in some for name in names]
        found.renewed += sum(became == "renewed" for became, _ in done)
        found.current += sum(became == "current" for became, _ in done)
        found.lost += [str(row) for became, row in done if became == "lost"]
        if len(some) < SLICE:
            return
        last = some[-1].pk


def _rotate_row(row: models.Model, name: str) -> Became:
    """Encrypt one secret anew, and say what became of it."""
    sealed = row.__dict__[name]
    if not isinstance(sealed, Sealed):
        return "none"
    if sealed.is_current:
        return "current"
    try:
        sealed.open()
    except UndecryptableError:
        return "lost"
    type(row)._base_manager.filter(pk=row.pk).update(**{name: sealed})  # noqa: SLF001 - as above
    return "renewed"
