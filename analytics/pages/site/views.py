"""Pages of sites."""

import time
from collections import defaultdict
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.pages.site.listing import site_rows
from analytics.pages.site.page import site_page
from analytics.period import read_period
from meters.models import Meter, Site
from meters.zones import zone

SITES_A_PAGE = 50


@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """List sites; search."""
    # PostgreSQL's texts hold no NUL, so nothing is called so.
    text = request.GET.get("q", "").replace("\0", "").strip()
    found = Site.objects.all()
    if text:
        found = found.filter(Q(name__icontains=text) | Q(address__icontains=text))
    page = Paginator(found, SITES_A_PAGE).get_page(request.GET.get("page"))
    shown = list(page)
    meters: defaultdict[int | None, list[Meter]] = defaultdict(list)
    for meter in Meter.objects.filter(site__in=shown).with_registers():
        meters[meter.site_id].append(meter)
    now = int(time.time())
    where = zone(request.tenant.timezone)  # type: ignore[attr-defined]
    period = read_period({}, zone=where, now=now, first=None, last_end=None)
    context: dict[str, Any] = {
        "page_obj": page,
        "rows": site_rows(shown, meters, period, now),
        "period": period,
        "site_count": Site.objects.count(),
        "text": text,
    }
    return render(request, "analytics/sites.html", context)


@require_safe
def site(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the meters of one connection point together, over a range."""
    found = get_object_or_404(Site, pk=pk)
    meters = list(Meter.objects.filter(site=found).with_registers())
    where = zone(request.tenant.timezone)  # type: ignore[attr-defined]
    context = site_page(found, meters, where, request.GET.dict(), int(time.time()))
    context["breadcrumbs"] = [
        {"label": _("Sites"), "url": reverse("analytics:sites")},
        {"label": found.name, "url": ""},
    ]
    if "api_query" in context:
        address = reverse("sending:readings")
        context["api_call"] = request.build_absolute_uri(f"{address}?{context['api_query']}")
    return render(request, "analytics/site.html", context)
