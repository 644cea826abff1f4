"""Gaps for people: what is missing, how often it was asked for, and asking again."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from ingestion.gap_lookup import GapsWanted, gap_sums
from ingestion.models import Gap, Keeping, Source
from ingestion.repair import ask_again
from ingestion.steering_views import by_staff
from ingestion.tasks import ingest_soon, look_soon
from meters.language import N_
from meters.muids import MuidError, read_muid
from meters.templatetags.units import figure

GAPS_A_PAGE = 25
STATES = {
    "": (N_("Missing"), Gap.LACKING),
    "given_up": (N_("Given up"), (Gap.State.GIVEN_UP,)),
    "ended": (N_("Filled or dropped"), (Gap.State.FILLED, Gap.State.DROPPED)),
}
KINDS = {
    Gap.State.OPEN: "active",
    Gap.State.GIVEN_UP: "error",
    Gap.State.FILLED: "ok",
    Gap.State.DROPPED: "idle",
}


@require_safe
def gaps(request: HttpRequest) -> HttpResponse:
    """List gaps: those that lack something first, the oldest of them on top."""
    show = request.GET.get("show", "")
    show = show if show in STATES else ""
    meter, unread = _read_meter(request.GET.get("meter", ""))
    found = GapsWanted(states=STATES[show][1], meter=meter).find()
    page = Paginator(found, GAPS_A_PAGE).get_page(request.GET.get("page"))
    sums = gap_sums(meter)
    context: dict[str, Any] = {
        "page_obj": page,
        "rows": [{"one": one, "kind": KINDS[Gap.State(one.state)]} for one in page],
        "filters": [
            {"label": _(label), "value": value, "active": value == show}
            for value, (label, _states) in STATES.items()
        ],
        "asked": request.GET.get("meter", ""),
        "show": show,
        "unread": unread,
        "is_narrowed": bool(show or meter),
        "tiles": [
            {"label": _("Gaps"), "figure": figure(sums.open + sums.given_up)},
            {"label": _("Given up"), "figure": figure(sums.given_up)},
            {"label": _("Intervals missing"), "figure": figure(sums.missing)},
            {"label": _("Came since found"), "figure": figure(sums.came)},
        ],
        "looked_at": Source.objects.looked_at(),
        "keeping": Keeping.current(),
        "now": timezone.now(),
        "zone": request.tenant.timezone,  # type: ignore[attr-defined]
        "breadcrumbs": [
            {"label": _("Ingestion"), "url": reverse("ingestion:runs")},
            {"label": _("Gaps"), "url": ""},
        ],
    }
    return render(request, "ingestion/gaps.html", context)


def _read_meter(text: str) -> tuple[UUID | None, str]:
    """Read which meter is looked for; return what can't be read beside it."""
    try:
        return (read_muid(text) if text.strip() else None), ""
    except MuidError as error:
        return None, str(error)


@by_staff
def ask(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Ask for one gap now, or for all that lack something."""
    chosen = Gap.objects.lacking()
    if pk is not None:
        chosen = chosen.filter(pk=get_object_or_404(Gap, pk=pk).pk)
    runs = ask_again(gaps=chosen, now=timezone.now())
    ingest_soon(runs)
    if runs:
        words = ngettext(
            "{number} run asks for what is missing.",
            "{number} runs ask for what is missing.",
            len(runs),
        )
        messages.success(request, words.format(number=figure(len(runs))))
    else:
        messages.warning(
            request, _("Nobody is asked: it is asked for already, or its meter has no source.")
        )
    return redirect("record:gaps")


@by_staff
def look_now(request: HttpRequest) -> HttpResponse:
    """Look at all stored readings without waiting for tomorrow."""
    look_soon()
    messages.success(
        request, _("All stored readings are looked at. What is found stands here within minutes.")
    )
    return redirect("record:gaps")
