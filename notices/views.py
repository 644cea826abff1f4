"""What a person wants to be told by mail, and what needs attention."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from notices.attention import Level
from notices.attention import attention as find_attention
from notices.forms import PreferenceForm
from notices.models import UNWANTED, Letter, Preference
from notices.unsubscribing import person_of, unsubscribe

LETTERS_SHOWN = 20
LEVELS = {
    Level.CRITICAL: ("error", gettext_noop("critical")),
    Level.WARNING: ("warning", gettext_noop("warning")),
    Level.OK: ("ok", gettext_noop("ok")),
}
LETTERS = {
    "sent": ("ok", gettext_noop("sent")),
    "waiting": ("active", gettext_noop("waiting")),
    "given up": ("error", gettext_noop("given up")),
}


@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """Let a person choose what they are told by mail, and show what they were told."""
    user = cast("User", request.user)
    sent = request.POST if request.method == "POST" else None
    form = PreferenceForm(sent, instance=Preference.of(user))
    if form.is_valid():
        form.save()
        messages.success(request, _("That is how it will be from now on."))
        return redirect("notices:mine")
    letters = Letter.objects.filter(user=user)[:LETTERS_SHOWN]
    context: dict[str, Any] = {
        "form": form,
        "sends_mail": settings.SENDS_MAIL,
        "letters": [_letter(one) for one in letters],
        "zone": request.tenant.timezone,  # type: ignore[attr-defined]
    }
    return render(request, "notices/mine.html", context)


def _letter(letter: Letter) -> dict[str, Any]:
    kind, word = LETTERS[letter.state]
    return {
        "letter": letter,
        "kind": kind,
        "word": _(word),
        "unwanted": letter.error == UNWANTED,
    }


@require_safe
def attention(request: HttpRequest) -> HttpResponse:
    """List what needs somebody's attention now."""
    tenant = request.tenant  # type: ignore[attr-defined]
    found = find_attention(tenant, timezone.now())
    context: dict[str, Any] = {
        "items": [
            {"item": item, "kind": LEVELS[item.level][0], "level": _(LEVELS[item.level][1])}
            for item in found.items
        ],
        "breadcrumbs": [
            {"label": _("Ingestion"), "url": reverse("ingestion:runs")},
            {"label": _("Needs attention"), "url": ""},
        ],
    }
    return render(request, "notices/attention.html", context)


# A mail program that ends the mails for somebody (RFC 8058) posts here without a session; the
# signature of the link stands for both.
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, token: str) -> HttpResponse:
    """End the mails to whom the link was sent. Looking ends nothing: programs follow links."""
    user = person_of(token, request.tenant)  # type: ignore[attr-defined]
    if user is None:
        raise Http404("This link is not good here.")
    if request.method == "POST":
        unsubscribe(user)
    return render(request, "notices/end.html", {"ended": request.method == "POST"})
