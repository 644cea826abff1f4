"""Refused readings for people, to look up and to take away; and how long the record is kept."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ingestion.batch import Reason
from ingestion.download import rejections_csv
from ingestion.filters import Filters, in_words, number
from ingestion.lookup import RejectionsWanted
from ingestion.models import Keeping, Removal
from meters.language import N_
from meters.zones import Zone, zone

REJECTIONS_A_PAGE = 25
REMOVALS_SHOWN = 60
# What each reason means; the words of a refused reading say what was wrong with that one.
REASONS = {
    Reason.SHAPE: N_("No reading at all"),
    Reason.TIME: N_("Time can't be read"),
    Reason.FUTURE: N_("Lies in the future"),
    Reason.MISALIGNED: N_("Off the interval's beat"),
    Reason.INTERVAL: N_("Another interval length"),
    Reason.VALUE: N_("Value is no number"),
    Reason.CODE: N_("Unknown code"),
    Reason.QUALITY: N_("Unknown quality"),
    Reason.METER: N_("Another meter"),
}


@require_safe
def rejections(request: HttpRequest) -> HttpResponse:
    """List refused readings, the latest first, each with its raw text."""
    place = zone(request.tenant.timezone)  # type: ignore[attr-defined]
    wanted, unread = read_wanted(request.GET, place)
    page = Paginator(wanted.find(), REJECTIONS_A_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context: dict[str, Any] = {
        "page_obj": page,
        "asked": {name: request.GET.get(name, "") for name in NAMES},
        "unread": in_words(unread),
        "is_narrowed": wanted.is_narrowed,
        "reasons": [(reason.value, label(reason.value)) for reason in Reason],
        "rows": [{"one": one, "reason": label(one.reason)} for one in page],
        "download": f"{reverse('record:rejections-csv')}?{query.urlencode()}",
        "keeping": Keeping.current(),
        "zone": place.name,
        "breadcrumbs": [
            {"label": _("Ingestion"), "url": reverse("ingestion:runs")},
            {"label": _("Refused readings"), "url": ""},
        ],
    }
    return render(request, "ingestion/rejections.html", context)


@require_safe
def rejections_file(request: HttpRequest) -> StreamingHttpResponse:
    """Give the refused readings that the page shows, all of them, as CSV."""
    tenant = request.tenant  # type: ignore[attr-defined]
    wanted, _unread = read_wanted(request.GET, zone(tenant.timezone))
    response = StreamingHttpResponse(
        rejections_csv(tenant, wanted), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{tenant.slug}-refused-readings.csv"'
    # Upstream text is in it: no browser shall take it for a page.
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
def retention(request: HttpRequest) -> HttpResponse:
    """Say how long each part of the record is kept, and what was removed of it."""
    context: dict[str, Any] = {
        "keeping": Keeping.current(),
        "removals": Removal.objects.all()[:REMOVALS_SHOWN],
        "breadcrumbs": [
            {"label": _("Ingestion"), "url": reverse("ingestion:runs")},
            {"label": _("How long this is kept"), "url": ""},
        ],
    }
    return render(request, "ingestion/retention.html", context)


def label(reason: str) -> str:
    """Say what a reason means, also one that this page does not know."""
    known = {one.value: words for one, words in REASONS.items()}
    return _(known[reason]) if reason in known else reason.capitalize()


NAMES = ("reason", "meter", "run", "since", "until")


def read_wanted(given: QueryDict, place: Zone) -> tuple[RejectionsWanted, list[str]]:
    """Read what is looked for; what can't be read is named and left out.

    Parameters
    ----------
    given
        `since` and `until` are local days, both included.
    place
        Whose days count.
    """
    filters = Filters(given, place)
    wanted = RejectionsWanted(
        reason=filters.read("reason", lambda text: Reason(text).value),
        meter=filters.read("meter", UUID),
        run=filters.read("run", number),
        since=filters.day("since"),
        until=filters.day("until", after=1),
    )
    return wanted, filters.unread
