"""Passwords: chosen by who is invited, changed, and chosen anew by who has lost theirs."""

from typing import Any, cast

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth import views as library
from django.contrib.auth.decorators import login_not_required
from django.db import connection, transaction
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from accounts.acts import record
from accounts.links import INVITATION_GOOD_FOR, RESET_GOOD_FOR, invitation_tokens, reset_tokens
from accounts.models import Act, User
from accounts.people import accept_invitation, end_sessions
from accounts.people_forms import ForgottenForm
from accounts.signin import network_of, unlock
from accounts.tasks import send_reset_link
from accounts.throttling import counter
from config.addresses import asked_address

log = structlog.get_logger(__name__)

# What a link leads on to: it has proved who comes, so they are signed in.
BACKEND = "django.contrib.auth.backends.ModelBackend"
# Links that may be asked for in a minute from one network.
MOST_ASKED = 10


class SignInView(library.LoginView):
    """Sign in, and the way on for who can't."""

    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return super().get_context_data(sends_mail=settings.SENDS_MAIL, **more)


class LinkView(library.PasswordResetConfirmView):
    """A page that a signed link leads to, on which a password is chosen."""

    post_reset_login = True
    post_reset_login_backend = BACKEND
    success_url = reverse_lazy("analytics:overview")

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response = super().form_valid(form)
            self.chosen(form.user)
            # The name may be locked, by its person or by others; the link has shown whose it is.
            unlock(form.user.get_username())
        return response

    def chosen(self, person: User) -> None:
        """Put on record what a person has done."""
        raise NotImplementedError


class InvitationView(LinkView):
    """Take up an invitation."""

    template_name = "registration/invitation.html"
    token_generator = invitation_tokens
    extra_context = {"days": INVITATION_GOOD_FOR.days}

    def chosen(self, person: User) -> None:
        accept_invitation(person)


class ResetView(LinkView):
    """Choose another password. It ends all sessions, whoever has them."""

    template_name = "registration/reset.html"
    token_generator = reset_tokens
    extra_context = {"hours": round(RESET_GOOD_FOR.total_seconds() / 3600)}

    def chosen(self, person: User) -> None:
        record(Act.What.PASSWORD_RESET, person.email, by=person.email, detail="by a link sent")


@method_decorator(login_not_required, name="dispatch")
@method_decorator(never_cache, name="dispatch")
class ForgottenView(library.PasswordResetView):
    """Have a link sent. The answer is the same whoever the address belongs to, if to anybody.

    So is the work: it is the queue that looks whether there is such a person.
    """

    template_name = "registration/forgotten.html"
    form_class = ForgottenForm
    success_url = reverse_lazy("accounts:forgotten-sent")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.SENDS_MAIL:
            raise Http404("This installation sends no mail.")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Form) -> HttpResponse:
        if not _may_ask(self.request):
            form.add_error(
                None, _("Too many links were asked for from here. Try again in a minute.")
            )
            return self.render_to_response(self.get_context_data(form=form), status=429)
        tenant = self.request.tenant  # type: ignore[attr-defined]
        try:
            send_reset_link.delay(
                form.cleaned_data["email"],
                tenant.name,
                asked_address(self.request),
                tenant.language,
            )
        except OperationalError as error:
            log.warning("no link to a password sent: the queue is gone", words=str(error)[:200])
            form.add_error(
                None, _("No mail can be sent at the moment. Try again in a few minutes.")
            )
            return self.render_to_response(self.get_context_data(form=form), status=503)
        return redirect(str(self.success_url))


def _may_ask(request: HttpRequest) -> bool:
    """Count what is asked for from one network; a person's own limit is `accounts.mailing`'s."""
    schema: str = connection.schema_name  # type: ignore[attr-defined]
    standing = counter(settings.CACHES["default"]["LOCATION"]).count(
        schema, f"reset:{network_of(request)}", (MOST_ASKED, 0)
    )
    return standing is None or not standing.tightest.is_over


@login_not_required
def forgotten_sent(request: HttpRequest) -> HttpResponse:
    """Say that a link is on its way, if there is anybody to send it to."""
    hours = round(RESET_GOOD_FOR.total_seconds() / 3600)
    return render(request, "registration/forgotten_sent.html", {"hours": hours})


@method_decorator(never_cache, name="dispatch")
class PasswordView(library.PasswordChangeView):
    """Change one's own password. Every other session ends, this one goes on."""

    template_name = "accounts/password.html"
    success_url = reverse_lazy("accounts:password")

    def form_valid(self, form: Any) -> HttpResponse:
        person = cast("User", self.request.user)
        response = super().form_valid(form)
        record(Act.What.PASSWORD_CHANGED, person.email, by=person.email)
        messages.success(self.request, _("The password is changed. Other browsers are signed out."))
        return response


@require_POST
def everywhere(request: HttpRequest) -> HttpResponse:
    """Sign oneself out in every browser, this one included."""
    person = cast("User", request.user)
    end_sessions(person, by=person.email)
    logout(request)
    return redirect("accounts:login")
