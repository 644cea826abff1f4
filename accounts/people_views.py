"""A tenant's people and what was done, for its admins."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.acts import record
from accounts.links import RESET_GOOD_FOR, invitation_ends, invitation_link, reset_link
from accounts.mailing import MailError, send_invitation, send_reset
from accounts.models import Act, ApiToken, User
from accounts.people import (
    PeopleError,
    change_role,
    deactivate,
    end_sessions,
    invite,
    reactivate,
    renew_invitation,
)
from accounts.people_forms import ActsForm, InviteForm, RoleForm
from accounts.roles import MEANINGS, Role, is_admin, role_in_words, role_of
from config.addresses import asked_address

View = Callable[..., HttpResponse]
ACTS_ON_A_PAGE = 50


def admins_only(view: View) -> View:
    """Let nobody else see or change who may do what."""

    @never_cache
    @wraps(view)
    def checked(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if not is_admin(request.user):
            raise PermissionDenied("People are looked after by admins alone.")
        return view(request, **arguments)

    return checked


def _me(request: HttpRequest) -> User:
    return cast("User", request.user)


def _zone(request: HttpRequest) -> str:
    return str(request.tenant.timezone)  # type: ignore[attr-defined]


def _trail(last: str) -> list[dict[str, str]]:
    return [{"label": _("People"), "url": reverse("accounts:people")}, {"label": last, "url": ""}]


def _state(person: User) -> tuple[str, str]:
    """Say how an account stands: a kind, for its dot, and a word."""
    if not person.is_active:
        return "idle", _("deactivated")
    if person.has_usable_password():
        return "ok", pgettext("a person", "active")
    ends = invitation_ends(person)
    if ends is None:
        return "warning", _("has no password")
    if ends <= timezone.now():
        return "warning", _("invitation expired")
    return "active", _("invited")


def _row(person: User, me: User) -> dict[str, Any]:
    kind, word = _state(person)
    return {
        "person": person,
        "role": role_in_words(person),
        "language": dict(settings.LANGUAGES).get(person.language, ""),
        "kind": kind,
        "word": word,
        "ends": invitation_ends(person) if person.is_active else None,
        "is_me": person.pk == me.pk,
    }


@require_safe
@admins_only
def people(request: HttpRequest) -> HttpResponse:
    """List who has an account, and how it stands."""
    found = User.objects.prefetch_related("groups", "user_permissions").order_by("email")
    context = {
        "rows": [_row(one, _me(request)) for one in found],
        "roles": [(role.label, MEANINGS[role]) for role in Role],
        "zone": _zone(request),
    }
    return render(request, "accounts/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def invite_person(request: HttpRequest) -> HttpResponse:
    """Invite somebody. Where no mail can be sent the link is shown, in this answer alone."""
    tenant = request.tenant  # type: ignore[attr-defined]
    form = InviteForm(
        request.POST if request.method == "POST" else None, initial={"language": tenant.language}
    )
    if form.is_valid():
        try:
            person = invite(
                email=form.cleaned_data["email"],
                role=form.chosen(),
                language=form.cleaned_data["language"],
                by=_me(request).email,
            )
        except PeopleError as error:
            form.add_error("email", str(error))
        else:
            return _invited(request, person)
    context = {
        "form": form,
        "sends_mail": settings.SENDS_MAIL,
        "breadcrumbs": _trail(_("Invite")),
    }
    status = 400 if form.errors else 200
    return render(request, "accounts/invite.html", context, status=status)


def _invited(request: HttpRequest, person: User) -> HttpResponse:
    """Send a person the invitation they have, or show its link where that can't be done."""
    tenant, failure = request.tenant, ""  # type: ignore[attr-defined]
    address = asked_address(request)
    if settings.SENDS_MAIL:
        try:
            send_invitation(
                person,
                name=tenant.name,
                address=address,
                zone=tenant.timezone,
                language=tenant.language,
            )
        except MailError as error:
            failure = str(error)
        else:
            words = _("The invitation is on its way to {email}.").format(email=person.email)
            messages.success(request, words)
            return redirect("accounts:person", pk=person.pk)
    return _shown(request, person, invitation_link(person, address), failure)


def _shown(request: HttpRequest, person: User, link: str, failure: str) -> HttpResponse:
    """Show a link to be handed over by other means; it is kept nowhere."""
    context = {
        "person": person,
        "link": link,
        "failure": failure,
        "ends": invitation_ends(person) or timezone.now() + RESET_GOOD_FOR,
        "is_invitation": not person.has_usable_password(),
        "zone": _zone(request),
        "breadcrumbs": _trail(person.email),
    }
    return render(request, "accounts/link.html", context)


@require_safe
@admins_only
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one person, and what can be done about them."""
    return _page_of(request, get_object_or_404(User, pk=pk))


def _page_of(request: HttpRequest, found: User, form: RoleForm | None = None) -> HttpResponse:
    role = role_of(found)
    context = {
        **_row(found, _me(request)),
        "form": form or RoleForm(initial={"role": role.value if role else None}),
        "has_own": role is None,
        "has_password": found.has_usable_password(),
        "tokens": ApiToken.objects.lasting().filter(user=found).count(),
        "sends_mail": settings.SENDS_MAIL,
        "zone": _zone(request),
        "breadcrumbs": _trail(found.email),
    }
    return render(request, "accounts/person.html", context, status=400 if form else 200)


def _button(view: Callable[[HttpRequest, User], HttpResponse]) -> View:
    """Make a view of a button on a person's page, which says in words where it can't be done."""

    @require_POST
    @admins_only
    @wraps(view)
    def pressed(request: HttpRequest, pk: int) -> HttpResponse:
        found = get_object_or_404(User, pk=pk)
        try:
            return view(request, found)
        except PeopleError as error:
            messages.error(request, str(error))
            return redirect("accounts:person", pk=pk)

    return pressed


def _done(request: HttpRequest, person: User, words: str) -> HttpResponse:
    messages.success(request, words.format(email=person.email))
    return redirect("accounts:person", pk=person.pk)


@_button
def set_role(request: HttpRequest, person: User) -> HttpResponse:
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _page_of(request, person, form)
    role = form.chosen()
    change_role(person, role, by=_me(request).email)
    words = _("{email} is now: {role}.").format(email=person.email, role=role.label)
    messages.success(request, words)
    if person.pk == _me(request).pk and role != "admin":
        # Who has just ceased to be an admin has no page of people any more.
        return redirect("/")
    return redirect("accounts:person", pk=person.pk)


@_button
def switch_off(request: HttpRequest, person: User) -> HttpResponse:
    deactivate(person, by=_me(request).email)
    if person.pk == _me(request).pk:
        return redirect("accounts:login")
    return _done(request, person, _("{email} is deactivated: signed out, and tokens are refused."))


@_button
def switch_on(request: HttpRequest, person: User) -> HttpResponse:
    reactivate(person, by=_me(request).email)
    return _done(request, person, _("{email} may sign in again."))


@_button
def sign_out(request: HttpRequest, person: User) -> HttpResponse:
    end_sessions(person, by=_me(request).email)
    if person.pk == _me(request).pk:
        return redirect("accounts:login")
    return _done(request, person, _("{email} is signed out in every browser."))


@_button
def send_link(request: HttpRequest, person: User) -> HttpResponse:
    """Send the invitation again, or to whom has a password a link to choose another one."""
    me, tenant = _me(request), request.tenant  # type: ignore[attr-defined]
    if not person.has_usable_password():
        return _invited(request, renew_invitation(person, by=me.email))
    if not person.is_active:
        raise PeopleError(_("{email} is deactivated.").format(email=person.email))
    address, failure = asked_address(request), ""
    record(Act.What.PASSWORD_LINK_SENT, person.email, by=me.email)
    if settings.SENDS_MAIL:
        try:
            send_reset(person, name=tenant.name, address=address, language=tenant.language)
        except MailError as error:
            failure = str(error)
        else:
            words = _("A link to choose another password is on its way to {email}.")
            return _done(request, person, words)
    return _shown(request, person, reset_link(person, address), failure)


@require_safe
@admins_only
def acts(request: HttpRequest) -> HttpResponse:
    """Tell who did what, the latest first."""
    form = ActsForm(request.GET)
    form.is_valid()
    what, who = form.cleaned_data.get("what", ""), form.cleaned_data.get("who", "").strip()
    found = Act.objects.all()
    if what:
        found = found.filter(what=what)
    if who and "\0" not in who:
        # A person's acts are those that they did and those that they met with.
        found = found.filter(Q(by__icontains=who) | Q(about__icontains=who))
    page = Paginator(found, ACTS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "acts": page.object_list,
        "kinds": Act.What.choices,
        "asked": {"what": what, "who": who},
        "zone": _zone(request),
        "breadcrumbs": _trail(_("Who did what")),
    }
    return render(request, "accounts/acts.html", context)
