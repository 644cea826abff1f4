"""Faults that misunderstand the question: parts of it are ignored, or changed in silence."""

from __future__ import annotations

from dataclasses import replace

from ingestion.simulator.contract import DAY, MAX_LIMIT, Query
from ingestion.simulator.faults.kinds import Fault, Parameter, Stage, kind

MEMORY = 400 * DAY
"""How far back [ms] an upstream reaches that ignores `start`; a year and a month stand for all."""


@kind("start-ignored", Stage.QUERY)
def start_ignored(query: Query, fault: Fault, now: int) -> Query:
    """`start` is ignored: readings from before the window come too."""
    return replace(query, start=query.start - MEMORY)


@kind("stop-ignored", Stage.QUERY)
def stop_ignored(query: Query, fault: Fault, now: int) -> Query:
    """`stop` is ignored: everything up to the present comes."""
    return replace(query, stop=max(query.stop, now))


@kind("limit-ignored", Stage.QUERY)
def limit_ignored(query: Query, fault: Fault, now: int) -> Query:
    """`limit` is ignored: all rows of the window come at once."""
    return replace(query, limit=MAX_LIMIT)


@kind("limit-lowered", Stage.QUERY, {"rows": Parameter(50, 1)})
def limit_lowered(query: Query, fault: Fault, now: int) -> Query:
    """The upstream has a lower limit of its own, and says nothing of it."""
    return replace(query, limit=min(query.limit, fault["rows"]))
