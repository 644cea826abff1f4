"""Queries that every request asks: their SQL is made once in a process."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


class CompiledQuery(Generic[M]):
    """A query with one parameter; `select_related` and what is annotated are understood.

    `prefetch_related` is not. It is asked where its model is read at the moment (`config.reading`).

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
        sql, made, model = self._compiled
        with connections[router.db_for_read(model)].cursor() as cursor:
            cursor.execute(sql, [parameter])
            return [made(row) for row in cursor.fetchall()]

    @cached_property
    def _compiled(self) -> tuple[str, Callable[[Any], M], type[M]]:
        compiler: Any = self._example().query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        select, info = compiler.select, compiler.klass_info
        if len(parameters) != 1 or compiler.get_converters([column for column, *_ in select]):
            raise TypeError(f"Not a query of one parameter and of plain columns: {sql}")
        model, fields = info["model"], info["select_fields"]
        columns = slice(fields[0], fields[-1] + 1)
        names = [column.target.attname for column, *_ in select[columns]]
        populators: Any = get_related_populators
        joined = populators(info, select, DEFAULT_DB_ALIAS)
        annotated = compiler.annotation_col_map.items()

        def made(row: Any) -> M:
            found: M = model.from_db(DEFAULT_DB_ALIAS, names, row[columns])
            for one in joined:
                one.populate(row, found)
            for name, place in annotated:
                setattr(found, name, row[place])
            return found

        return sql, made, model
