"""The API's pages in a browser: forms of raw JSON, for what the account may do."""

import html
import json
import re

import pytest

from accounts.models import User
from tests.conftest import Customer
from tests.ingestion.plant import make_source
from tests.meters.stored import Api, make_meter
from tests.meters.test_api_meters import MUIDS

FORM = re.compile(r'<form class="card needs-script" data-sends="(\w+)">(.*?)</form>', re.DOTALL)
TEXT = re.compile(r"<textarea[^>]*>(.*?)</textarea>", re.DOTALL)


def forms(customer: Customer, path: str) -> dict[str, dict | None]:
    """Return what each form of a page begins with."""
    response = customer.client().get(f"/api/v1/{path}", HTTP_ACCEPT="text/html")
    assert response.headers["content-type"].startswith("text/html")
    page = response.content.decode()
    assert 'src="/static/js/api-forms.js"' in page
    assert page.count("csrfmiddlewaretoken") > len(FORM.findall(page))
    return {
        method: json.loads(html.unescape(found[1])) if (found := TEXT.search(form)) else None
        for method, form in FORM.findall(page)
    }


@pytest.fixture
def paths(acme: Customer) -> dict[str, str]:
    with acme.tenant.entered():
        meter = make_meter(muid=MUIDS[0], name="Bakery")
        source = make_source("https://meters.example.com", meter, name="Grid operator")
    site = Api(acme).send("post", "sites/", {"name": "Mill <b>"}).json()
    return {
        "site": f"sites/{site['id']}/",
        "meter": f"meters/{MUIDS[0]}/",
        "feed": f"meters/{MUIDS[0]}/source/",
        "source": f"sources/{source.pk}/",
    }


def test_what_each_form_begins_with_works(acme: Customer, paths: dict[str, str]) -> None:
    api = Api(acme)
    for path in ("meters/", "sites/", "sources/", "runs/"):
        [(method, body)] = forms(acme, path).items()
        assert method == "POST"
        if path == "runs/":
            body = {**(body or {}), "meters": [MUIDS[0]]}
        answer = api.send(
            method, path, {**(body or {}), "name": "Made"} if "name" in body else body
        )
        assert answer.status_code in {201, 202}, answer.content
    # A change begins with what is there, and sent as it is changes nothing.
    for name, methods in (
        ("site", ["PATCH", "DELETE"]),
        ("meter", ["PATCH"]),
        ("source", ["PATCH", "DELETE"]),
        ("feed", ["PUT", "DELETE"]),
    ):
        found, before = forms(acme, paths[name]), api.get(paths[name]).json()
        assert list(found) == methods, name
        body = found[methods[0]]
        assert body
        assert all(before[field] == value for field, value in body.items())
        assert "token" not in body
        assert api.send(methods[0], paths[name], body).status_code == 200
        assert api.get(paths[name]).json() == before
        assert found.get("DELETE") is None


def test_nobody_is_shown_a_form_for_what_they_may_not(
    acme: Customer, paths: dict[str, str]
) -> None:
    with acme.tenant.entered():
        User.objects.update(is_superuser=False, is_staff=True)
    for path in ("meters/", "sites/", "sources/", paths["site"], paths["meter"], paths["source"]):
        assert forms(acme, path) == {}
    # Staff steers the queue.
    assert list(forms(acme, "runs/")) == ["POST"]
    assert forms(acme, "registers/") == {}


def test_a_problem_comes_as_a_page_with_the_form(acme: Customer) -> None:
    client = acme.client()
    answer = client.post(
        "/api/v1/sites/", {"nme": "x"}, content_type="application/json", HTTP_ACCEPT="text/html"
    )
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "HTTP 400 Bad Request" in page
    assert "did you mean name?" in page
    assert [method for method, _ in FORM.findall(page)] == ["POST"]
    made = client.post(
        "/api/v1/sites/", {"name": "x"}, content_type="application/json", HTTP_ACCEPT="text/html"
    )
    assert made.status_code == 201
    assert re.search(
        r'Location: <a href="http://acme.localhost/api/v1/sites/\d+/"', made.content.decode()
    )
