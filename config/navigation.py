"""The main navigation, for every page of a tenant."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

ITEMS = [
    (gettext_noop("Overview"), "analytics:overview", "overview"),
    (gettext_noop("Meters"), "analytics:meters", "meter"),
    (gettext_noop("Sites"), "analytics:sites", "sites"),
    (gettext_noop("Analysis"), "analytics:analyses", "analysis"),
    (gettext_noop("Ingestion"), "ingestion:runs", "ingestion"),
    (gettext_noop("API"), "api:docs", "api"),
]
STAFF_ITEMS = [(gettext_noop("Settings"), "admin:index", "settings")]


def navigation(request: HttpRequest) -> dict[str, Any]:
    """List the places of the product that this person may go to, the current one marked."""
    tenant, user = getattr(request, "tenant", None), getattr(request, "user", None)
    if tenant is None or tenant.is_suspended or user is None or not user.is_authenticated:
        return {"navigation": []}
    items = ITEMS + (STAFF_ITEMS if user.is_staff else [])
    found = []
    for label, name, icon in items:
        url = reverse(name)
        active = request.path == url if url == "/" else request.path.startswith(url)
        found.append({"label": _(label), "url": url, "icon": icon, "active": active})
    return {"navigation": found}
