"""A person's API tokens, and the origins that the tenant's staff allows."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from accounts.cors import KEPT, OriginError, allow_origin, disallow_origin
from accounts.forms import OriginForm, TokenForm
from accounts.models import AllowedOrigin, ApiToken, User
from accounts.tokens import Made, TokenError, make_token, revoke_token


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


def _trail(last: str) -> list[dict[str, str]]:
    return [
        {"label": _("API tokens"), "url": reverse("accounts:tokens")},
        {"label": last, "url": ""},
    ]


@login_not_required
@require_POST
def speak(request: HttpRequest) -> HttpResponse:
    """Speak another language from now on: to the person who is signed in, else in this browser."""
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES) and request.user.is_authenticated:
        User.objects.filter(pk=request.user.pk).update(language=language)
    return set_language(request)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List a person's tokens, for staff also the others', and make one.

    The token that was made is shown in this answer alone: it is kept nowhere, not in the session.
    """
    person = _person(request)
    form, made = TokenForm(person), None
    if request.method == "POST":
        form = TokenForm(person, request.POST)
        made = _make(form, person) if form.is_valid() else None
        if made is not None:
            form = TokenForm(person)
    own = ApiToken.objects.lasting().filter(user=person)
    others = ApiToken.objects.lasting().exclude(user=person).select_related("user")
    browsers = ApiToken.objects.live_in_browsers()
    context: dict[str, Any] = {
        "form": form,
        "made": made,
        "call": request.build_absolute_uri("/api/v1/meters/"),
        "own": [_row(one) for one in own],
        "others": [_row(one) for one in others.order_by("user__email", "-created")]
        if _may(person, "accounts.view_apitoken")
        else [],
        "sees_others": _may(person, "accounts.view_apitoken"),
        "may_allow": _may(person, "accounts.add_allowedorigin"),
        "in_browsers": browsers.filter(user=person).count(),
        "minutes": settings.BROWSER_TOKEN_MINUTES,
        "zone": request.tenant.timezone,  # type: ignore[attr-defined]
    }
    return render(request, "accounts/tokens.html", context)


def _make(form: TokenForm, person: User) -> Made | None:
    try:
        return make_token(
            person=person,
            by=person.email,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            expires_at=form.expires_at(),
        )
    except TokenError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return None


def _row(token: ApiToken) -> dict[str, Any]:
    if token.has_expired:
        kind, word = "idle", _("expired")
    elif not token.user.is_active:
        kind, word = "idle", _("its person is deactivated")
    else:
        kind, word = "ok", _("good")
    return {"token": token, "kind": kind, "word": word}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether a token is to end, and end it."""
    person = _person(request)
    seen = ApiToken.objects.lasting().select_related("user")
    if not _may(person, "accounts.delete_apitoken"):
        seen = seen.filter(user=person)
    token = seen.filter(token_key=key).first()
    if token is None:
        raise Http404("There is no such token here; it may have been revoked already.")
    if request.method == "POST":
        revoke_token(token=token, by=person.email)
        words = _("{token} is revoked. Whatever still sends it is refused.")
        messages.success(request, words.format(token=token))
        return redirect("accounts:tokens")
    context: dict[str, Any] = {
        "token": token,
        "is_own": token.user_id == person.pk,
        "in_browsers": ApiToken.objects.live_in_browsers().filter(parent=token).count(),
        "zone": request.tenant.timezone,  # type: ignore[attr-defined]
        "breadcrumbs": _trail(_("Revoke")),
    }
    return render(request, "accounts/revoke.html", context)


@require_POST
def end_in_browsers(request: HttpRequest) -> HttpResponse:
    """End the tokens that browsers hold in a person's name."""
    person = _person(request)
    for token in ApiToken.objects.live_in_browsers().filter(user=person):
        revoke_token(token=token, by=person.email)
    messages.success(request, _("The tokens in browsers are revoked."))
    return redirect("accounts:tokens")


@require_http_methods(["GET", "HEAD", "POST"])
def origins(request: HttpRequest) -> HttpResponse:
    """List the origins whose pages may ask the API, and allow one more."""
    _check_may(request, "accounts.add_allowedorigin")
    form = OriginForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            one = allow_origin(form.save(commit=False), by=_person(request).email)
        except OriginError as error:
            form.add_error(None, str(error))
        else:
            words = _("Pages of {origin} may ask the API in {seconds} seconds.")
            messages.success(request, words.format(origin=one.origin, seconds=KEPT))
            return redirect("accounts:origins")
    context: dict[str, Any] = {
        "form": form,
        "origins": AllowedOrigin.objects.all(),
        "zone": request.tenant.timezone,  # type: ignore[attr-defined]
        "breadcrumbs": _trail(_("Allowed origins")),
    }
    return render(request, "accounts/origins.html", context)


@require_POST
def remove_origin(request: HttpRequest, pk: int) -> HttpResponse:
    """Allow an origin no longer."""
    _check_may(request, "accounts.delete_allowedorigin")
    one = AllowedOrigin.objects.filter(pk=pk).first()
    if one is None:
        raise Http404("There is no such origin here; it may have been removed already.")
    disallow_origin(one, by=_person(request).email)
    words = _("Pages of {origin} may no longer ask the API.")
    messages.success(request, words.format(origin=one.origin))
    return redirect("accounts:origins")


def _may(person: User, permission: str) -> bool:
    """Whether somebody may do here what the admin would let them do."""
    return person.is_staff and person.has_perm(permission)


def _check_may(request: HttpRequest, permission: str) -> None:
    if not _may(_person(request), permission):
        raise PermissionDenied("Origins are allowed by the tenant's admins.")
