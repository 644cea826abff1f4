"""What the API says when something is wrong: one shape, in words, with an example that works."""

from urllib.parse import parse_qsl

import pytest
from django.test.client import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from meters.api.query import LAYOUTS, NAMES
from tests.conftest import Customer
from tests.meters.stored import IMPORT, STATE, Api, Readings, at, make_meter, make_register, write

MUID = "11111111-2222-4333-8444-555555555555"
PATH = f"meters/{MUID}/readings/"


@pytest.fixture
def api(acme: Customer) -> Api:
    with acme.tenant.entered():
        meter = make_meter(muid=MUID)
        start = at("2023-02-01", "Europe/Zurich")
        write(make_register(meter, IMPORT), Readings.steady(start, start + 2 * 86_400))
        make_register(meter, STATE)
    return Api(acme)


def assert_problem(response, status: int) -> dict:
    """Hold the one shape of errors still."""
    assert response.status_code == status, response.content
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    titles = {
        400: "Bad Request",
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed",
        406: "Not Acceptable",
        409: "Conflict",
        413: "Request Entity Too Large",
        415: "Unsupported Media Type",
        422: "Unprocessable Entity",
        429: "Too Many Requests",
        503: "Service Unavailable",
        500: "Internal Server Error",
    }
    assert set(body) <= {"type", "title", "status", "detail", "errors"}
    assert body["type"] == "about:blank"
    assert body["title"] == titles[status]
    assert body["status"] == status
    assert len(body["detail"]) > 10
    for error in body.get("errors", []):
        assert set(error) == {"parameter", "value", "message", "example"}
        assert all(isinstance(text, str) for text in error.values())
        assert error["message"]
    return body


def one_error(response) -> dict:
    body = assert_problem(response, 400)
    [error] = body["errors"]
    assert body["detail"] == error["message"]
    return error


def mended(query: dict[str, str], errors: list[dict]) -> dict[str, str]:
    """Follow what the errors say: take each example in place of what was sent."""
    query = dict(query)
    for error in errors:
        if error["parameter"] in {*NAMES, "format"}:
            query[error["parameter"]] = error["example"]
        else:
            del query[error["parameter"]]
            query |= dict(parse_qsl(error["example"]))
    return query


def assert_examples_work(api: Api, query: dict[str, str], path: str = PATH) -> None:
    """An example is never refused itself, and following all of them leads to an answer."""
    taken: set[str] = set()
    for _ in range(3):
        response = api.get(path, query)
        if response.status_code == 200:
            return
        errors = assert_problem(response, 400)["errors"]
        assert not taken & {error["parameter"] for error in errors}, errors
        taken |= {error["parameter"] for error in errors}
        query = mended(query, errors)
    assert api.get(path, query).status_code == 200


WRONG = [
    ("start", "2023-02-01T00:00", "no offset"),
    ("start", "2023-02-01T00:00:00", "no offset"),
    ("start", "yesterday", "no date or time"),
    ("start", "2023-02-30", "no date or time"),
    ("start", "1890-01-01", "1890 lies outside"),
    ("start", "2023-02-01T00:00:00.5Z", "whole second"),
    ("end", "2023-02-03T00:00", "no offset"),
    ("end", "tomorrow", "no date or time"),
    ("end", "2023-02-01", "does not lie after the start"),
    ("end", "2022-02-01", "does not lie after the start"),
    ("end", "2023-02-01T00:00:00+01:00", "does not lie after the start"),
    ("timezone", "Europe/Zürich", "did you mean Europe/Zurich?"),
    ("timezone", "Mars", "not a time zone"),
    ("resolution", "PT1M", "PT15M is the finest that fits"),
    ("resolution", "hourly", "write one of PT5M, PT15M"),
    ("resolution", "PT7H", "is not a resolution"),
    (
        "register",
        "1.7.0",
        "1-0:1.7.0*255 here; there are 1-0:1.29.0*255, 1-0:1.8.0*255",
    ),
    ("register", "export", "no register export here"),
    ("register", "bezug", "Or write import or export."),
    ("statistic", "median", "not one of sum, mean, min, max"),
    ("statistic", "max", "counts up; of it there are advances (sum)"),
    ("unit", "kW/h", "not one of Wh, kWh, MWh, W, kW"),
    ("unit", "kvarh", "can't be given in kvarh; it is kept in kWh"),
    ("quality", "good", "not one of measured, estimated"),
    ("start", "-P7", "no date or time"),
    ("start", "-P900Y", "out of the years"),
    ("fill", "nothing", "not one of null, none, zero"),
    ("layout", "table", "not one of rows, columns"),
    ("format", "yaml", "there are json, api, csv, xlsx, parquet, arrow"),
    ("resolutoin", "PT1H", "did you mean resolution?"),
    ("interval", "15", "is not a parameter here"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_a_wrong_parameter(api: Api, name: str, value: str, words: str) -> None:
    query = {"start": "2023-02-01", "end": "2023-02-03", name: value}
    error = one_error(api.get(PATH, query))
    assert error["parameter"] == name
    assert error["value"] == value
    assert words in error["message"]
    assert api.get(PATH, mended(query, [error])).status_code == 200
    # Alone it is mended as well.
    assert_examples_work(api, {name: value})


def test_an_example_works_with_its_plus_unescaped(api: Api) -> None:
    query = {"start": "2023-02-01T12:30:00+01:00", "end": "2023-02-01T12:00:00+01:00"}
    error = one_error(api.get(PATH, query))
    assert "+" in error["example"]
    text = f"start=2023-02-01T12:30:00%2B01:00&end={error['example']}"
    assert api.get(PATH, text).status_code == 200


def test_several_wrong_parameters_are_all_named(api: Api) -> None:
    query = {"start": "x", "end": "y", "resolution": "z", "timezone": "t", "fill": "f", "ze": "ro"}
    body = assert_problem(api.get(PATH, query), 400)
    assert {error["parameter"] for error in body["errors"]} == set(query)
    assert body["detail"] == "Several parameters are wrong."
    assert_examples_work(api, query)


def test_too_many_points(api: Api) -> None:
    query = {"start": "2000-01-01", "end": "2024-01-01", "resolution": "PT15M"}
    error = one_error(api.get(PATH, query))
    assert error["parameter"] == "resolution"
    assert "100,000 are the most" in error["message"]
    assert f"Ask for {error['example']}" in error["message"]
    answer = api.readings(MUID, **{**query, "resolution": error["example"]})
    assert sum(len(series["rows"]) for series in answer["series"]) <= 100_000
    # Also where no resolution was asked for.
    unasked = {name: query[name] for name in ("start", "end")}
    error = one_error(api.get(PATH, unasked))
    assert error["value"] == "PT15M"
    assert_examples_work(api, unasked)


def test_the_cap_is_exact_enough(api: Api) -> None:
    """Two registers of 50,000 points each are answered, a day more is not."""
    query = {"start": "2023-01-01T00:00:00Z", "timezone": "UTC", "resolution": "PT15M"}
    assert api.get(PATH, {**query, "end": "2024-06-01T00:00:00Z"}).status_code == 200
    assert api.get(PATH, {**query, "end": "2024-06-05T00:00:00Z"}).status_code == 400


def test_a_parameter_given_twice(api: Api) -> None:
    response = api.get(PATH, "start=2023-02-01&end=2023-02-03&start=2023-02-02")
    error = one_error(response)
    assert (error["parameter"], error["value"]) == ("start", "2023-02-02")
    assert "given 2 times" in error["message"]


@pytest.mark.parametrize("path", [PATH, f"meters/{MUID}/", "meters/", ""])
def test_what_else_can_be_wrong(api: Api, path: str) -> None:
    bare, full = api.client, f"/api/v1/{path}"
    assert_problem(bare.get(full), 401)
    assert_problem(bare.get(full, HTTP_AUTHORIZATION="Bearer lg_0123456789"), 401)
    assert_problem(bare.get(full, HTTP_AUTHORIZATION="Bearer"), 401)
    assert_problem(bare.get(full, HTTP_AUTHORIZATION="Bearer two words"), 401)
    assert_problem(bare.get(full, HTTP_AUTHORIZATION="Bearer \xff\xfe"), 401)
    assert_problem(bare.get(full, HTTP_AUTHORIZATION="Basic YWRtaW46YWRtaW4="), 401)
    taken = {"meters/": ["post"], f"meters/{MUID}/": ["patch"]}.get(path, [])
    for method in ("post", "put", "patch", "delete"):
        if method in taken:
            response = getattr(bare, method)(full, b"x", "text/plain", **api.customer.bearer)
            assert_problem(response, 415)
            continue
        response = getattr(bare, method)(full, **api.customer.bearer)
        assert_problem(response, 405)
        assert "GET" in response.headers["allow"]
    assert_problem(api.get(path, HTTP_ACCEPT="application/xml"), 406)
    assert_problem(api.get(path, "format=xml"), 400)
    assert_problem(api.get(path, "&".join(f"p{i}=1" for i in range(2000))), 400)


def test_unauthorized_says_how_to_ask(api: Api) -> None:
    response = api.client.get(f"/api/v1/{PATH}")
    assert response.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in response.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/meters/00000000-0000-0000-0000-000000000000/",
        "/api/v1/meters/00000000-0000-0000-0000-000000000000/readings/",
        "/api/v1/meters/not-a-muid/",
        "/api/v1/meters/not-a-muid/readings/",
        "/api/v1/meters/not-a-muid/readings/?start=x",
        "/api/v1/nothing/",
        "/api/v2/meters/",
        "/api/nothing",
        "/api/",
        "/api",
    ],
)
def test_what_is_not_there(api: Api, path: str) -> None:
    body = assert_problem(api.client.get(path, **api.customer.bearer), 404)
    assert "here" in body["detail"] or "listed at /api/docs/" in body["detail"]


def test_the_schema_refuses_in_the_same_shape(api: Api) -> None:
    assert_problem(api.client.get("/api/v1/schema/"), 401)
    assert_problem(api.get("schema/", HTTP_ACCEPT="image/png"), 406)


def test_a_failure_on_our_side(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("meters.api.views.readings_answer", fail)
    client = Client(HTTP_HOST=api.customer.domain, raise_request_exception=False)
    response = client.get(f"/api/v1/{PATH}", **api.customer.bearer)
    body = assert_problem(response, 500)
    assert "secret" not in str(body)


MOMENTS = [
    "2023-02-01", "2023-02-03", "1991-01-01", "2099-12-31", "2099-12-31T23:59:59Z", "0001-01-01",
    "9999-12-31", "2023-02-01T00:00:00+01:00", "2023-02-01T00:00:00 01:00", "2023-02-01T24:00Z",
    "2023-W05-3", "20230201T000000Z", "2023-02-01T00:00:00+99:99", "2023-03-26T02:30:00", "",
]  # fmt: skip
ZONES = ["Europe/Zurich", "Asia/Kathmandu", "Pacific/Apia", "../etc/passwd", "UTC", "CET\0", "é"]
RESOLUTIONS = ["PT1M", "PT15M", "PT1H", "P1D", "P1Y", "PT0M", "PT1H30M", "P1DT1H", "PT99999M", "١"]
VALUES = {
    "start": MOMENTS,
    "end": MOMENTS,
    "timezone": ZONES,
    "resolution": RESOLUTIONS,
    "register": [IMPORT, STATE, "1.7.0", "0100011D00FF", "999.1.1"],
    "fill": ["null", "none", "zero"],
    "layout": LAYOUTS,
}
anything = st.text(max_size=30)
parameter = st.one_of(
    *(
        st.tuples(st.just(name), st.one_of(st.sampled_from(values), anything))
        for name, values in VALUES.items()
    ),
    st.tuples(anything, anything),
)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(query=st.lists(parameter, max_size=6).map(dict))
@example(query={"start": "2099-12-31", "end": "2023-02-01"})
@example(query={"end": "1991-01-01", "resolution": "nothing"})
@example(query={"start": "1991-01-01", "end": "2099-12-31"})
@example(query={"start": "\0", "\0": "\0"})
@example(query={"start": "2023-02-01", "timezone": "\ud800".encode("utf-8", "replace").decode()})
def test_nothing_gives_an_error_of_ours(api: Api, query: dict[str, str]) -> None:
    query.pop("format", None)
    assert_examples_work(api, query)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.binary(max_size=40), accept=st.text(st.characters(max_codepoint=255), max_size=30))
def test_no_bytes_give_an_error_of_ours(api: Api, text: bytes, accept: str) -> None:
    raw = text.decode("latin-1").replace("#", "")
    for path in (PATH, "meters/", f"meters/{MUID}/"):
        full = f"/api/v1/{path}"
        response = api.client.generic(
            "GET", full, QUERY_STRING=raw, HTTP_ACCEPT=accept, **api.customer.bearer
        )
        assert response.status_code in {200, 400, 406}, (raw, accept)
