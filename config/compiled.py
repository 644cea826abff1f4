"""Queries that every request asks: their SQL is made once in a process."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


class CompiledQuery(Generic[M]):
    """A query with one parameter; `select_related` is understood, `prefetch_related` is not.

    Django takes three times as long to write the SQL of a join as PostgreSQL to answer it. What is
    kept is that text alone: it names no schema, so each time the connection's cursor decides whose
    rows it is about.

    Parameters
    ----------
    example
        Makes the query with some value for the parameter.
    """

    def __init__(self, example: Callable[[], QuerySet[M]]) -> None:
        self._example = example

    def __call__(self, parameter: str | UUID) -> list[M]:
        """Ask with a value, of the type that the column holds."""
        sql, made = self._compiled
        with connection.cursor() as cursor:
            cursor.execute(sql, [parameter])
            return [made(row) for row in cursor.fetchall()]

    @cached_property
    def _compiled(self) -> tuple[str, Callable[[Any], M]]:
        compiler: Any = self._example().query.get_compiler(connection.alias)
        sql, parameters = compiler.as_sql()
        select, info = compiler.select, compiler.klass_info
        if len(parameters) != 1 or compiler.get_converters([column for column, *_ in select]):
            raise TypeError(f"Not a query of one parameter and of plain columns: {sql}")
        model, fields = info["model"], info["select_fields"]
        columns = slice(fields[0], fields[-1] + 1)
        names = [column.target.attname for column, *_ in select[columns]]
        populators: Any = get_related_populators
        joined = populators(info, select, connection.alias)

        def made(row: Any) -> M:
            found: M = model.from_db(connection.alias, names, row[columns])
            for one in joined:
                one.populate(row, found)
            return found

        return sql, made
