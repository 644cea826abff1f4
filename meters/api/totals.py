"""Totals of billing periods, by register."""

import re
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.http import HttpResponse, QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from meters.api import examples
from meters.api.answers import reset_note
from meters.api.bounds import read_range
from meters.api.caching import etag_of_meter, held_or
from meters.api.of_meter import TIMEZONE, MeterView
from meters.api.parameters import Parameters, one_of
from meters.api.query import read_registers
from meters.api.readings_schema import END, REGISTER
from meters.api.totals_schema import (
    DATES,
    EDGES,
    ONE,
    PERIOD,
    PERIODS,
    START,
    TotalsSerializer,
)
from meters.days import Ints
from meters.grid import Grid, Resolution
from meters.models import Register
from meters.ranges import parse_moment
from meters.series import Statistic
from meters.totals import PeriodTotal, RegisterTotals, State, totals
from meters.zones import DAY, Zone, zone

NAMES = ("start", "end", "period", "edges", "timezone", "register")
MOST_EDGES = 500
# As many as readings give at once: periods are put together from days.
MOST_DAYS = 100_000


def read_edges(given: QueryDict, parameters: Parameters, where: Zone, now: int) -> tuple[str, Ints]:
    """Read where periods begin and end: given dates, or the calendar's months.

    Returns
    -------
    The period's name, and the edges [s]. What is wrong is noted with the parameters.
    """
    none: Sequence[int] = ()
    edges = parameters.read_all("edges", _dates(where), none, EDGES)
    if edges or parameters.is_refused("edges"):
        for name in ("start", "end", "period"):
            if given.get(name):
                parameters.refuse(name, f"Give either “edges” or “{name}”.", "")
        return "", np.array(edges, dtype=np.int64)
    period = parameters.read("period", one_of(PERIODS), "month", "month")
    months, number = PERIODS[period]
    usual = where.midnight(_first_of(where, now, months, number))
    start, end = read_range(parameters, where, now, usual_start=usual)
    return period, _calendar(Grid(start, end, Resolution.parse("P1M"), where), months)


def _first_of(where: Zone, now: int, months: int, number: int) -> date:
    """Return the date on which the period began that is the first of so many up to today's."""
    today = where.date_at(now)
    month = (today.year * 12 + today.month - 1) // months * months - (number - 1) * months
    return date(month // 12, month % 12 + 1, 1)


def _calendar(grid: Grid, months: int) -> Ints:
    """Choose, of the months' edges, those of longer periods; the range keeps its own."""
    inner = grid.edges[1:-1]
    begins = [(where.month - 1) % months == 0 for where in map(grid.zone.at, inner.tolist())]
    return np.concatenate(
        (grid.edges[:1], inner[np.array(begins, dtype=bool)], grid.edges[-1:])
    ).astype(np.int64)


def _dates(where: Zone) -> Callable[[Sequence[str]], Sequence[int]]:
    def parse(texts: Sequence[str]) -> Sequence[int]:
        if len(texts) < 2:
            raise ValueError(f"One date makes no period; give two or more, such as {EDGES}.")
        if len(texts) > MOST_EDGES:
            raise ValueError(f"{len(texts):,} dates are given; {MOST_EDGES} are the most.")
        edges = []
        for text in texts:
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
                raise ValueError(f"“{text[:40]}” is no date such as 2023-01-01.")
            edges.append(parse_moment(text, where))
            if edges[-2:] != sorted(set(edges[-2:])):
                raise ValueError(f"“{text}” does not lie after the date before it.")
        return edges

    return parse


def answer(found: RegisterTotals, where: Zone) -> dict[str, Any]:
    code = found.register.code
    said: dict[str, Any] = {
        "register": found.register.obis,
        "direction": str(code.direction),
        "unit": code.unit,
        "statistic": None if found.statistic is None else str(found.statistic),
        "periods": [_period(one, where) for one in found.periods],
    }
    if found.statistic is Statistic.ADVANCE:
        for row, one in zip(said["periods"], found.periods, strict=True):
            row |= {"opening": _state(one.opening, where), "closing": _state(one.closing, where)}
    if notes := _notes(found, where):
        said["notes"] = notes
    return said


def _period(one: PeriodTotal, where: Zone) -> dict[str, Any]:
    return {
        "start": where.at(one.start).isoformat(),
        "end": where.at(one.end).isoformat(),
        # Twelve digits, as computed readings are given: 1.8299, not 1.8298999999999999.
        "total": None if one.total is None else float(f"{one.total:.12g}"),
        "count": one.count,
        "expected": one.expected,
        "completeness": one.completeness,
        "estimated": one.estimated,
        "quality": one.qualities,
    }


def _state(state: State | None, where: Zone) -> dict[str, Any] | None:
    if state is None:
        return None
    at = where.at(state.at).isoformat()
    return {"at": at, "value": state.value, "quality": state.quality}


def _notes(found: RegisterTotals, where: Zone) -> list[str]:
    notes = []
    if found.statistic is None:
        notes.append(
            "Values of this register don't add up over time, so there are no totals; readings with "
            "resolution=P1M tell their mean or extreme."
        )
    if found.straddling:
        notes.append(
            f"{found.straddling} intervals reach over midnight; each counts in the day in which it "
            "starts."
        )
    if found.resets:
        notes.append(reset_note(found.resets, where))
    return notes


class TotalsView(MeterView):
    @extend_schema(
        operation_id="meters_totals",
        summary="Add a meter up by billing periods",
        description="Of each register by month, quarter, year or between given dates: the sum of "
        "its intervals, or of meter states the advance with the states at both ends; how complete "
        "it is, and the share that was estimated. What does not add up has no total, and never a "
        "mean in its place. Periods are clipped to the range.",
        parameters=[START, END, PERIOD, DATES, TIMEZONE, REGISTER],
        examples=[ONE],
        responses={
            200: TotalsSerializer,
            **examples.invalid(
                "period", "week", "“week” is not one of month, quarter, year.", "month"
            ),
            **examples.NO_METER,
            **examples.ALWAYS,
        },
    )
    def get(self, request: Request, muid: UUID) -> Response | HttpResponse:
        meter, registers = self.find(muid)
        now, given = int(time.time()), request.query_params
        parameters = Parameters(given, NAMES, "period=month")
        where = parameters.read("timezone", zone, meter.zone, meter.timezone)
        wanted = read_registers(parameters, registers)
        period, edges = read_edges(given, parameters, where, now)
        _check_days(parameters, edges, wanted, where)
        parameters.check()
        start, end = int(edges[0]), int(edges[-1])

        def body() -> dict[str, Any]:
            return {
                "meter": str(meter.muid),
                "timezone": where.name,
                "period": period or None,
                "start": where.at(start).isoformat(),
                "end": where.at(end).isoformat(),
                "registers": [answer(one, where) for one in totals(wanted, edges, where, now)],
            }

        asked = (where.name, period, edges.tolist())
        etag = etag_of_meter(request, meter, wanted, (start, end), now, asked)
        return held_or(request, etag, body)


def _check_days(
    parameters: Parameters, edges: Ints, registers: Sequence[Register], where: Zone
) -> None:
    if parameters.errors:
        return
    days = int(edges[-1] - edges[0]) // DAY * len(registers)
    if days > MOST_DAYS:
        name = "start" if parameters.given.get("start") else "edges"
        # A year of as many registers as a meter may have.
        recent = where.date_at(int(edges[-1])) - timedelta(days=365)
        parameters.refuse(
            name,
            f"All registers together have {days:,} days in this range, and {MOST_DAYS:,} are the "
            "most. Ask for a shorter range or for one register.",
            recent.isoformat() if name == "start" else EDGES,
        )
