"""Mails to one person: an invitation, or a link to choose another password."""

import smtplib
from datetime import timedelta
from email.utils import make_msgid
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.acts import record
from accounts.links import RESET_GOOD_FOR, invitation_ends, invitation_link, reset_link
from accounts.models import Act, User

log = structlog.get_logger(__name__)

# Somebody who asks for one link after the other gets one in so long: a mailbox is easily filled.
BETWEEN_LINKS = timedelta(minutes=2)


class MailError(Exception):
    """The mail server did not take a mail; the text says what it said."""


def send_invitation(person: User, *, name: str, address: str, zone: str, language: str) -> None:
    """Send the invitation that a person has.

    Parameters
    ----------
    name, address, zone, language
        Of the tenant: what it is called, where its pages begin, and what holds where the person
        has chosen nothing else.

    Raises
    ------
    MailError
        The mail server did not take it. The link is good all the same.
    """
    with translation.override(person.language or language):
        subject = _("Invitation to {name}").format(name=name)
        _send(
            person,
            subject,
            "invitation",
            {
                "name": name,
                "by": person.invited_by,
                "link": invitation_link(person, address),
                "until": invitation_ends(person),
                "zone": zone,
            },
            address,
        )


def send_reset(person: User, *, name: str, address: str, language: str) -> None:
    """Send a link by which a person chooses another password; the parameters as above."""
    with translation.override(person.language or language):
        subject = _("Choose another password for {name}").format(name=name)
        hours = round(RESET_GOOD_FOR.total_seconds() / 3600)
        context = {"name": name, "link": reset_link(person, address), "hours": hours}
        _send(person, subject, "reset", context, address)


def send_reset_once(email: str, *, name: str, address: str, language: str) -> bool:
    """Send a link to whom an address belongs, if to anybody; return whether one was sent.

    Whoever asked learns nothing of it. Nobody is sent one again before a while has passed.
    """
    now = timezone.now()
    found = User.objects.filter(email__iexact=email, is_active=True).first()
    if found is None or not found.has_usable_password():
        return False
    waited = User.objects.filter(pk=found.pk).exclude(link_sent_at__gt=now - BETWEEN_LINKS)
    # One statement, so that of two askers one sends.
    if not waited.update(link_sent_at=now):
        return False
    try:
        send_reset(found, name=name, address=address, language=language)
    except MailError:
        # Who tries again should not be told to wait.
        User.objects.filter(pk=found.pk).update(link_sent_at=found.link_sent_at)
        raise
    record(Act.What.PASSWORD_LINK_SENT, found.email, by="sign-in page")
    return True


def _send(person: User, subject: str, kind: str, context: dict[str, object], address: str) -> None:
    told = {**context, "subject": subject, "address": address, "email": person.email}
    made = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=render_to_string(f"accounts/mail/{kind}.txt", told),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[person.email],
        headers={
            "Message-ID": make_msgid(domain=urlsplit(address).hostname or "localhost"),
            "Auto-Submitted": "auto-generated",
        },
    )
    made.attach_alternative(render_to_string(f"accounts/mail/{kind}.html", told), "text/html")
    try:
        made.send()
    except (OSError, smtplib.SMTPException) as error:
        words = f"{type(error).__name__}: {error}"[:200]
        log.warning("mail to a person not sent", kind=kind, person=person.email, words=words)
        raise MailError(words) from error
