"""Every mail that the product sends is about one tenant, goes to its people and leads to it.

The templates are found by looking, and so is who sends mail. Whoever adds one is told to say here
what makes it be sent.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.test.signals import template_rendered

from accounts.models import User
from notices.tasks import watch_tenant
from tests.tenants import queued
from tests.tenants.busy import busy
from tests.tenants.marks import Marked
from tests.tenants.test_isolation import BOTH_WAYS, pair
from tests.tenants.traces import assert_nothing, mail_of, watched

pytestmark = pytest.mark.django_db
FOLDER = settings.BASE_DIR / "templates"
# The modules that hand a mail to Django.
SENDERS = {"accounts/mailing.py", "notices/sending.py"}


def mails() -> set[str]:
    """Name the templates of mails: each in a folder of that name, or called so itself."""
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    return {
        name
        for name in found
        if "/mail/" in name or Path(name).stem == "mail"
        if not Path(name).name.startswith("_")
    }


def _invited(mine: Marked, client: Client, **more: Any) -> None:
    form = {"email": f"guest@{mine.word}.example", "role": "viewer", "language": "en"}
    assert client.post("/people/invite/", form, **more).status_code == 302
    person = mine.objects[User].pk
    assert client.post(f"/people/{person}/link/", **more).status_code == 302


def _reset(mine: Marked, client: Client, **more: Any) -> None:
    """By an administrator for somebody else, and by whoever has lost a password."""
    with mine.customer.tenant.entered():
        person = User.objects.create_user(f"lost@{mine.word}.example", "a password of some length")
    assert client.post(f"/people/{person.pk}/link/", **more).status_code == 302
    asking = Client(HTTP_HOST=mine.customer.domain)
    for email in (mine.customer.email, f"nobody@{mine.word}.example"):
        assert asking.post("/password/forgotten/", {"email": email}, **more).status_code == 302


def _by_command(mine: Marked, _client: Client, **_more: Any) -> None:
    slug, guest = mine.customer.tenant.slug, f"other@{mine.word}.example"
    call_command("invite", "--tenant", slug, guest, "--language", "de", stdout=io.StringIO())


def _noticed(mine: Marked, _client: Client, **_more: Any) -> None:
    with mine.customer.tenant.entered():
        watch_tenant.delay()


# What makes mails be sent, together all that there are.
DOORS: list[Callable[..., None]] = [_invited, _reset, _by_command, _noticed]


@contextmanager
def rendered() -> Iterator[set[str]]:
    found: set[str] = set()

    def note(template: Any, **_more: Any) -> None:
        found.add(str(template.name))

    template_rendered.connect(note)
    try:
        yield found
    finally:
        template_rendered.disconnect(note)


@BOTH_WAYS
def test_a_mail_is_of_one_tenant(
    marked: tuple[Marked, Marked], way: int, tmp_path: Path, settings: Any
) -> None:
    settings.SENDS_MAIL = True
    mine, others = pair(marked, way)
    queued.clear()
    with busy(*marked), watched(tmp_path, marked) as seen, rendered() as used:
        client = mine.customer.client()
        for door in DOORS:
            before = len(mail.outbox)
            # Whatever a proxy says, a mail leads to where its tenant answers.
            door(mine, client, HTTP_X_FORWARDED_HOST=others.customer.domain)
            for message, _ in queued.worked_off():
                assert_nothing(message.text, others, f"a message of {message.task}")
            assert len(mail.outbox) > before, f"{door.__name__} sent nothing"
        unsent = mails() - used
        assert not unsent, f"Say in DOORS of {__name__} what makes {unsent} be sent."
        for one in mail.outbox:
            text = mail_of(mine.customer, one)
            assert_nothing(text, others, f"“{one.subject}”")
            assert not [secret for secret in mine.secrets if secret in text], one.subject
            assert one.from_email == settings.DEFAULT_FROM_EMAIL
        told = "\n".join(mail_of(mine.customer, one) for one in mail.outbox)
        assert f"{mine.word}-source" in told, "what is its own is told, so another's would be seen"
        seen.assert_clean(mine, others)


def test_nobody_else_sends_mail() -> None:
    senders = {
        str(path.relative_to(settings.BASE_DIR))
        for app in (*settings.OWN_APPS, "monitoring", "config")
        for path in (settings.BASE_DIR / app).rglob("*.py")
        if "django.core.mail" in path.read_text().replace("django.core.mail.backends", "")
    }
    assert senders == SENDERS, (
        f"Have them send through {SENDERS}, or name them here and add to DOORS what makes them."
    )
