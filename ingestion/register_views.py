"""Registering many meters from a file, on a page."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from ingestion.doors.table import DoorError
from ingestion.registration import Became, register_meters
from ingestion.upload_forms import FileForm
from meters.language import N_
from meters.templatetags.units import figure

# How a line looks: the kinds of the state component.
KINDS = {
    Became.REGISTERED: "ok",
    Became.CHANGED: "warning",
    Became.UNCHANGED: "idle",
    Became.WRONG: "error",
}
WORDS = {
    Became.REGISTERED: N_("registered"),
    Became.CHANGED: N_("changed"),
    Became.UNCHANGED: N_("unchanged"),
    Became.WRONG: N_("wrong"),
}
MOST_SHOWN = 1_000


@require_http_methods(["GET", "POST"])
@permission_required(
    ["meters.add_meter", "meters.change_meter", "meters.add_site", "ingestion.change_feed"],
    raise_exception=True,
)
def register(request: HttpRequest) -> HttpResponse:
    """Take a file of meters; check it, or register what it names."""
    found, error = None, ""
    form = FileForm(kinds=_("CSV or XLSX"))
    if request.method == "POST":
        files = request.FILES
        # Known once the files have been read.
        refused = getattr(request, "upload_refused", "")
        form = FileForm(request.POST, files, kinds=_("CSV or XLSX"), refused=refused)
        if form.is_valid():
            assert isinstance(request.user, User)
            try:
                found = register_meters(
                    form.cleaned_data["file"].read(),
                    default_zone=request.tenant.timezone,  # type: ignore[attr-defined]
                    person=request.user,
                    keep="register" in request.POST,
                )
            except DoorError as wrong:
                error = str(wrong)
    context: dict[str, Any] = {
        "form": form,
        "found": found,
        "error": error,
        "breadcrumbs": [
            {"label": _("Meters"), "url": reverse("analytics:meters")},
            {"label": _("Register from a file"), "url": ""},
        ],
    }
    if found is not None:
        # What has to be mended stands first.
        lines = sorted(found.lines, key=lambda line: line.became is not Became.WRONG)
        context |= {
            "lines": [
                {"line": line, "kind": KINDS[line.became], "became": _(WORDS[line.became])}
                for line in lines[:MOST_SHOWN]
            ],
            "left_off": max(len(lines) - MOST_SHOWN, 0),
            "tiles": [
                {"label": capfirst(_(WORDS[one])), "figure": figure(found.count(one))}
                for one in Became
            ],
        }
    status = 422 if form.errors or error or (found and found.wrong) else 200
    return render(request, "ingestion/register.html", context, status=status)
