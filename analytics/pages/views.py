"""Pages that show readings."""

import time
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.pages.analyses import DAYS, analysis_rows
from analytics.pages.analysis import analysis_page
from analytics.pages.meter.page import meter_card, meter_page
from analytics.pages.meter_rows import FILTERS, filters, is_in, meter_rows
from analytics.pages.overview import overview as tenant_overview
from analytics.pages.report import report
from analytics.period import read_period
from meters.health import health
from meters.models import Meter, MeterQuerySet, Site
from meters.zones import zone

METERS_A_PAGE = 50
# Each of them is analysed anew.
ANALYSES_A_PAGE = 25


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show energy in and out, meters by state and what is odd."""
    meters = list(Meter.objects.all().with_registers())
    context: dict[str, Any] = {"meter_count": len(meters)}
    if meters:
        where = zone(request.tenant.timezone)  # type: ignore[attr-defined]
        context |= tenant_overview(meters, where, request.GET.dict(), int(time.time()))
    return render(request, "analytics/overview.html", context)


@require_safe
def meters(request: HttpRequest) -> HttpResponse:
    """List meters; search and filter."""
    found, text, site = _searched(request)
    now = int(time.time())
    state = request.GET.get("state", "")
    if state in FILTERS:
        # How a meter is doing stands in its readings, so all that are found have to be looked at.
        everything = list(found)
        states = health(everything, now)
        chosen: QuerySet[Meter] | list[Meter] = [
            one for one in everything if is_in(states[one.pk], state)
        ]
    else:
        chosen = found
    page = Paginator(chosen, METERS_A_PAGE).get_page(request.GET.get("page"))
    where = zone(request.tenant.timezone)  # type: ignore[attr-defined]
    period = read_period({}, zone=where, now=now, first=None, last_end=None)
    context: dict[str, Any] = {
        "page_obj": page,
        "rows": meter_rows(list(page), period, now),
        "period": period,
        "meter_count": Meter.objects.count(),
        "sites": Site.objects.all(),
        "text": text,
        "site": site,
        "state": state,
        "states": filters(),
    }
    return render(request, "analytics/meters.html", context)


def _searched(request: HttpRequest) -> tuple[MeterQuerySet, str, str]:
    """Find meters by name, identifier and site; return what was asked for, too."""
    found = Meter.objects.all().with_registers()
    # PostgreSQL's texts hold no NUL, so nothing is called so.
    text = request.GET.get("q", "").replace("\0", "").strip()
    site = request.GET.get("site", "")
    if text:
        found = found.filter(
            Q(name__icontains=text)
            | Q(metering_point__icontains=text)
            | Q(site__name__icontains=text)
            | Q(muid__icontains=text)
        )
    if site.isdecimal():
        found = found.filter(site=int(site))
    return found, text, site


@require_safe
def analyses(request: HttpRequest) -> HttpResponse:
    """List what each meter seems to measure; search."""
    found, text, site = _searched(request)
    page = Paginator(found, ANALYSES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "rows": analysis_rows(list(page), int(time.time())),
        "weeks": DAYS // 7,
        "meter_count": Meter.objects.count(),
        "sites": Site.objects.all(),
        "text": text,
        "site": site,
    }
    return render(request, "analytics/analyses.html", context)


@require_safe
def meter(request: HttpRequest, muid: UUID) -> HttpResponse:
    """Show one meter: its load curve over a range, its days, a usual day."""
    found = get_object_or_404(Meter.objects.all().with_registers(), muid=muid)
    parameters, now = request.GET.dict(), int(time.time())
    # A step of the zoom changes the curve alone, so that alone is read and sent.
    is_card = request.htmx.target == "curve-card"  # type: ignore[attr-defined]
    context = (meter_card if is_card else meter_page)(found, parameters, now)
    if is_card and not context["curve"]:
        raise Http404
    if context["curve"]:
        context["api_call"] = request.build_absolute_uri(context["curve"].api_path)
    context["is_card"] = is_card
    context["breadcrumbs"] = [
        {"label": _("Meters"), "url": reverse("analytics:meters")},
        {"label": found.name, "url": ""},
    ]
    response = render(request, f"analytics/{'_curve' if is_card else 'meter'}.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@require_safe
def analysis(request: HttpRequest, muid: UUID) -> HttpResponse:
    """Show what one meter probably measures, its habits and what is odd."""
    found = get_object_or_404(Meter.objects.all().with_registers(), muid=muid)
    # A changed grouping swaps its own card and nothing else.
    only_grouping = request.htmx.target == "grouping-card"  # type: ignore[attr-defined]
    context = analysis_page(
        found, request.GET.dict(), int(time.time()), only_grouping=only_grouping
    )
    context["breadcrumbs"] = [
        {"label": _("Meters"), "url": reverse("analytics:meters")},
        {"label": found.name, "url": found.get_absolute_url()},
        {"label": _("Analysis"), "url": ""},
    ]
    template = "analytics/_grouping.html" if only_grouping and context["register"] else None
    response = render(request, template or "analytics/analysis.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@require_safe
def report_file(request: HttpRequest, muid: UUID) -> HttpResponse:
    """Send what the analysis shows as one file."""
    found = get_object_or_404(Meter.objects.all().with_registers(), muid=muid)
    tenant = request.tenant.name  # type: ignore[attr-defined]
    made = report(found, request.GET.dict(), int(time.time()), tenant=tenant)
    named = content_disposition_header(as_attachment=True, filename=made.name)
    headers = {"Content-Disposition": named or "attachment"}
    return HttpResponse(made.html, headers=headers)
