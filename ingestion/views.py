"""The record of ingestion, for people."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_safe

from ingestion.breaker import resting
from ingestion.lookup import remarks
from ingestion.models import Feed, Outcome, ReadingRevision, RejectedReading, Run, Source
from ingestion.progress import left_in_words, progress_of
from meters.templatetags.units import figure

RUNS_A_PAGE = 25
MOST_SHOWN = 200
# How a state looks: the kinds of the state component.
KINDS = {
    Run.State.QUEUED: "idle",
    Run.State.RUNNING: "active",
    Run.State.SUCCEEDED: "ok",
    Run.State.PARTIAL: "warning",
    Run.State.FAILED: "error",
    Run.State.CANCELLED: "idle",
}
FILTERS = {
    "": (pgettext_lazy("runs", "All"), Q()),
    "changed": (
        gettext_lazy("With changes"),
        Q(new__gt=0) | Q(corrected__gt=0) | Q(rejected__gt=0),
    ),
    "failed": (gettext_lazy("With failures"), Q(state__in=[Run.State.PARTIAL, Run.State.FAILED])),
}


@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """List runs, newest first, with what each did."""
    chosen = request.GET.get("show", "")
    if chosen not in FILTERS:
        chosen = ""
    found = Run.objects.filter(FILTERS[chosen][1]).select_related("source")
    page = Paginator(found, RUNS_A_PAGE).get_page(request.GET.get("page"))
    for one in page:
        one.kind = KINDS[Run.State(one.state)]  # type: ignore[attr-defined]
    given_up = list(Feed.objects.given_up().select_related("meter", "source")[:MOST_SHOWN])
    zone = request.tenant.timezone  # type: ignore[attr-defined]
    sources = list(Source.objects.annotate(meters=Count("feeds")))
    for source in sources:
        source.rest = resting(source, zone)  # type: ignore[attr-defined]
    context: dict[str, Any] = {
        "page_obj": page,
        "filters": [
            {"label": label, "value": value, "active": value == chosen}
            for value, (label, _query) in FILTERS.items()
        ],
        "sources": sources,
        "given_up": given_up,
        "given_up_count": Feed.objects.given_up().count() if len(given_up) == MOST_SHOWN else None,
        "zone": zone,
        "now": timezone.now(),
    }
    return render(request, "ingestion/runs.html", context)


@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one run: its window, what it cost, what happened to which meter, what was refused."""
    found = get_object_or_404(Run.objects.select_related("source"), pk=pk)
    revisions = ReadingRevision.objects.filter(run=found).select_related("register__meter")
    warnings, errors = remarks(found)
    progress = progress_of(found, timezone.now())
    context: dict[str, Any] = {
        "run": found,
        "kind": KINDS[Run.State(found.state)],
        "progress": progress,
        "left": left_in_words(progress.left) if progress else "",
        "may_cancel": found.state in Run.OPEN and found.trigger not in Run.BROUGHT,
        "may_retry": found.state in Run.AGAIN and found.source is not None,
        "tiles": [
            {"label": label, "figure": figure(number)}
            for label, number in (
                (_("New"), found.new),
                (_("Corrected"), found.corrected),
                (_("Unchanged"), found.unchanged),
                (_("Rejected"), found.rejected),
            )
        ],
        "warnings": warnings,
        "errors": errors,
        "outcome_count": Outcome.objects.filter(run=found).count(),
        "most_shown": MOST_SHOWN,
        "outcomes": Outcome.objects.filter(run=found).select_related("meter")[:MOST_SHOWN],
        "rejected": RejectedReading.objects.filter(run=found).select_related("meter")[:MOST_SHOWN],
        "revisions": revisions.exists(),
        "replaced": islice(_replaced(revisions[:MOST_SHOWN]), MOST_SHOWN),
        "zone": request.tenant.timezone,  # type: ignore[attr-defined]
        "breadcrumbs": [
            {"label": _("Ingestion"), "url": reverse("ingestion:runs")},
            {"label": str(found), "url": ""},
        ],
    }
    return render(request, "ingestion/run.html", context)


def _replaced(revisions: Iterable[ReadingRevision]) -> Iterator[dict[str, Any]]:
    """Lay revisions out reading by reading."""
    for revision in revisions:
        register = revision.register
        for when, value, quality in revision.readings():
            yield {
                "meter": register.meter,
                "obis": register.obis,
                "unit": register.code.unit,
                "day": revision.day,
                "when": when,
                "value": value,
                "quality": quality,
            }
