"""Pages of the record of readings: a day, one interval's history, and corrections by hand."""

import time
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import numpy as np
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from ingestion.corrections import (
    Corrected,
    CorrectionError,
    Planned,
    Range,
    delete_readings,
    planned_delete,
    planned_restore,
    planned_set,
    restore_readings,
    set_readings,
)
from ingestion.hand import MisfitError
from ingestion.history import changes_of, history
from ingestion.models import ReadingRevision
from ingestion.record_days import Interval, chosen_day, chosen_register, register_day
from ingestion.record_forms import CorrectionForm, ReasonForm
from meters.localtime import offset_text
from meters.models import Meter, Register
from meters.qualities import Quality
from meters.ranges import MomentError, parse_moment
from meters.templatetags.units import figure, local
from meters.zones import Zone

MOST_SHOWN = 200


def staff_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let nobody else change what was read."""

    @wraps(view)
    def checked(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if not request.user.is_staff:
            raise PermissionDenied("Readings are corrected by staff alone.")
        return view(request, **arguments)

    return checked


def _meter(muid: UUID) -> Meter:
    return get_object_or_404(Meter.objects.all().with_registers(), muid=muid)


def _register(request: HttpRequest, meter: Meter) -> Register:
    register = chosen_register(meter, request.GET)
    if register is None:
        raise Http404("This meter has no register yet.")
    return register


def _crumbs(meter: Meter, *more: tuple[str, str]) -> list[dict[str, str]]:
    there = [
        (_("Meters"), reverse("analytics:meters")),
        (meter.name, meter.get_absolute_url()),
        *more,
    ]
    return [{"label": name, "url": url} for name, url in there]


def address_of_day(register: Register, day: date) -> str:
    """Return the address of a register's day."""
    query = urlencode({"register": register.obis, "day": day.isoformat()})
    return f"{reverse('ingestion:readings', args=[register.meter.muid])}?{query}"


@require_safe
def readings(request: HttpRequest, muid: UUID) -> HttpResponse:
    """Show every interval of a local day, with what stands there and how often it was changed."""
    meter = _meter(muid)
    register = chosen_register(meter, request.GET)
    context: dict[str, Any] = {
        "meter": meter,
        "registers": meter.registers.all(),
        "breadcrumbs": _crumbs(meter, (_("Readings"), "")),
    }
    if register is not None:
        day = register_day(register, chosen_day(register, request.GET, int(time.time())))
        context |= {
            "register": register,
            "day": day,
            "unit": register.code.unit,
            "before": address_of_day(register, day.before),
            "after": address_of_day(register, day.after),
        }
    return render(request, "ingestion/readings.html", context)


@require_safe
def slot(request: HttpRequest, muid: UUID) -> HttpResponse:
    """Show what one interval has held, who changed it and why."""
    meter = _meter(muid)
    register = _register(request, meter)
    try:
        instant = parse_moment(request.GET.get("at", ""), meter.zone)
    except MomentError as error:
        raise Http404(str(error)) from None
    day = meter.zone.date_at(instant)
    found = [
        one for one in register_day(register, day).intervals if one.start.timestamp() == instant
    ]
    if not found:
        raise Http404("No interval of this register starts then.")
    [interval] = found
    context = {
        "meter": meter,
        "register": register,
        "interval": interval,
        "day": day,
        "unit": register.code.unit,
        "changes": changes_of(history(register, day), instant),
        "breadcrumbs": _crumbs(
            meter, (_("Readings"), address_of_day(register, day)), (interval.label, "")
        ),
        "correct_url": _correct_url(register, interval),
    }
    return render(request, "ingestion/slot.html", context)


def _correct_url(register: Register, interval: Interval) -> str:
    start, end = interval.start.isoformat(), interval.end.isoformat()
    query = {"register": register.obis, "start": start, "end": end}
    return f"{reverse('ingestion:correct', args=[register.meter.muid])}?{urlencode(query)}"


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def correct(request: HttpRequest, muid: UUID) -> HttpResponse:
    """Set or delete the readings of a range: write it, look at what it would do, confirm."""
    meter = _meter(muid)
    register = _register(request, meter)
    shape: dict[str, Any] = {"zone": meter.zone, "unit": register.code.unit}
    context: dict[str, Any] = {
        "meter": meter,
        "register": register,
        "unit": register.code.unit,
        "breadcrumbs": _crumbs(
            meter,
            (_("Readings"), reverse("ingestion:readings", args=[meter.muid])),
            (_("Correct readings"), ""),
        ),
    }
    if request.method != "POST":
        initial = {name: request.GET.get(name, "") for name in ("start", "end")}
        context["form"] = CorrectionForm(initial=initial, **shape)
        return render(request, "ingestion/correct.html", context)
    form = context["form"] = CorrectionForm(request.POST, **shape)
    if form.is_valid():
        told = form.cleaned_data
        try:
            if "confirmed" in request.POST:
                return _corrected(request, register, told)
            where = Range(register, told["start"], told["end"])
            planned = (
                planned_delete(where=where)
                if told["act"] == "delete"
                else planned_set(where=where, value=told["value"], quality=told["quality"])
            )
            context |= _plan(register, planned)
        except CorrectionError as error:
            form.add_error(error.field or None, str(error))
    return render(request, "ingestion/correct.html", context, status=400 if form.errors else 200)


def _corrected(request: HttpRequest, register: Register, told: dict[str, Any]) -> HttpResponse:
    where = Range(register, told["start"], told["end"], told["seen"])
    by: dict[str, Any] = {"author": request.user, "reason": told["reason"]}
    if told["act"] == "delete":
        done = delete_readings(where=where, **by)
    else:
        done = set_readings(where=where, value=told["value"], quality=told["quality"], **by)
    return _told(request, register, done, where.start)


def _told(request: HttpRequest, register: Register, done: Corrected, instant: int) -> HttpResponse:
    """Say what was done, on the page of the day on which it began."""
    n = done.changed
    words = ngettext("{number} interval changed.", "{number} intervals changed.", n)
    done_words = words.format(number=figure(n)) if n else _("Nothing was different.")
    messages.success(request, done_words)
    return HttpResponseRedirect(address_of_day(register, register.meter.zone.date_at(instant)))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Put back what stood in a revision's intervals before it."""
    revision = get_object_or_404(
        ReadingRevision.objects.select_related("register__meter", "author"), pk=pk
    )
    register = revision.register
    meter = register.meter
    context: dict[str, Any] = {
        "meter": meter,
        "register": register,
        "revision": revision,
        "unit": register.code.unit,
        "breadcrumbs": _crumbs(
            meter, (_("Readings"), address_of_day(register, revision.day)), (_("Restore"), "")
        ),
    }
    form = context["form"] = ReasonForm(request.POST or None)
    try:
        planned = planned_restore(revision=revision)
        if form.is_valid():
            done = restore_readings(
                revision=revision,
                author=request.user,  # type: ignore[arg-type]
                reason=form.cleaned_data["reason"],
                seen=form.cleaned_data["seen"],
            )
            return _told(request, register, done, int(planned.before.instants[0]))
        context |= _plan(register, planned)
    except MisfitError as error:
        context["obstacle"] = str(error)
    except CorrectionError as error:
        form.add_error(error.field or None, str(error))
        context |= _plan(register, planned_restore(revision=revision))
    bad = request.method == "POST" or "obstacle" in context
    return render(request, "ingestion/restore.html", context, status=400 if bad else 200)


def _plan(register: Register, planned: Planned) -> dict[str, Any]:
    """Lay out what would change, as the templates take it."""
    before, after, place = planned.before, planned.after, register.meter.zone
    same_value = (before.values == after.values) | (
        np.isnan(before.values) & np.isnan(after.values)
    )
    different = np.flatnonzero(~same_value | (before.qualities != after.qualities))
    rows = [
        {
            "when": _with_offset(int(before.instants[at]), place),
            "before": _reading(before.values[at], before.qualities[at]),
            "after": _reading(after.values[at], after.qualities[at]),
        }
        for at in different[:MOST_SHOWN]
    ]
    return {
        "planned": rows,
        "differing": len(different),
        "same": len(planned) - len(different),
        "unlisted": len(different) - len(rows),
        "version": planned.version,
    }


def _with_offset(instant: int, place: Zone) -> str:
    return f"{local(instant, place)} {offset_text(place.offset_at(instant))}"


def _reading(value: Any, quality: Any) -> dict[str, Any]:
    found = Quality(int(quality))
    return {"value": float(value) if found else None, "quality": found.label}
