"""Content types, remembered for each schema apart."""

from typing import Any

from django.contrib.contenttypes.models import ContentTypeManager
from django.db import connections

# What the manager keeps: a database's alias to its content types.
Remembered = dict[Any, dict[Any, Any]]


class CacheOfSchema:
    """The manager's cache as the current schema sees it."""

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered

    def _key(self, alias: str) -> tuple[str, str]:
        return alias, connections[alias].schema_name  # type: ignore[attr-defined]

    def __getitem__(self, alias: str) -> dict[Any, Any]:
        return self._remembered[self._key(alias)]

    def setdefault(self, alias: str, default: dict[Any, Any]) -> dict[Any, Any]:
        return self._remembered.setdefault(self._key(alias), default)

    def clear(self) -> None:
        # All of it: a connection that is just being made has no schema to ask for yet.
        self._remembered.clear()


def _get(manager: ContentTypeManager) -> CacheOfSchema:
    return CacheOfSchema(manager.__dict__["_cache"])


def _set(manager: ContentTypeManager, remembered: Remembered) -> None:
    manager.__dict__["_cache"] = remembered


def remember_by_schema() -> None:
    """Have the manager of content types remember them for each schema apart.

    Its cache is one for all threads of a process, while a content type has another number in each
    schema. django-tenants clears it whenever a connection enters a tenant, which helps one thread
    alone: of two that serve two tenants side by side, one gets the other's numbers, and the admin
    would log a change under the wrong model.
    """
    ContentTypeManager._cache = property(_get, _set)  # type: ignore[attr-defined]  # noqa: SLF001
