"""Runs, their outcomes and refused readings over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingestion.api.runs_examples import ONE_OUTCOME, ONE_REJECTION, ONE_RUN, RUN
from ingestion.models import Run, Source
from tests.conftest import Customer
from tests.ingestion.plant import make_meter, make_source
from tests.ingestion.record_pages.plenty import DAY, make_outcome, make_run, refuse
from tests.meters.stored import Api
from tests.meters.test_api_schema import shape


@pytest.fixture
def source(acme: Customer) -> Source:
    with acme.tenant.entered():
        return make_source("https://meters.example.com", name="Grid operator")


def numbers(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in answer.json()["results"]]


def test_a_run_says_what_it_was_asked_what_it_cost_and_what_it_brought(
    acme: Customer, source: Source
) -> None:
    with acme.tenant.entered():
        bakery, mill, shop = (make_meter(name) for name in ("Bakery", "Mill", "Shop"))
        run = make_run(
            source,
            state=Run.State.PARTIAL,
            only=[bakery.muid, mill.muid],
            start=DAY - timedelta(days=1),
            stop=DAY,
            asked_from=DAY - timedelta(hours=20),
            asked_to=DAY,
            started_at=DAY,
            finished_at=DAY + timedelta(seconds=12.5),
            attempts=2,
            meters=3,
            failed=1,
            new=4,
            corrected=1,
            unchanged=90,
            rejected=1,
            requests=7,
            retries=2,
            bytes=4096,
        )
        make_outcome(run, bakery, new=4, rejected=1, warnings=["A clock is odd.", "Late."])
        make_outcome(run, mill, error="Not there.")
        make_outcome(run, shop, corrected=1, warnings=["Late."])
    api = Api(acme)
    found = api.get(f"runs/{run.pk}/").json()
    assert {name: found[name] for name in ("source", "trigger", "state", "seconds")} == {
        "source": "Grid operator",
        "trigger": "schedule",
        "state": "partial",
        "seconds": 12.5,
    }
    assert found["start"] == "2023-01-31T08:00:00Z"
    assert (found["asked_from"], found["asked_to"]) == (
        "2023-01-31T12:00:00Z",
        "2023-02-01T08:00:00Z",
    )
    assert found["only"] == [str(bakery.muid), str(mill.muid)]
    assert (found["meters"], found["failed"], found["attempts"]) == (3, 1, 2)
    assert [found[n] for n in ("new", "corrected", "unchanged", "rejected")] == [4, 1, 90, 1]
    assert (found["requests"], found["retries"], found["bytes"]) == (7, 2, 4096)
    assert found["warnings"] == [
        {"words": "Late.", "meters": 2},
        {"words": "A clock is odd.", "meters": 1},
    ]
    assert found["errors"] == [{"words": "Not there.", "meters": 1}]

    listed = api.get(f"runs/{run.pk}/outcomes/").json()["results"]
    assert [one["name"] for one in listed] == ["Bakery", "Mill", "Shop"]
    assert listed[1]["error"] == "Not there."
    for show, names in {
        "failed": ["Mill"],
        "warned": ["Bakery", "Shop"],
        "changed": ["Bakery", "Shop"],
    }.items():
        some = api.get(f"runs/{run.pk}/outcomes/", {"show": show}).json()["results"]
        assert [one["name"] for one in some] == names, show
    # What the documentation shows is what comes.
    assert shape(found) == shape(dict(ONE_RUN.value, only=[""], start="", stop=""))
    assert shape(listed[0]) == shape(dict(ONE_OUTCOME.value, warnings=[""]))
    assert set(api.get("runs/").json()["results"][0]) == set(RUN)


def test_runs_are_narrowed_down(acme: Customer, source: Source) -> None:
    with acme.tenant.entered():
        other = make_source("https://other.example.com", name="Other")
        meter = make_meter()
        first = make_run(source)
        second = make_run(other, state=Run.State.FAILED, created_at=DAY + timedelta(days=1))
        third = make_run(None, trigger=Run.Trigger.FILE, created_at=DAY + timedelta(days=2))
        make_outcome(second, meter)
    api = Api(acme)
    assert numbers(api.get("runs/")) == [third.pk, second.pk, first.pk]
    for query, wanted in [
        ({"state": "failed"}, [second]),
        ({"trigger": "file"}, [third]),
        ({"source": "Grid operator"}, [first]),
        ({"meter": str(meter.muid)}, [second]),
        ({"since": "2023-02-02"}, [third, second]),
        ({"until": "2023-02-02T00:00:00+00:00"}, [first]),
        ({"since": "2023-02-02", "until": "2023-02-03"}, [second]),
        ({"page_size": "1", "page": "2"}, [second]),
        ({"source": "nobody"}, []),
    ]:
        assert numbers(api.get("runs/", query)) == [run.pk for run in wanted], query


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("runs/", {"state": "done"}, "state"),
        ("runs/", {"since": "2023-02-01T00:00:00"}, "since"),
        ("runs/", {"meter": "none"}, "meter"),
        ("runs/", {"page": "0"}, "page"),
        ("runs/", {"colour": "red"}, "colour"),
        ("rejections/", {"reason": "odd"}, "reason"),
        ("rejections/", {"run": "9" * 40}, "run"),
        ("rejections/", {"until": "tomorrow"}, "until"),
        ("rejections/", {"meter": "\0"}, "meter"),
    ],
)
def test_what_can_not_be_taken_is_named(
    acme: Customer, path: str, query: dict[str, str], parameter: str
) -> None:
    answer = Api(acme).get(path, query)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    [error] = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert Api(acme).get(path, {parameter: error["example"]}).status_code in {200, 400}


def test_refused_readings_with_their_raw_text(acme: Customer, source: Source) -> None:
    with acme.tenant.entered():
        meter, run = make_meter("Bakery"), make_run(source)
        stranger = "11111111-0000-4000-8000-000000000000"
        one = refuse(1, meter=meter, run=run, muid=str(meter.muid), times=3)
        two = refuse(2, reason="meter", muid=stranger, last_seen_at=DAY + timedelta(days=1))
    api = Api(acme)
    assert numbers(api.get("rejections/")) == [two.pk, one.pk]
    for query, wanted in [
        ({"reason": "meter"}, [two]),
        ({"meter": str(meter.muid)}, [one]),
        ({"meter": stranger}, [two]),
        ({"run": str(run.pk)}, [one]),
        ({"since": "2023-02-02"}, [two]),
        ({"until": "2023-02-02"}, [one]),
    ]:
        assert numbers(api.get("rejections/", query)) == [r.pk for r in wanted], query
    [_, found] = api.get("rejections/").json()["results"]
    assert found["raw"] == '{"number": 1}'
    assert (found["times"], found["run"], found["meter"]) == (3, run.pk, str(meter.muid))
    assert shape(found) == shape(ONE_REJECTION.value)


def test_another_tenant_finds_none_of_it(
    acme: Customer, nordwind: Customer, source: Source
) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        run = make_run(source)
        make_outcome(run, meter, error="Not there.")
        refuse(1, meter=meter, run=run)
    outsider = Api(nordwind)
    for path in (f"runs/{run.pk}/", f"runs/{run.pk}/outcomes/"):
        answer = outsider.get(path)
        assert answer.status_code == 404
        assert answer.json()["detail"] == (
            f"There is no run {run.pk} here; those past are kept for a while."
        )
    assert numbers(outsider.get("runs/")) == numbers(outsider.get("rejections/")) == []
    assert numbers(outsider.get("rejections/", {"meter": str(meter.muid)})) == []
    for path in ("runs/", f"runs/{run.pk}/", "rejections/"):
        anonymous = outsider.client.get(f"/api/v1/{path}", HTTP_AUTHORIZATION="")
        assert anonymous.status_code == 401
        assert outsider.send("delete", path).status_code == 405


def test_a_number_beyond_all_numbers_is_no_run(acme: Customer) -> None:
    assert Api(acme).get(f"runs/{10**30}/").status_code == 404


def test_a_page_costs_three_questions_however_long_it_is(acme: Customer, source: Source) -> None:
    with acme.tenant.entered():
        meter = make_meter()
        run = make_run(source)
        for number in range(30):
            make_run(source)
            refuse(number, meter=meter)
            make_outcome(run, make_meter(f"Meter {number}"))
    api = Api(acme)
    for path, tables in {
        "runs/": "ingestion_run",
        "rejections/": "ingestion_rejectedreading",
        f"runs/{run.pk}/outcomes/": "ingestion_outcome",
    }.items():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert len(numbers_or_names(api.get(path))) >= 30
        about = [q["sql"] for q in asked if f'FROM "{tables}"' in q["sql"]]
        # How many there are, and one page of them; of outcomes also their run.
        assert len(about) == 2, (path, about)


def numbers_or_names(answer: Any) -> list[Any]:
    return [one.get("id", one.get("name")) for one in answer.json()["results"]]
