"""What a token may be used for. It bounds what its person may do, and never adds to it."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

if TYPE_CHECKING:
    from accounts.models import User


class Scope(models.TextChoices):
    """One kind of use; a token has one or more of them, and none implies another."""

    READ = "read", gettext_lazy("Read")
    PUSH = "push", gettext_lazy("Push")
    MANAGE = "manage", gettext_lazy("Manage")


MEANINGS: dict[Scope, str] = {
    Scope.READ: gettext_noop("look at meters, readings and the record of work"),
    Scope.PUSH: gettext_noop("send readings"),
    Scope.MANAGE: gettext_noop("change everything else: corrections, erasure, settings"),
}

# Whoever may add runs may send readings, by page and by program.
PUSHES = "ingestion.add_run"


def every_scope() -> list[str]:
    return list(Scope.values)


def ordered(scopes: Collection[str]) -> list[Scope]:
    """Return the scopes once each, in the order in which they are always told.

    Raises
    ------
    ValueError
        One of them is none.
    """
    for one in scopes:
        if one not in Scope.values:
            words = _("“{scope}” is not a scope; there are {known}.")
            raise ValueError(words.format(scope=one[:40], known=", ".join(Scope.values)))
    return [scope for scope in Scope if scope in scopes]


def scopes_of(person: "User") -> list[Scope]:
    """Return the scopes that a person could make any use of."""
    found = [Scope.READ]
    if person.has_perm(PUSHES):
        found.append(Scope.PUSH)
    if person.is_staff or person.get_all_permissions():
        found.append(Scope.MANAGE)
    return found
