"""What was replaced, of all meters: by sources and by hand, to look up."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ingestion.filters import Filters, in_words, number
from ingestion.lookup import RevisionsWanted
from ingestion.models import Keeping, ReadingRevision
from ingestion.record_days import label
from ingestion.record_views import address_of_day
from meters.language import N_
from meters.zones import zone

A_PAGE = 25
NAMES = ("by", "meter", "run", "since", "until")
BY = {
    "source": N_("a source or file"),
    "hand": N_("hand"),
    "set": N_("hand: corrected"),
    "delete": N_("hand: deleted"),
    "restore": N_("hand: restored"),
}


@require_safe
def revisions(request: HttpRequest) -> HttpResponse:
    """List what was replaced, the latest first, each with what stood there."""
    place = zone(request.tenant.timezone)  # type: ignore[attr-defined]
    filters = Filters(request.GET, place)
    wanted = RevisionsWanted(
        by=filters.read("by", _by),
        meter=filters.read("meter", UUID),
        run=filters.read("run", number),
        since=filters.day("since"),
        until=filters.day("until", after=1),
    )
    page = Paginator(wanted.find(), A_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "page_obj": page,
        "asked": {name: request.GET.get(name, "") for name in NAMES},
        "unread": in_words(filters.unread),
        "is_narrowed": wanted.is_narrowed,
        "by": [(value, _(words)) for value, words in BY.items()],
        "rows": [_row(one) for one in page],
        "keeping": Keeping.current(),
        "zone": place.name,
        "breadcrumbs": [
            {"label": _("Ingestion"), "url": reverse("ingestion:runs")},
            {"label": _("Corrections"), "url": ""},
        ],
    }
    return render(request, "ingestion/revisions.html", context)


def _by(text: str) -> str:
    if text not in BY:
        raise ValueError(text)
    return text


def _row(revision: ReadingRevision) -> dict[str, Any]:
    register, place = revision.register, revision.register.meter.zone
    starts = [int(when.timestamp()) for when, _, _ in revision.readings()]
    midnights = (place.midnight(revision.day + timedelta(days=n)) for n in (0, 1))
    changes = len({place.offset_at(at) for at in midnights}) > 1
    readings = [
        {
            "label": label(at, revision.interval, place, with_offset=changes),
            "value": value,
            "quality": quality.label,
        }
        for at, (_, value, quality) in zip(starts, revision.readings(), strict=True)
    ]
    return {
        "one": revision,
        "register": register,
        "unit": register.code.unit,
        "day_url": address_of_day(register, revision.day),
        "readings": readings,
        "whole": label(
            min(starts), max(starts) - min(starts) + revision.interval, place, with_offset=False
        ),
        "only": readings[0] if len(readings) == 1 else None,
    }
