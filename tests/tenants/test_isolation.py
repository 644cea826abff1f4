"""Each address of a tenant, asked by its superuser, shows nothing of the other tenant."""

import itertools
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from config.request_ids import HEADER as REQUEST_ID
from ingestion.models import Run, Source
from meters.api.files import WRITERS
from meters.models import Register, Site
from tests.conftest import Customer
from tests.tenants.marks import NOWHERE, SHARED, Marked, since
from tests.tenants.traces import in_redis, owner_of
from tests.tenants.unpacking import words_in
from tests.tenants.walk import PUBLIC, TENANT, paths

pytestmark = pytest.mark.django_db
# Searched is also what is left behind beside the answers.
WATCHED = pytest.mark.usefixtures("leaves_no_trace")
# Nothing distinguishes the two, so the way back is left to the long trials.
BOTH_WAYS = pytest.mark.parametrize(
    "way", [pytest.param(1, id="acme"), pytest.param(-1, id="nordwind", marks=pytest.mark.soak)]
)
# How a list is asked for one thing; each word below is looked for in each of them.
SEARCHES = ["q", "search", "name", "site__name", "show"]


def words(response: Any) -> str:
    """Read an answer: its headers, and its body as its reader would see it, unpacked."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    # But for the identifier that each request has of its own, and for the length, which is chance
    # where an answer is packed, equal answers are equal.
    chance = {REQUEST_ID, "Content-Length", "Content-Encoding"}
    head = [f"{name}: {text}" for name, text in response.headers.items() if name not in chance]
    return "\n".join([*head, words_in(body)])


def ask(client: Client, path: str, method: str = "get", **more: Any) -> tuple[int, str]:
    """Ask; what the answer did to the database is undone, and so is what it broke."""
    client.raise_request_exception = False
    with transaction.atomic():
        # As browsers do; what is packed on the way holds the same.
        response = getattr(client, method)(path, HTTP_ACCEPT_ENCODING="gzip", **more)
        found = response.status_code, words(response)
        transaction.set_rollback(True)
    return found


def pair(marked: tuple[Marked, Marked], way: int) -> tuple[Marked, Marked]:
    mine, others = marked[::way]
    return mine, others


def assert_clean(path: str, text: str, others: Marked, *, asked_for: str = "") -> None:
    shown = [mark for mark in others.texts if mark in text and mark not in asked_for]
    assert not shown, f"{path} shows {shown} of {others.customer.tenant}"


def measurement_of(muid: UUID) -> list[tuple[str, str]]:
    """A question in the upstream's own words."""
    asked = {"muid": str(muid), "measurement": "energy", "limit": "500"}
    return [*asked.items(), ("start", since()), ("stop", "2100-01-01")]


# What an address of the API names by a number.
NUMBERED: dict[str, type[Model]] = {
    "runs": Run,
    "sources": Source,
    "sites": Site,
    "registers": Register,
}


def check_write(client: Client, method: str, path: str, mine: Marked, others: Marked) -> None:
    """Send an empty body: to what is one's own, to what is the other's, and to nothing."""
    model = NUMBERED.get(path.split("/")[3])
    numbers = [one.objects[model].pk if model else 0 for one in (mine, others)]
    places = ((mine.own, numbers[0]), (others.own, numbers[1]), (NOWHERE, 7_000_000))
    for (muid, number), is_own in zip(places, (True, False, False), strict=True):
        asked = path.format(muid=muid, id=number)
        status, text = ask(
            client,
            asked,
            method=method,
            data={},
            content_type="application/json",
            **mine.customer.bearer,
        )
        if is_own or "{" not in path:
            # Told what it lacks or what is in the way; where nothing need be said, it is done.
            assert status in {200, 202, 204, 400, 409}, (method, asked, text[-300:])
        else:
            assert status == 404, (method, asked, text[-300:])
        assert_clean(asked, text, others, asked_for=asked)


@WATCHED
@BOTH_WAYS
def test_every_address_shows_its_own_tenant_alone(marked: tuple[Marked, Marked], way: int) -> None:
    mine, others = pair(marked, way)
    client = mine.customer.client()
    with mine.customer.tenant.entered():
        found = paths(TENANT, mine.fill)
    unseen, broken = {*mine.texts, f"{mine.word}-upstream-secret"}, []
    for address, path in found:
        if address.name.endswith("logout"):
            continue
        status, text = ask(client, path)
        assert_clean(path, text, others)
        unseen -= {mark for mark in unseen if mark in text}
        if status >= 500:
            broken.append(path)
    assert not broken, "answered with an error of the server"
    # The other side of the coin: what is its own was there to be seen.
    assert f"{mine.word}-upstream-secret" in unseen, "the upstream's token is never shown"
    missing = unseen - {f"{mine.word}-upstream-secret"}
    assert not missing, "no address shows these, so this test would not notice a leak of them"


@WATCHED
@BOTH_WAYS
def test_what_belongs_to_the_other_is_nowhere(marked: tuple[Marked, Marked], way: int) -> None:
    mine, others = pair(marked, way)
    client = mine.customer.client()
    with others.customer.tenant.entered():
        found = paths(TENANT, others.fill)
    for address, path in found:
        if address.name.endswith("logout"):
            continue
        status, text = ask(client, path)
        assert_clean(path, text, others, asked_for=path)
        # With its own muid or number the other's thing is as absent as one that never was.
        never = path.replace(str(others.own), str(NOWHERE)).replace("/7000", "/9000")
        if never != path:
            assert ask(client, never)[0] == status, path
            assert status in {302, 403, 404, 405} or path.startswith("/admin/autocomplete"), path


@WATCHED
@BOTH_WAYS
def test_every_operation_of_the_api_answers_with_its_own_readings(
    marked: tuple[Marked, Marked], way: int
) -> None:
    mine, others = pair(marked, way)
    client = mine.customer.client(signed_in=False)
    schema = SchemaGenerator().get_schema(request=None, public=True)
    values = 0
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if (method, path) == ("post", "/api/v1/readings/"):
                # Sending has its outsider's test in tests/ingestion/test_api_sending.py.
                continue
            if (method, path) == ("post", "/api/v1/tokens/browser/"):
                # Tokens have theirs in tests/accounts.
                continue
            if method != "get":
                check_write(client, method, path, mine, others)
                continue
            options = [[("start", since())]]
            in_path = []
            for parameter in operation.get("parameters", []):
                kind = parameter["schema"]
                if parameter["in"] == "path":
                    in_path.append(parameter["name"])
                elif "enum" in kind:
                    options += [[("start", since()), (parameter["name"], v)] for v in kind["enum"]]
            known = {"muid", "format", "id"}
            model = NUMBERED.get(path.removeprefix("/api/v1/").split("/")[0])
            number = mine.objects[model].pk if model else 0
            assert set(in_path) <= known, f"{path}: no argument is known for {in_path}"
            for muid, chosen in itertools.product((SHARED, mine.own), options):
                query = chosen if "readings" in path else chosen[1:]
                if path == "/meterdata/measurement":
                    query = measurement_of(muid)
                status, text = ask(
                    client,
                    path.format(muid=muid, format=".json", id=number),
                    data=dict(query),
                    **mine.customer.bearer,
                )
                assert status in {200, 400}, (path, query, text[-300:])
                assert_clean(path, text, others)
                values += f"{mine.value:.6g}" in text
    assert values > 4, "the readings were there to be seen"


@WATCHED
@BOTH_WAYS
def test_every_file_is_opened(marked: tuple[Marked, Marked], way: int) -> None:
    """What is looked for in files is found there, so another tenant's would be as well."""
    mine, _ = pair(marked, way)
    client = mine.customer.client()
    files = [f"/api/v1/meters/{mine.own}/readings/?start={since()}&format={one}" for one in WRITERS]
    for path in (*files, f"/meters/{mine.own}/report/"):
        status, text = ask(client, path)
        assert status == 200, path
        shown = [f"{mine.value:.6g}", str(mine.own)] if "format" in path else [f"{mine.word}-meter"]
        assert all(one in text for one in shown), path


def test_what_lies_in_redis_says_whose_it_is(
    marked: tuple[Marked, Marked], redis_cleared: None
) -> None:
    owners = {}
    for one in marked:
        ask(one.customer.client(), "/api/v1/meters/")
        with one.customer.tenant.entered():
            cache.set("some", {"of": one.word})
    for key, text in in_redis(settings.CACHES["default"]["LOCATION"]).items():
        owners[key] = owner_of(key)
        for one in marked:
            assert (one.word in text) == (owners[key] in one.customer.domain and "some" in key)
    counted = [owner for key, owner in owners.items() if "rate" in key]
    assert set(counted) == {"acme", "nordwind"}, "requests were counted, so there was something"


@WATCHED
@BOTH_WAYS
def test_searches_find_nothing_of_the_other(marked: tuple[Marked, Marked], way: int) -> None:
    mine, others = pair(marked, way)
    client = mine.customer.client()
    with mine.customer.tenant.entered():
        found = {path for address, path in paths(TENANT, mine.fill) if not address.parameters}
    # Not the whole of any mark, for a page repeats what it was asked.
    for path, word in itertools.product(sorted(found), [others.word, str(others.own)[:13]]):
        if "logout" in path or "sign-out" in path:
            continue
        query = "&".join(f"{name}={quote(word)}" for name in SEARCHES)
        _, text = ask(client, f"{path}?{query}")
        assert_clean(path, text, others)


def contents(tenant: Customer) -> dict[str, str]:
    """A digest of every table of a tenant."""
    schema = tenant.tenant.schema_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(
                "SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) "
                f'FROM "{schema}"."{table}" t'
            )
            found[table] = cursor.fetchone()[0]
    return found


@WATCHED
@BOTH_WAYS
def test_nothing_that_is_sent_changes_the_other(marked: tuple[Marked, Marked], way: int) -> None:
    mine, others = pair(marked, way)
    before = contents(others.customer)
    client = mine.customer.client()
    with others.customer.tenant.entered():
        foreign = paths(TENANT, others.fill)
    with mine.customer.tenant.entered():
        own = paths(TENANT, mine.fill)
    form = {
        "post": "yes",
        "action": "delete_selected",
        "_selected_action": [one.pk for one in others.objects.values()],
        "name": "changed",
        "usable_password": "false",
    }
    for address, path in {*foreign, *own}:
        if address.name.endswith("logout"):
            continue
        in_admin = address.route.startswith("admin/")
        for method in ("post",) if in_admin else ("post", "put", "patch", "delete"):
            data: Any = form if method == "post" else None
            status, text = ask(client, path, method, data=data)
            assert_clean(path, text, others, asked_for=path)
            if address.name.startswith("api:") and address.name != "api:browser-token":
                assert status in {200, 400, 404, 405, 409, 415}, (method, path)
    assert contents(others.customer) == before


def test_the_bare_domain_names_no_tenant(marked: tuple[Marked, Marked]) -> None:
    client = Client(HTTP_HOST="localhost")

    def fill(address: Any, name: str) -> list[Any]:
        return {"app_label": ["tenants", "meters"], "url": ["meters/meter/"]}.get(name, [1])

    for _, path in paths(PUBLIC, fill):
        status, text = ask(client, path)
        assert status in {200, 302, 404, 405}, path
        for one in marked:
            assert_clean(path, text, one)
            assert one.customer.tenant.schema_name not in text.lower(), path
