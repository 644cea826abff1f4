"""A tenant whose every text is an attack on whoever looks at it: pages, figures, files, mails."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.test import Client

from accounts.links import invitation_link
from accounts.mailing import send_invitation, send_reset
from accounts.models import User
from analytics.figures.writing import estimated
from meters.models import Meter
from tenants.lifecycle import suspend
from tests.conftest import Customer
from tests.tenants.marks import SHARED, Marked, mark, since
from tests.tenants.test_isolation import ask
from tests.tenants.walk import TENANT, paths

pytestmark = pytest.mark.django_db
# Leaves an attribute and a script, begins a tag of its own, and asks a template for a sum. It is
# as short as the shortest field that people fill in.
ATTACK = """'"></script><x-evil>{{9*9}}"""
TAG = "x-evil"
OWN = UUID("cccccccc-0000-4000-8000-00000000000c")


class Page(HTMLParser):
    """Finds the tag, and takes the data out that a page holds for its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.data: list[Any] = []
        self._kind = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._kind = dict(attrs).get("type") or "" if tag == "script" else ""
        for name, value in attrs:
            if name in {"href", "src", "action", "hx-get", "hx-post"}:
                scheme = (value or "").strip().lower()
                assert not scheme.startswith(("javascript:", "data:text", "vbscript:")), value

    def handle_data(self, data: str) -> None:
        if self._kind == "application/json" and data.strip():
            self.data.append(json.loads(data))

    def handle_endtag(self, tag: str) -> None:
        self._kind = ""


def check(path: str, html: str) -> Page:
    page = Page(html)
    assert TAG not in page.tags, f"{path} takes a stored text for markup"
    assert f"{TAG}&gt;81" not in html, f"{path} takes a stored text for a template"
    for figure in page.data:
        if isinstance(figure, dict) and "layout" in figure:
            shown = [one for one in texts(figure) if f"<{TAG}" in one]
            assert not shown, f"a figure of {path} hands markup to Plotly"
    return page


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from (key, *texts(one))
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


@pytest.fixture
def hostile(acme: Customer) -> Marked:
    found = mark(acme, word=ATTACK, value=17.3391, own=OWN)
    acme.tenant.name = f"Acme {ATTACK}"
    acme.tenant.save()
    return found


def test_no_page_takes_a_stored_text_for_markup(hostile: Marked) -> None:
    client = hostile.customer.client()
    with hostile.customer.tenant.entered():
        found = [path for _, path in paths(TENANT, hostile.fill)]
    days = f"start={since()}"
    # Where a name gets into a figure, and what is sent in pieces.
    found += [
        f"/meters/{SHARED}/?{days}&compare={OWN}",
        f"/meters/{SHARED}/?{days}&compare={OWN}&resolution=P1D",
        f"/meters/{SHARED}/?{days}&compare={ATTACK}",
        f"/meters/?search={ATTACK}",
        f"/ingestion/?source={ATTACK}",
        f"/sign-in/?next={ATTACK}",
    ]
    shown = figures = 0
    for path in found:
        status, html = ask(client, path, headers={"Accept": "text/html"})
        assert status < 500, path
        if "<html" in html or "<section" in html:
            page = check(path, html)
            shown += f"&lt;{TAG}" in html
            figures += sum(isinstance(one, dict) and "layout" in one for one in page.data)
    # It was there to be seen, and figures were among what was looked at.
    assert shown > 30
    assert figures > 3


def test_a_comparison_is_drawn_with_the_name_as_it_is(hostile: Marked) -> None:
    """Plotly reads some markup in names: `<a href>` among it. It gets what stands for the signs."""
    client = hostile.customer.client()
    _, html = ask(client, f"/meters/{SHARED}/?start={since()}&compare={OWN}")
    named = [
        text
        for figure in Page(html).data
        if isinstance(figure, dict) and "layout" in figure
        for text in texts(figure)
        if f"&lt;{TAG}" in text
    ]
    assert named, "the other meter's name is in the figure"
    assert estimated(f"&lt;{TAG}>").startswith("&lt;")


def test_the_api_in_a_browser_shows_it_as_text(hostile: Marked) -> None:
    client = hostile.customer.client()
    for path in ("/api/v1/meters/", "/api/v1/sites/", "/api/v1/sources/", "/api/v1/runs/"):
        _, html = ask(client, path, headers={"Accept": "text/html"})
        check(path, html)
        answer = client.get(path)
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert ATTACK in json.dumps(answer.json(), ensure_ascii=False).replace('\\"', '"')


def test_mails_show_it_as_text(hostile: Marked) -> None:
    tenant = hostile.customer.tenant
    with tenant.entered():
        person = User.objects.create_user("ada@example.com", first_name=ATTACK, invited_by=ATTACK)
        told = {"name": tenant.name, "address": "http://acme.localhost", "language": "en"}
        send_invitation(person, zone="Europe/Zurich", **told)
        send_reset(person, **told)
        assert invitation_link(person, "http://acme.localhost")
    assert len(mail.outbox) == 2
    for sent in mail.outbox:
        [(html, kind)] = sent.alternatives  # type: ignore[attr-defined]
        assert kind == "text/html"
        check(sent.subject, html)
        assert f"&lt;{TAG}" in html


def test_names_of_several_lines_make_no_header_of_a_mail(acme: Customer) -> None:
    with acme.tenant.entered():
        person = User.objects.create_user("ada@example.com")
        name = "Acme\r\nBcc: eve@example.com\r\n\r\n<x-evil>"
        send_reset(person, name=name, address="http://acme.localhost", language="en")
    [sent] = mail.outbox
    assert "\n" not in sent.subject
    assert sent.recipients() == ["ada@example.com"]
    assert "Bcc" not in sent.message()


def test_operators_see_it_as_text(hostile: Marked) -> None:
    operator = User.objects.create_superuser("operator@example.com", "an operator's password")
    suspend(hostile.customer.tenant, by=ATTACK, why=ATTACK)
    client = Client(HTTP_HOST="localhost")
    client.force_login(operator)
    key = hostile.customer.tenant.pk
    for path in ("tenants/tenant/", f"tenants/tenant/{key}/change/", "accounts/act/"):
        status, html = ask(client, f"/admin/{path}")
        assert status == 200
        check(path, html)
        assert f"&lt;{TAG}" in html, path
    status, html = ask(Client(HTTP_HOST=hostile.customer.domain), "/")
    assert status == 403
    check("the page of a suspended tenant", html)


def test_a_file_of_readings_holds_no_text_of_anybodys_choice(hostile: Marked) -> None:
    """Names are not in it; what is told of refused readings is made harmless (record_pages)."""
    with hostile.customer.tenant.entered():
        assert Meter.objects.filter(muid=SHARED, name__contains=ATTACK).exists()
    client = hostile.customer.client()
    for form in ("csv", "xlsx"):
        path = f"/api/v1/meters/{SHARED}/readings/?start={since()}&format={form}"
        assert TAG not in ask(client, path)[1]
