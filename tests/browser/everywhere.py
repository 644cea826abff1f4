"""Every page that a person can open in a tenant, found by walking its addresses."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from tests.browser.conftest import Site
from tests.tenants.walk import TENANT, Address, paths

# Routes that are not walked, by how they begin, and why.
NOT_WALKED = {
    "admin/": "Django's own pages; what the product adds to them is tested where it is made.",
    "api/docs/": "Swagger UI has barriers of its own; test_api.py works with it.",
    "api/reference/": "Redoc likewise.",
    "api/v1/": "Django REST framework's page for people; test_api.py works with it.",
}
# What stands behind an address beside its parameters, where it shows nothing without.
NEEDED = {"ingestion:slot": "at"}
# What an address leads to. The demo has all of it but what is made here, as a person would.
KNOWN = """
import json
from django.db import connection
from accounts.models import AllowedOrigin, ApiToken, User
from accounts.people import invite
from accounts.roles import Role
from accounts.tokens import make_token
from ingestion.corrections import Range, set_readings
from ingestion.models import ReadingRevision, Run, Source
from meters.models import Register, Site
from meters.profiles import last_reading_end
from meters.qualities import Quality
from notices.unsubscribing import unsubscribe_path

user = User.objects.get(email="demo@acme.localhost")
register = Register.objects.select_related("meter").get(meter__name="Household Kirchgasse 1")
meter = register.meter
at = last_reading_end(meter) // 86_400 * 86_400 - 5 * 86_400
where = Range(register, at, at + 4 * 900)
set_readings(where=where, value=0.2, quality=Quality.SUBSTITUTED, author=user, reason="Shown.")
origin, _ = AllowedOrigin.objects.get_or_create(origin="https://shown.example.com")
token = make_token(person=user, by=user.email, name="Shown on pages").token
email = "invited@acme.localhost"
person = User.objects.filter(email=email).first() or invite(
    email=email, role=Role.ANALYST, by=user.email
)

def first(model):
    return model.objects.values_list("pk", flat=True).first()

print(json.dumps({
    "muid": str(meter.muid),
    "at": meter.zone.at(at).isoformat(),
    "site": Site.objects.get(name="Bergstrasse 1").pk,
    "run": first(Run),
    "source": first(Source),
    "revision": first(ReadingRevision),
    "origin": origin.pk,
    "person": person.pk,
    # A link that is not good, which has a page as well. tests/accounts opens those that are.
    "uidb64": "x",
    "key": token.token_key,
    "feed": meter.feed.pk,
    "token": unsubscribe_path(connection.tenant, user).split("/")[-2],
}))
"""
NUMBERED = {
    "analytics:site": "site",
    "ingestion:run": "run",
    "ingestion:cancel": "run",
    "ingestion:retry": "run",
    "ingestion:pause": "source",
    "ingestion:resume": "source",
    "ingestion:retry-meter": "feed",
    "ingestion:restore": "revision",
    "accounts:remove-origin": "origin",
    "accounts:person": "person",
    "accounts:set-role": "person",
    "accounts:send-link": "person",
    "accounts:deactivate": "person",
    "accounts:reactivate": "person",
    "accounts:sign-out-person": "person",
    # A button, which answers no question; any number will do.
    "record:ask-for-gap": "run",
}


@dataclass(frozen=True)
class Found:
    """A page: the name of its address, and the path."""

    name: str
    path: str


def pages(page: Page, site: Site, upload: str) -> list[Found]:
    """Find the pages that somebody who is signed in can open.

    What answers with something else than a page (a file, data), leads elsewhere, or is a button is
    none. What can't be opened at all fails the test, lest a page be left out silently.

    Parameters
    ----------
    upload
        The path of a file that was uploaded and waits.
    """
    known: dict[str, Any] = json.loads(site.ask(KNOWN))

    def fill(address: Address, name: str) -> list[Any] | None:
        if address.route.startswith(tuple(NOT_WALKED)):
            return ["not-walked"] if name not in {"pk", "object_id"} else [0]
        if name == "pk" and address.name in NUMBERED:
            return [known[NUMBERED[address.name]]]
        if name == "pk" and address.route.startswith("ingestion/upload/"):
            return [upload.split("/")[-2]]
        return [known[name]] if name in known else None

    # Browsers alone find *.localhost by themselves.
    here = f"http://127.0.0.1:{site.port}"
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
    headers = {"Host": site.address.removeprefix("http://"), "Cookie": cookies}
    found = []
    for address, path in paths(TENANT, fill):
        if address.route.startswith(tuple(NOT_WALKED)):
            continue
        if needed := NEEDED.get(address.name):
            path += f"?{needed}={known[needed].replace('+', '%2B')}"
        answer = requests.get(here + path, headers=headers, allow_redirects=False, timeout=30)
        status = answer.status_code
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        is_file = "attachment" in answer.headers.get("content-disposition", "")
        # 405: a button, which is sent and not opened. Programs are told off in JSON.
        if status >= 500 or (is_page and status >= 400 and status != 405):
            pytest.fail(f"{address.name} ({path}) answered {status}, so it is not walked.")
        if status == 200 and is_page and not is_file:
            found.append(Found(address.name, path))
    return found
