"""Sources set up and changed over the API: by staff, with a token that nobody sees again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from ingestion.models import Run, Source
from ingestion.services import plan_run
from tests.conftest import Customer
from tests.ingestion.plant import make_meter, make_source
from tests.meters.stored import Api, account
from tests.meters.test_api_problems import assert_problem, one_error

TOKEN = "s3cr3t-t0ken-of-some-length"
BODY = {"name": "Grid operator", "address": "https://meters.example.com", "token": TOKEN}
ALLOWED = ("ingestion.add_source", "ingestion.change_source", "ingestion.delete_source")


@pytest.fixture
def api(acme: Customer) -> Api:
    return Api(acme)


def make(api: Api, **more: object) -> dict[str, Any]:
    response = api.send("post", "sources/", {**BODY, **more})
    assert response.status_code == 201, response.content
    assert "s3cr3t" not in response.content.decode()
    found: dict[str, Any] = response.json()
    return found


def token(api: Api) -> str:
    with api.customer.tenant.entered():
        return Source.objects.get().token


def test_set_up_with_all_that_can_be_said(api: Api) -> None:
    said = {
        "key_header": "X-API-Key",
        "measurement": "power",
        "limit": 1000,
        "interval": 3600,
        "sweep_minutes": 60,
        "reread_hours": 24,
        "backfill_from": "2023-01-01",
        "requests_per_minute": 120,
        "concurrent_requests": 2,
        "repairs_gaps": False,
        "note": "Measured by the grid operator.",
    }
    response = api.send("post", "sources/", {**BODY, **said})
    made = response.json()
    address = f"http://{api.customer.domain}/api/v1/sources/{made['id']}/"
    assert response.headers["location"] == address
    assert api.client.get(address, **api.customer.bearer).json() == made
    told = {name: made[name] for name in said if name not in {"key_header", "backfill_from"}}
    assert told == {name: said[name] for name in told}
    assert made["backfill_from"] == "2023-01-01T00:00:00Z"
    assert (made["state"], made["meters"]) == ("swept", 0)
    assert not [name for name in made if "token" in name or "key" in name]
    with api.customer.tenant.entered():
        stored = Source.objects.get()
        assert (stored.token, stored.key_header) == (TOKEN, "X-API-Key")
        assert stored.next_sweep_at <= timezone.now()
        [entry] = LogEntry.objects.all()
        assert entry.change_message == "Set up over the API."


WRONG = [
    ({"name": ""}, "name", "can't be empty"),
    ({"name": 1}, "name", "a text"),
    ({"address": "meters.example.com"}, "address", "begins with https://"),
    ({"address": "ftp://meters.example.com"}, "address", "begins with https://"),
    ({"address": "https://ada:pw@meters.example.com"}, "address", "Leave name and password out"),
    ({"address": "https://meters.example.com?key=1"}, "address", "no “?”"),
    ({"address": "https://169.254.169.254"}, "address", "cloud's metadata address"),
    ({"address": "http://10.1.2.3/"}, "address", "a private address"),
    ({"address": "http://0x7f.1/", "token": ""}, "address", "a loopback address"),
    ({"address": "http://localhost:6379"}, "address", "a name of this machine"),
    ({"address": "https://e.example/" + "x" * 600}, "address", "At most 500"),
    ({"address": "https://a\0b"}, "address", "Null characters"),
    ({"token": 7}, "token", "a text"),
    ({"token": "two words"}, "token", "without a blank"),
    ({"token": "tökén"}, "token", "ASCII"),
    ({"token": "x" * 5000}, "token", "At most 4096"),
    ({"key_header": "Host"}, "key_header", "can't be the header"),
    ({"limit": 9}, "limit", "At least 10"),
    ({"limit": 100_001}, "limit", "At most 100,000"),
    ({"limit": "100"}, "limit", "a whole number"),
    ({"limit": 100.5}, "limit", "a whole number"),
    ({"limit": True}, "limit", "a whole number"),
    ({"limit": None}, "limit", "not null"),
    ({"interval": 59}, "interval", "At least 60"),
    ({"sweep_minutes": 0}, "sweep_minutes", "At least 1"),
    ({"reread_hours": -1}, "reread_hours", "At least 0"),
    ({"reread_hours": 2**31}, "reread_hours", "At most"),
    ({"repairs_gaps": "yes"}, "repairs_gaps", "true or false"),
    ({"repairs_gaps": 1}, "repairs_gaps", "true or false"),
    ({"backfill_from": "2023-01-01T00:00"}, "backfill_from", "no offset"),
    ({"note": "n" * 201}, "note", "At most 200"),
    ({"state": "paused"}, "state", "…/pause/"),
    ({"is_active": False}, "is_active", "…/pause/"),
    ({"failures": 0}, "failures", "worked out"),
    ({"adress": "x"}, "adress", "did you mean address?"),
]


@pytest.mark.parametrize(("changed", "field", "words"), WRONG)
def test_what_can_not_be_taken(
    api: Api, settings: Any, changed: dict[str, Any], field: str, words: str
) -> None:
    settings.UPSTREAM_ALLOW = []
    response = api.send("post", "sources/", {**BODY, **changed})
    error = one_error(response)
    assert error["parameter"] == field
    assert words in error["message"]
    # What may be a token is not sent back, whatever is wrong with it.
    assert field != "token" or error["value"] == ""
    with api.customer.tenant.entered():
        assert not Source.objects.exists()
    made = make(api)
    error = one_error(api.send("patch", f"sources/{made['id']}/", changed))
    assert (error["parameter"], words in error["message"]) == (field, True)
    assert api.get(f"sources/{made['id']}/").json() == made
    assert token(api) == TOKEN


def test_a_name_is_taken_once(api: Api) -> None:
    make(api)
    other = make(api, name="Other")
    assert (
        "“Grid operator” already"
        in assert_problem(api.send("post", "sources/", BODY), 409)["detail"]
    )
    renamed = api.send("patch", f"sources/{other['id']}/", {"name": "Grid operator"})
    assert_problem(renamed, 409)


def test_changed_and_asked_again_at_once(api: Api) -> None:
    made = make(api)
    path = f"sources/{made['id']}/"
    with api.customer.tenant.entered():
        until = timezone.now() + timedelta(minutes=9)
        due = datetime(2099, 1, 1, tzinfo=UTC)
        Source.objects.update(failures=6, rests_until=until, last_failure="x", next_sweep_at=due)
    assert api.get(path).json()["state"] == "resting"
    changed = api.send("patch", path, {"limit": 100, "note": "slow"})
    assert changed.status_code == 200
    assert (changed.json()["limit"], changed.json()["state"]) == (100, "swept")
    # The sweeps keep their beat, and the token is still there.
    assert changed.json()["next_sweep_at"] == "2099-01-01T00:00:00Z"
    assert token(api) == TOKEN
    api.send("patch", path, {"token": "an-other"})
    assert token(api) == "an-other"
    api.send("patch", path, {"token": ""})
    assert token(api) == ""
    with api.customer.tenant.entered():
        log = list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))
    assert log[1:] == ["Over the API: limit, note.", *["Over the API: token."] * 2]


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example.com",
        "http://meters.example.com",
        "https://meters.example.com:8443",
        "https://elsewhere.example.com/{muid}.json",
    ],
)
def test_a_token_goes_nowhere_else_by_itself(api: Api, address: str) -> None:
    """Who may change a source but knows no token can't have it sent to a host of theirs."""
    path = f"sources/{make(api)['id']}/"
    error = one_error(api.send("patch", path, {"address": address}))
    assert error["parameter"] == "token"
    assert "Give the token again" in error["message"]
    assert api.get(path).json()["address"] == BODY["address"]
    same_host = {"address": "https://meters.example.com/v2"}
    assert api.send("patch", path, same_host).status_code == 200
    assert token(api) == TOKEN
    assert api.send("patch", path, {"address": address, "token": "theirs"}).status_code == 200
    assert token(api) == "theirs"
    assert api.send("patch", path, {"token": ""}).status_code == 200
    # Where there is none, none is asked for.
    assert api.send("patch", path, {"address": "https://third.example.com"}).status_code == 200


def test_a_token_whose_key_is_lost_can_be_replaced(api: Api, settings: Any) -> None:
    path = f"sources/{make(api)['id']}/"
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LWEtc2VjcmV0LW9ubHktZm9yLXRoZS1saW50ZXI="]
    assert api.send("patch", path, {"note": "x"}).status_code == 200
    assert api.send("patch", path, {"token": "again"}).status_code == 200
    assert token(api) == "again"


def test_paused_and_resumed(api: Api) -> None:
    made = make(api)
    path = f"sources/{made['id']}/"
    with api.customer.tenant.entered():
        run = plan_run(source=Source.objects.get(), trigger=Run.Trigger.SCHEDULE)
        Run.objects.update(state=Run.State.RUNNING, worker="w")
    for _ in range(2):
        paused = api.send("post", f"{path}pause/")
        assert paused.status_code == 200, paused.content
        assert (paused.json()["state"], paused.json()["paused_by"]) == (
            "paused",
            api.customer.email,
        )
        assert paused.json()["next_sweep_at"] is None
    with api.customer.tenant.entered():
        run.refresh_from_db()
        assert (run.state, run.worker) == (Run.State.QUEUED, "")
    resumed = api.send("post", f"{path}resume/", {})
    assert (resumed.json()["state"], resumed.json()["paused_by"]) == ("swept", "")
    assert datetime.fromisoformat(resumed.json()["next_sweep_at"]) <= timezone.now()
    assert "not a field" in one_error(api.send("post", f"{path}pause/", {"now": 1}))["message"]
    assert_problem(api.send("post", "sources/7000000/pause/"), 404)
    assert_problem(api.get(f"{path}pause/"), 405)


def test_one_that_feeds_meters_is_not_deleted(api: Api) -> None:
    path = f"sources/{make(api)['id']}/"
    with api.customer.tenant.entered():
        source = make_source("https://b.example.com", make_meter(), make_meter(), name="Fed")
        run = Run.objects.create(source_id=Source.objects.get(name=BODY["name"]).pk)
    body = assert_problem(api.send("delete", f"sources/{source.pk}/"), 409)
    assert body["detail"] == "“Fed” feeds 2 meters. Give them another source first."
    assert api.send("delete", path).status_code == 204
    assert_problem(api.send("delete", path), 404)
    # Its runs stay on record.
    assert api.get(f"runs/{run.pk}/").json()["source"] is None


def test_who_may(acme: Customer, nordwind: Customer, api: Api) -> None:
    path = f"sources/{make(api)['id']}/"
    sent = [
        ("post", "sources/", {**BODY, "name": "Other"}),
        ("patch", path, {"note": "x"}),
        ("post", f"{path}pause/", None),
        ("post", f"{path}resume/", None),
        ("delete", path, None),
    ]
    # Sources are for staff: the permission alone is not enough, nor is staff alone.
    clerk = account(acme, *ALLOWED)
    staff = account(acme, staff=True, email="staff@example.com")
    both = account(acme, *ALLOWED, staff=True, email="both@example.com")
    outsider = Api(nordwind)
    for method, where, body in sent:
        assert_problem(clerk.send(method, where, body), 403)
        assert_problem(clerk.send(method, where, body, HTTP_AUTHORIZATION=""), 401)
        steered = where.endswith(("pause/", "resume/"))
        assert staff.send(method, where, body).status_code == (200 if steered else 403)
        if where != "sources/":
            assert_problem(outsider.send(method, where, body), 404)
    refused = assert_problem(staff.send("post", "sources/", BODY), 403)
    assert refused["detail"].endswith("by staff with the permission ingestion.add_source alone.")
    assert [both.send(*one).status_code for one in sent] == [201, 200, 200, 200, 204]
