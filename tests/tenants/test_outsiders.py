"""Every operation that the OpenAPI document names, asked by an outsider for this tenant's things.

The document itself is walked, so an operation is tried the day it is added. Whoever adds one with
an argument that nobody has thought of is told to say here what it may be.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Model
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from ingestion.models import ReadingRevision, Run, Source
from meters.models import Register, Site
from tests.tenants.marks import NOWHERE, Marked, since
from tests.tenants.test_isolation import BOTH_WAYS, WATCHED, ask, assert_clean, contents, pair

pytestmark = pytest.mark.django_db
# What a number in an address is the number of, by the word before it.
NUMBERED: dict[str, type[Model]] = {
    "runs": Run,
    "sources": Source,
    "sites": Site,
    "registers": Register,
}
NO_SUCH_NUMBER = 7_000_000


@dataclass(frozen=True)
class Operation:
    """One operation, as the document describes it."""

    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    bodies: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def is_of_a_thing(self) -> bool:
        return "{" in self.path

    def address(self, marked: Marked, *, real: bool = True) -> str:
        """Lead to what a tenant has, or to what nobody has."""
        found = self.path
        for one in self.parameters:
            if one["in"] != "path":
                continue
            name = one["name"]
            before = self.path.split("{" + name + "}")[0].strip("/").split("/")[-1]
            if name == "muid":
                value: object = marked.own if real else NOWHERE
            elif name == "id" and before in NUMBERED:
                value = marked.objects[NUMBERED[before]].pk if real else NO_SUCH_NUMBER
            else:
                pytest.fail(f"Say in {__name__} what {{{name}}} of {self} may be, so it is tried.")
            found = found.replace("{" + name + "}", str(value))
        return found

    def questions(self, marked: Marked) -> Iterator[dict[str, str]]:
        """Ask in every way that the document knows: each choice, and each thing of the tenant's."""
        usual = {"start": since()} if "readings" in self.path else {}
        yield usual
        for one in self.parameters:
            if one["in"] != "query":
                continue
            choices = one["schema"].get("enum") or one["schema"].get("items", {}).get("enum")
            for value in choices or things_of(marked).get(one["name"], ()):
                yield {**usual, one["name"]: str(value)}

    def sent(self, marked: Marked) -> list[dict[str, Any]]:
        """Write the bodies that work, with the things of the tenant in their places."""
        found = [dict(body) for body in self.bodies]
        for (name, values), body in product(things_of(marked).items(), found):
            if name in body:
                body[name] = [str(values[0])] if isinstance(body[name], list) else values[0]
        return found


def things_of(marked: Marked) -> dict[str, tuple[Any, ...]]:
    """What names a thing of a tenant, in a query or in a body."""
    own, site, source = str(marked.own), marked.objects[Site], marked.objects[Source]
    return {
        "meter": (own,),
        "meters": (own,),
        "muid": (own,),
        "confirm": (own,),
        "site": (site.name,),  # type: ignore[attr-defined]
        "source": (source.pk, source.name),  # type: ignore[attr-defined]
        "run": (marked.objects[Run].pk,),
        "revision": (marked.objects[ReadingRevision].pk,),
        "search": (marked.word,),
    }


def operations() -> list[Operation]:
    """Walk the document."""
    document = SchemaGenerator(urlconf="config.urls_tenant").get_schema(request=None, public=True)
    found = []
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
            bodies = tuple(one["value"] for one in content.get("examples", {}).values())
            found.append(Operation(method, path, tuple(said.get("parameters", ())), bodies))
    assert len(found) > 40
    return found


@pytest.fixture(scope="module")
def every() -> list[Operation]:
    return operations()


def send(client: Client, operation: Operation, marked: Marked, path: str, **more: Any) -> Any:
    body = next(iter(operation.sent(marked)), {})
    if operation.method == "get":
        return ask(client, path, **more)
    return ask(
        client,
        path,
        operation.method,
        data=json.dumps(body),
        content_type="application/json",
        **more,
    )


@BOTH_WAYS
@pytest.mark.parametrize("who", ["nobody", "another tenant's token", "another tenant's session"])
def test_a_stranger_is_told_nothing(
    marked: tuple[Marked, Marked], every: list[Operation], way: int, who: str
) -> None:
    """At this tenant's own address: 401, whatever is asked for, and whether it is there or not."""
    outsider, home = pair(marked, way)
    client, more = Client(HTTP_HOST=home.customer.domain), {}
    if "token" in who:
        more = outsider.customer.bearer
    elif "session" in who:
        name = settings.SESSION_COOKIE_NAME
        client.cookies[name] = outsider.customer.client().cookies[name].value
    before = contents(home.customer)
    for operation in every:
        real, never = (operation.address(home, real=real) for real in (True, False))
        for query in operation.questions(home):
            text = "&".join(f"{name}={value}" for name, value in query.items())
            status, told = send(client, operation, home, f"{real}?{text}", **more)
            assert status == 401, (who, str(operation), query, status, told[-300:])
            assert_clean(real, told, home)
            assert (status, told) == send(client, operation, home, f"{never}?{text}", **more)
    assert contents(home.customer) == before


@WATCHED
@BOTH_WAYS
def test_at_home_nobody_finds_another_tenants_things(
    marked: tuple[Marked, Marked], every: list[Operation], way: int
) -> None:
    """With their own token, and with a session, at their own address: 404 for what is elsewhere."""
    mine, others = pair(marked, way)
    before = contents(others.customer)
    programs = (
        (mine.customer.client(signed_in=False), mine.customer.bearer),
        (mine.customer.client(), {}),
    )
    for client, more in programs:
        for operation in every:
            theirs, never = (operation.address(others, real=real) for real in (True, False))
            known = theirs + json.dumps(operation.sent(others), ensure_ascii=False)
            for query in operation.questions(others):
                text = "&".join(f"{name}={value}" for name, value in query.items())
                status, told = send(client, operation, others, f"{theirs}?{text}", **more)
                assert_clean(theirs, told, others, asked_for=f"{known}{text}")
                assert status < 500, (str(operation), query, told[-300:])
                if operation.is_of_a_thing:
                    assert status == 404, (str(operation), query, status, told[-300:])
                    # As absent as what never was anywhere.
                    assert send(client, operation, others, f"{never}?{text}", **more)[0] == 404
                elif "site" in query or "meter" in query:
                    assert status in {200, 400, 404}, (str(operation), query, told[-300:])
    assert contents(others.customer) == before


@WATCHED
@BOTH_WAYS
def test_what_a_body_names_is_looked_for_at_home(
    marked: tuple[Marked, Marked], every: list[Operation], way: int
) -> None:
    """One's own meter or source, with another tenant's meters, sources, revisions in the body."""
    mine, others = pair(marked, way)
    before = contents(others.customer)
    client, tried = mine.customer.client(signed_in=False), set()
    for operation, body in ((one, body) for one in every for body in one.sent(others)):
        path = operation.address(mine)
        status, told = ask(
            client,
            path,
            operation.method,
            data=json.dumps(body),
            content_type="application/json",
            **mine.customer.bearer,
        )
        known = path + json.dumps(body, ensure_ascii=False)
        assert_clean(path, told, others, asked_for=known)
        named = set(things_of(others)) & set(body)
        if named - {"muid", "meter"}:
            tried |= named
            assert status in {400, 404, 409, 422}, (str(operation), status, told[-300:])
        assert status < 500, (str(operation), told[-300:])
    assert tried >= {"meters", "source", "revision", "confirm", "site"}
    assert contents(others.customer) == before
