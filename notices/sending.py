"""Send letters: at least once, and hardly ever twice.

A letter is claimed, sent and only then put down as sent. A worker that is killed in between leaves
a claim that runs out, and the letter goes again; where the mail server had taken it already, it
has come twice. Both then carry the same Message-ID, by which mail programs know them for one.
"""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from notices.events import Event, language_of, read_events
from notices.models import UNWANTED, Letter, Preference, Trouble
from notices.unsubscribing import unsubscribe_path
from tenants.links import tenant_address, tenant_domain
from tenants.models import Tenant

log = structlog.get_logger(__name__)

# After each failure it is waited longer; after the last one the letter is given up, a day later.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
MOST_NAMED = 20
ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """How many letters were sent, failed (to be tried again) and were given up."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0


def send_due(
    tenant: Tenant, *, clock: Callable[[], datetime] = timezone.now, most: int = 200
) -> Sent:
    """Send what is due in the tenant, inside which this is called.

    Parameters
    ----------
    clock
        Tells the present, which passes while letters are sent.
    most
        How many in one call.
    """
    counts = {"sent": 0, "failed": 0, "given_up": 0}
    for letter in list(
        Letter.objects.due(clock()).select_related("user").order_by("due_at")[:most]
    ):
        if Letter.objects.claim(letter.pk, clock()):
            letter.refresh_from_db()
            counts[_send(letter, tenant, clock())] += 1
    return Sent(**counts)


def _send(letter: Letter, tenant: Tenant, now: datetime) -> str:
    """Send a claimed letter and put down how it went."""
    # Only what has not changed hands: a claim that ran out while the mail server dawdled is
    # somebody else's.
    held = Letter.objects.filter(pk=letter.pk, attempts=letter.attempts)
    preference = Preference.of(letter.user)
    events = [event for event in read_events(letter.events) if preference.wants(event.kind)]
    if not letter.user.is_active or not events:
        held.update(given_up_at=now, claimed_until=None, error=UNWANTED)
        return "given_up"
    try:
        with translation.override(language_of(letter.user, tenant)):
            mail = message(letter, events, tenant)
        mail.send()
    except (OSError, smtplib.SMTPException) as error:
        return _put_off(letter, error, now)
    held.update(sent_at=now, claimed_until=None, error="")
    return "sent"


def _put_off(letter: Letter, error: Exception, now: datetime) -> str:
    """Let a letter wait for its next attempt, or give it up after the last one."""
    held = Letter.objects.filter(pk=letter.pk, attempts=letter.attempts)
    words = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    log.warning("letter not sent", letter=letter.pk, attempts=letter.attempts, words=words)
    if letter.attempts > len(WAITS):
        held.update(given_up_at=now, claimed_until=None, error=words)
        return "given_up"
    due_at = now + WAITS[letter.attempts - 1]
    held.update(due_at=due_at, claimed_until=None, error=words)
    return "failed"


@dataclass(frozen=True, slots=True)
class Group:
    """Things of one kind, told under one heading.

    Attributes
    ----------
    events
        The first of them.
    more
        How many others there are.
    """

    title: str
    words: str
    events: list[Event]
    more: int


def grouped(events: list[Event]) -> list[Group]:
    """Group what is told, the worst first, each with its heading."""
    headings = [
        (
            Trouble.Kind.FAILING,
            False,
            _("Sources that keep failing"),
            _("Their meters get no new readings. It is tried again with every sweep."),
        ),
        (
            Trouble.Kind.SILENT,
            False,
            _("Meters that fell silent"),
            _("No reading for more than three days. What is missing is fetched once it is there."),
        ),
        (Trouble.Kind.SILENT, True, _("Meters that deliver again"), ""),
        (Trouble.Kind.FAILING, True, _("Sources that work again"), ""),
    ]
    found = []
    for kind, is_over, title, words in headings:
        some = [event for event in events if (event.kind, event.is_over) == (kind, is_over)]
        if some:
            named = [event for event in some if not event.more]
            more = max(len(named) - MOST_NAMED, 0) + sum(event.more for event in some)
            found.append(Group(title, words, named[:MOST_NAMED], more))
    return found


def message(letter: Letter, events: list[Event], tenant: Tenant) -> EmailMultiAlternatives:
    """Make the mail: plain text, the same as simple HTML, and a way to end it by one click."""
    address = tenant_address(tenant)
    unsubscribe = address + unsubscribe_path(tenant, letter.user)
    context = {
        "tenant": tenant,
        "groups": grouped(events),
        "zone": tenant.timezone,
        "address": address,
        "unsubscribe": unsubscribe,
        "subject": letter.subject,
    }
    made = EmailMultiAlternatives(
        subject=letter.subject,
        body=render_to_string("notices/mail.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[letter.user.email],
        headers={
            "Message-ID": f"<{letter.key}@{tenant_domain(tenant)}>",
            "Date": format_datetime(letter.created_at),
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        },
    )
    made.attach_alternative(render_to_string("notices/mail.html", context), "text/html")
    return made
