"""The OpenAPI document: complete, without a warning, and true."""

import json
import re
from typing import Any

import pytest
import yaml
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from ingestion.api.readings_parameters import NAMES as SENDING
from meters.api.many import WHICH
from meters.api.query import NAMES
from meters.api.register_views import LIST_PARAMETERS as REGISTERS
from meters.api.views import LIST_PARAMETERS
from tests.conftest import RECORDED_IMPORT, Customer
from tests.meters.stored import Api, store_recordings

PROBLEM = "application/problem+json"
MEASUREMENT = "GET /meterdata/measurement"
PLAIN = {"string", "integer", "number", "boolean"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    made = SchemaGenerator(urlconf="config.urls_tenant").get_schema(request=None, public=True)
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


def operations(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def test_valid_and_without_a_warning(schema: dict[str, Any]) -> None:
    validate_schema(schema)
    assert not GENERATOR_STATS, (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache)


def test_each_address_stands_there_once(schema: dict[str, Any]) -> None:
    assert set(operations(schema)) == {
        "GET /api/v1/meters/",
        "POST /api/v1/meters/",
        "GET /api/v1/meters/{muid}/",
        "PATCH /api/v1/meters/{muid}/",
        "GET /api/v1/meters/{muid}/source/",
        "PUT /api/v1/meters/{muid}/source/",
        "DELETE /api/v1/meters/{muid}/source/",
        "GET /api/v1/sites/",
        "POST /api/v1/sites/",
        "GET /api/v1/sites/{id}/",
        "PATCH /api/v1/sites/{id}/",
        "DELETE /api/v1/sites/{id}/",
        "GET /api/v1/registers/",
        "GET /api/v1/registers/{id}/",
        "GET /api/v1/meters/{muid}/readings/",
        "GET /api/v1/meters/{muid}/analysis/",
        "GET /api/v1/meters/{muid}/coverage/",
        "GET /api/v1/meters/{muid}/totals/",
        "GET /api/v1/meters/{muid}/latest/",
        "GET /api/v1/latest/",
        "POST /api/v1/readings/",
        "GET /api/v1/readings/",
        "GET /api/v1/meters/{muid}/revisions/",
        "POST /api/v1/meters/{muid}/corrections/",
        "GET /api/v1/revisions/",
        "GET /api/v1/rejections/",
        "GET /api/v1/gaps/",
        "GET /api/v1/sources/",
        "POST /api/v1/sources/",
        "GET /api/v1/sources/{id}/",
        "PATCH /api/v1/sources/{id}/",
        "DELETE /api/v1/sources/{id}/",
        "POST /api/v1/sources/{id}/pause/",
        "POST /api/v1/sources/{id}/resume/",
        "GET /api/v1/runs/",
        "POST /api/v1/runs/",
        "GET /api/v1/runs/{id}/",
        "POST /api/v1/runs/{id}/cancel/",
        "POST /api/v1/runs/{id}/retry/",
        "GET /api/v1/runs/{id}/outcomes/",
        "POST /api/v1/meters/{muid}/erasure/",
        "GET /api/v1/erasures/",
        MEASUREMENT,
        "POST /api/v1/tokens/browser/",
    }


def test_every_operation_is_explained(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema).items():
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["security"], name
        assert {} not in operation["security"], name
        good = {status: one for status, one in operation["responses"].items() if status < "300"}
        assert good, name
        for status, response in good.items():
            assert ("content" in response) == (status != "204"), name
            if status == "204":
                continue
            assert next(iter(response["content"])) == "application/json"
            assert len(response["content"]) == 1 or "readings" in name
            assert response["content"]["application/json"]["examples"], (name, status)
        wrong = {status: one for status, one in operation["responses"].items() if status >= "400"}
        assert {"401", "403", "429"} <= set(wrong), name
        assert re.search(r"Needs the scope `(read|push|manage)`\.$", operation["description"]), name
        # The upstream's contract knows no other format, whatever is accepted.
        assert "406" in wrong or name == MEASUREMENT
        assert "404" in wrong or "{" not in name
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            assert content["examples"], name
            assert "400" in wrong, name
        for status, response in wrong.items():
            assert list(response["content"]) == [PROBLEM], (name, status)
            content = response["content"][PROBLEM]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert response["description"], (name, status)
            for example in content["examples"].values():
                assert example["value"]["status"] == int(status)


def test_every_parameter_is_there_and_explained(schema: dict[str, Any]) -> None:
    wanted = {
        "GET /api/v1/meters/": set(LIST_PARAMETERS),
        "GET /api/v1/meters/{muid}/": {"muid"},
        "GET /api/v1/meters/{muid}/readings/": {*NAMES, "muid", "format"},
        "GET /api/v1/readings/": {*WHICH, *NAMES, "format"},
        "GET /api/v1/meters/{muid}/analysis/": {
            *("muid", "start", "end", "register", "group", "include")
        },
        "GET /api/v1/meters/{muid}/coverage/": {"muid", "start", "end", "timezone", "register"},
        "GET /api/v1/meters/{muid}/totals/": {
            *("muid", "start", "end", "period", "edges", "timezone", "register")
        },
        "GET /api/v1/meters/{muid}/latest/": {"muid", "timezone"},
        "GET /api/v1/latest/": {"meter", "site", "timezone"},
        "POST /api/v1/readings/": {*SENDING, "Idempotency-Key"},
        "GET /api/v1/meters/{muid}/revisions/": {
            *("muid", "page", "page_size", "start", "end", "register", "act", "since")
        },
        "POST /api/v1/meters/{muid}/corrections/": {"muid"},
        "GET /api/v1/revisions/": {
            *("page", "page_size", "meter", "register", "act", "since", "run")
        },
        "GET /api/v1/gaps/": {"page", "page_size", "state", "meter"},
        "GET /api/v1/rejections/": {
            *("page", "page_size", "reason", "meter", "run", "since", "until")
        },
        "GET /api/v1/sources/": {"page", "page_size", "search", "state", "ordering"},
        "GET /api/v1/sites/": {"page", "page_size", "search", "ordering"},
        "GET /api/v1/registers/": set(REGISTERS),
        "GET /api/v1/sources/{id}/": {"id"},
        "GET /api/v1/runs/": {
            *("page", "page_size", "state", "trigger", "source", "meter", "since", "until")
        },
        "POST /api/v1/runs/": {"Idempotency-Key"},
        "GET /api/v1/runs/{id}/": {"id"},
        "GET /api/v1/runs/{id}/outcomes/": {"id", "page", "page_size", "show"},
        "POST /api/v1/meters/{muid}/erasure/": {"muid"},
        "GET /api/v1/erasures/": {"page", "page_size"},
        MEASUREMENT: {"muid", "measurement", "limit", "start", "stop"},
    }
    for name, operation in operations(schema).items():
        parameters = operation.get("parameters", [])
        # What is not listed has those of its address alone.
        usual = set(re.findall(r"{(\w+)}", name))
        assert {one["name"] for one in parameters} == wanted.get(name, usual), name
        for one in parameters:
            assert one["name"] in {"muid", "id", "format"} or one["description"], one["name"]


def shape(value: object) -> object:
    """Names and types, for comparing an example with what really comes."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_the_examples_are_what_really_comes(
    schema: dict[str, Any], acme: Customer, recordings
) -> None:
    store_recordings(acme, recordings)
    api, found = Api(acme), operations(schema)

    def examples(name: str, status: str = "200") -> list[dict[str, Any]]:
        content = next(iter(found[name]["responses"][status]["content"].values()))
        return [example["value"] for example in content["examples"].values()]

    days = {"start": "2023-02-01", "end": "2023-02-03", "resolution": "P1D"}
    rows, columns = examples("GET /api/v1/meters/{muid}/readings/")
    assert api.readings(RECORDED_IMPORT, **days) == rows
    assert api.readings(RECORDED_IMPORT, **days, layout="columns") == columns
    [one] = examples("GET /api/v1/meters/{muid}/")
    real = api.get(f"meters/{RECORDED_IMPORT}/").json()
    assert set(one) == set(real)
    assert shape(one["registers"]) == shape(real["registers"])
    [page] = examples("GET /api/v1/meters/")
    assert page["results"] == [one]
    assert set(page) == set(api.get("meters/").json())
    [covered] = examples("GET /api/v1/meters/{muid}/coverage/")
    two_days = {"start": "2023-02-01", "end": "2023-02-03"}
    assert api.get(f"meters/{RECORDED_IMPORT}/coverage/", two_days).json() == covered
    [problem] = examples("GET /api/v1/meters/{muid}/coverage/", "400")
    export = two_days | {"register": problem["errors"][0]["value"]}
    assert api.get(f"meters/{RECORDED_IMPORT}/coverage/", export).json() == problem
    [totals] = examples("GET /api/v1/meters/{muid}/totals/")
    dates = {"edges": "2023-02-01,2023-02-02,2023-02-03"}
    assert api.get(f"meters/{RECORDED_IMPORT}/totals/", dates).json() == totals
    [problem] = examples("GET /api/v1/meters/{muid}/totals/", "400")
    week = {"period": problem["errors"][0]["value"]}
    assert api.get(f"meters/{RECORDED_IMPORT}/totals/", week).json() == problem
    [latest] = examples("GET /api/v1/meters/{muid}/latest/")
    real = api.get(f"meters/{RECORDED_IMPORT}/latest/").json()
    assert shape(real | {"name": "", "site": ""}) == shape(latest)
    for name in ("start", "end", "value", "quality", "unit"):
        assert real["registers"][0][name] == latest["registers"][0][name]
    [many] = examples("GET /api/v1/latest/")
    assert many == {"meters": [latest]}
    assert api.get("latest/", {"meter": RECORDED_IMPORT}).json()["meters"] == [real]
    [two] = examples(MEASUREMENT)
    query = "measurement=energy&limit=2&start=2023-02-01&stop=2023-03-01"
    address = f"/meterdata/measurement?muid={RECORDED_IMPORT}&{query}"
    assert api.client.get(address, **acme.bearer).json() == two
    # The problems are those that such requests meet.
    [problem] = examples("GET /api/v1/meters/{muid}/readings/", "400")
    query = {error["parameter"]: error["value"] for error in problem["errors"]}
    query["end"] = "2023-02-08"
    assert api.get(f"meters/{RECORDED_IMPORT}/readings/", query).json() == problem
    [problem] = examples("GET /api/v1/meters/", "400")
    assert api.get("meters/", {"page": "7"}).json() == problem
    [problem] = examples("GET /api/v1/meters/{muid}/", "404")
    [muid] = re.findall(r"[0-9a-f-]{36}", problem["detail"])
    assert api.get(f"meters/{muid}/").json() == problem
    [problem] = examples("GET /api/v1/meters/", "406")
    assert api.get("meters/", HTTP_ACCEPT="text/csv").json() == problem
    [problem] = examples(MEASUREMENT, "400")
    wrong = address.replace("start=2023-02-01", "start=2023-02-01T00:00")
    assert api.client.get(wrong, **acme.bearer).json() == problem
    [problem] = examples(MEASUREMENT, "404")
    unknown = address.replace(RECORDED_IMPORT, problem["errors"][0]["value"])
    assert api.client.get(unknown, **acme.bearer).json() == problem
    [problem] = examples("GET /api/v1/meters/", "401")
    answer = api.client.get("/api/v1/meters/", HTTP_AUTHORIZATION="Bearer lg_wrong")
    assert answer.json() == problem


def test_the_answers_keep_to_the_schema(schema: dict[str, Any], acme: Customer, recordings) -> None:
    """Every field that comes is described, and every one described as required comes."""
    store_recordings(acme, recordings)
    api, parts = Api(acme), schema["components"]["schemas"]
    answer = api.readings(RECORDED_IMPORT, start="2023-02-01", end="2023-02-03", resolution="P1D")

    def keeps(value: dict[str, Any], name: str) -> None:
        assert set(value) <= set(parts[name]["properties"]), name
        assert set(parts[name].get("required", [])) <= set(value), name

    covered = api.get(f"meters/{RECORDED_IMPORT}/coverage/", {"start": "2023-01-31"}).json()
    keeps(covered, "Coverage")
    keeps(covered["registers"][0], "RegisterCoverage")
    keeps(covered["registers"][0]["gaps"][0], "CoverageGap")
    totals = api.get(f"meters/{RECORDED_IMPORT}/totals/").json()
    keeps(totals, "Totals")
    keeps(totals["registers"][0], "RegisterTotals")
    keeps(totals["registers"][0]["periods"][0], "Period")
    latest = api.get(f"meters/{RECORDED_IMPORT}/latest/").json()
    keeps(latest, "Latest")
    keeps(latest["registers"][0], "LatestReading")
    keeps(answer, "Readings")
    keeps(answer["series"][0], "Series")
    keeps(answer["series"][0]["rows"][0], "Bucket")
    columns = api.readings(RECORDED_IMPORT, start="2023-02-01", end="2023-02-03", layout="columns")
    keeps(columns["series"][0]["columns"], "Columns")
    for said in (answer["series"][0], latest["registers"][0], totals["registers"][0]):
        assert said["direction"] in parts["DirectionEnum"]["enum"]
    assert answer["series"][0]["statistic"] in parts["StatisticEnum"]["enum"]
    assert latest["registers"][0]["quality"] in parts["QualityEnum"]["enum"]
    meter = api.get(f"meters/{RECORDED_IMPORT}/").json()
    keeps(meter, "Meter")
    keeps(meter["registers"][0], "Register")
    problem = api.get("meters/", {"page": "x"}).json()
    keeps(problem, "Problem")
    keeps(problem["errors"][0], "ParameterProblem")


def test_nothing_is_of_a_kind_that_nobody_knows(schema: dict[str, Any]) -> None:
    """Generated clients would let everything through there."""
    kinds = {"$ref", "allOf", "oneOf", "enum", "properties", "additionalProperties"}

    def known(one: dict[str, Any], where: str) -> None:
        assert kinds & set(one) or one.get("type") in {*PLAIN, "array"}, where
        for name, part in one.get("properties", {}).items():
            known(part, f"{where}.{name}")
        for part in (*one.get("oneOf", ()), *one.get("allOf", ())):
            known(part, where)
        if one.get("type") == "array":
            known(one["items"], where)
        if "additionalProperties" in one:
            known(one["additionalProperties"], where)

    for name, one in schema["components"]["schemas"].items():
        known(one, name)
    for name, operation in operations(schema).items():
        for parameter in operation.get("parameters", []):
            known(parameter["schema"], f"{name} {parameter['name']}")


def test_a_page_always_tells_of_its_neighbours(schema: dict[str, Any]) -> None:
    pages = {
        name: one
        for name, one in schema["components"]["schemas"].items()
        if name.startswith("Paginated")
    }
    assert pages
    for name, one in pages.items():
        assert set(one["required"]) == {"count", "next", "previous", "results"}, name


def test_the_root_lists_every_collection(schema: dict[str, Any], acme: Customer) -> None:
    found = [re.fullmatch(r"GET /api/v1/(\w+)/", name) for name in operations(schema)]
    wanted = {one[1] for one in found if one} | {"schema"}
    assert {"meters", "readings", "runs", "sources", "erasures"} < wanted
    listed = Api(acme).get("").json()
    assert set(listed) == wanted
    for address in listed.values():
        assert address.startswith("http://acme.localhost/api/v1/")
        answer = Api(acme).get(address.partition("/api/v1/")[2])
        assert answer.status_code == 200, address


def test_it_is_served(acme: Customer) -> None:
    api = Api(acme)
    served = api.get("schema/")
    assert served.status_code == 200
    assert set(yaml.safe_load(served.content)["paths"]) >= {"/api/v1/meters/"}
    page = acme.client().get("/api/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text)
    assert acme.client(signed_in=False).get("/api/docs/").status_code == 302


def test_the_browsable_pages_hold_nothing_inline(acme: Customer, recordings) -> None:
    store_recordings(acme, recordings)
    client = acme.client()
    for path in ("", "meters/", f"meters/{RECORDED_IMPORT}/readings/", "meters/?page=x"):
        response = client.get(f"/api/v1/{path}", HTTP_ACCEPT="text/html")
        assert response.headers["content-type"].startswith("text/html")
        text = response.content.decode()
        assert "<style" not in text
        assert " style=" not in text
        assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text)
        assert f"HTTP {response.status_code}" in text


def test_every_address_answers_options(schema: dict[str, Any], acme: Customer) -> None:
    api = Api(acme)
    for path, methods in schema["paths"].items():
        asked = path.format(muid=RECORDED_IMPORT, id=1)
        response = api.client.options(asked, **acme.bearer)
        assert response.status_code == 200, path
        allowed = response.headers["allow"].lower().split(", ")
        assert set(methods) <= set(allowed), path
        assert set(allowed) - {"head", "options"} == set(methods), path
