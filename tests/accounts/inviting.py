"""Somebody invited, and what they do with the link."""

import io
import re
from typing import Any

from django.core.management import call_command
from django.test import Client

from accounts.models import Act, User
from tests.conftest import Customer

ADA = "ada@example.com"
PASSWORD = "an entirely good password"
LINK = re.compile(r"http://acme\.localhost(?::\d+)?(/(?:invitation|password)/[\w-]+/[\w-]+/)")


def invited(acme: Customer, **more: Any) -> Any:
    form = {"email": ADA, "role": "analyst", "language": "en"} | more
    return acme.client().post("/people/invite/", form, follow=True)


def ada(acme: Customer) -> User:
    with acme.tenant.entered():
        return User.objects.get(email=ADA)


def acts(customer: Customer) -> list[tuple[str, str, str]]:
    """What is on record, the first first: what, of whom, by whom."""
    with customer.tenant.entered():
        found = Act.objects.order_by("pk").exclude(what__startswith="token")
        return list(found.values_list("what", "about", "by"))


def link_in(text: str) -> str:
    found = set(LINK.findall(text))
    assert len(found) == 1, text
    return str(found.pop())


def opened(client: Client, link: str) -> str:
    """Follow a link to the page on which a password is chosen."""
    answer = client.get(link)
    assert answer.status_code == 302, answer.content
    where = str(answer.headers["Location"])
    assert where.endswith("/set-password/"), "the signature is not left in the address"
    return where


def choose(client: Client, where: str, password: str = PASSWORD) -> Any:
    return client.post(where, {"new_password1": password, "new_password2": password})


def command(*args: str) -> str:
    out = io.StringIO()
    call_command(*args, stdout=out, stderr=out)
    return out.getvalue()
