"""ETags: the same as long as the answer is, another as soon as anything it depends on changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from ingestion.store import store
from meters.models import Meter, Register, Site
from tenants.models import Tenant
from tenants.schema import in_public
from tests.conftest import Customer
from tests.ingestion.plant import batch
from tests.meters.stored import IMPORT, STATE, Api, statements

START = int(datetime(2023, 1, 31, 23, tzinfo=UTC).timestamp())
DAYS = {"start": "2023-02-01", "end": "2023-02-04", "resolution": "PT1H"}
QUARTER, DAY = 900, 86_400


def fill(meter: Meter, start: int, count: int, value: float = 1.0, obis: str = IMPORT) -> None:
    store(batch(meter.muid, [(start + QUARTER * n, value) for n in range(count)], obis=obis))


@pytest.fixture
def meter(acme: Customer) -> Meter:
    with acme.tenant.entered():
        made = Meter.objects.create(name="Meter", site=Site.objects.create(name="Here"))
        fill(made, START, 5 * 96)
        return made


def etag(api: Api, meter: Meter, **query: str) -> str:
    answer = api.get(f"meters/{meter.muid}/readings/", {**DAYS, **query})
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-cache"
    assert {"Accept", "Authorization", "Cookie", "Origin"} <= {
        part.strip() for part in answer["Vary"].split(",")
    }
    return str(answer["ETag"])


def again(api: Api, meter: Meter, held: str, **query: str) -> Any:
    return api.get(f"meters/{meter.muid}/readings/", {**DAYS, **query}, HTTP_IF_NONE_MATCH=held)


def test_what_is_held_still_holds_and_no_value_is_read(acme: Customer, meter: Meter) -> None:
    api = Api(acme)
    held = etag(api, meter)
    assert held.startswith('W/"')
    with statements() as sent:
        answer = again(api, meter, held)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == held
    assert answer["Cache-Control"] == "private, no-cache"
    assert not [text for text in sent if '"values"' in text or "COPY" in text]
    for written in (f'"x", {held}', held.removeprefix("W/"), "*"):
        assert again(api, meter, written).status_code == 304
    assert again(api, meter, '"x"').status_code == 200


def test_what_comes_elsewhere_changes_nothing(acme: Customer, meter: Meter) -> None:
    api = Api(acme)
    held = etag(api, meter)
    with acme.tenant.entered():
        fill(meter, START + 20 * DAY, 96)
        other = Meter.objects.create(name="Other")
        fill(other, START, 96)
        # The same readings again.
        fill(meter, START, 96)
    assert again(api, meter, held).status_code == 304


@pytest.mark.parametrize(
    "change",
    [
        lambda meter: fill(meter, START + DAY, 1, 7.0),
        lambda meter: fill(meter, START, 96, obis="1-0:2.29.0*255"),
        lambda meter: Meter.objects.update(name="Renamed"),
        lambda meter: Meter.objects.update(commissioned_at=timezone.now()),
        lambda meter: Site.objects.update(name="There"),
        lambda meter: Register.objects.update(interval=600),
    ],
)
def test_what_the_answer_depends_on_changes_it(acme: Customer, meter: Meter, change: Any) -> None:
    api = Api(acme)
    held = etag(api, meter)
    with acme.tenant.entered():
        change(meter)
    assert again(api, meter, held).status_code == 200
    assert etag(api, meter) != held


def test_every_parameter_and_format_has_its_own(acme: Customer, meter: Meter) -> None:
    api = Api(acme)
    asked: list[dict[str, str]] = [
        *({"resolution": one} for one in ("PT15M", "P1D")),
        *({"timezone": one} for one in ("UTC", "Europe/London")),
        *({"fill": one} for one in ("none", "zero")),
        *({"unit": one} for one in ("Wh", "kW")),
        *({"format": one} for one in ("csv", "parquet", "arrow", "xlsx")),
        {},
        {"layout": "columns"},
        {"statistic": "max"},
        {"quality": "measured"},
        {"end": "2023-02-03"},
        {"start": "2023-02-02"},
    ]
    tags = [etag(api, meter, **query) for query in asked]
    assert len(set(tags)) == len(asked)
    # However a range is written, the answer is the same.
    assert etag(api, meter, end="2023-02-04T00:00:00+01:00") == etag(api, meter)


def test_an_advance_ends_with_a_state_that_is_read_later(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = Meter.objects.create(name="States")
        fill(meter, START, 3 * 96, obis=STATE)
    api = Api(acme)
    held = etag(api, meter)
    with acme.tenant.entered():
        fill(meter, START + 30 * DAY, 96, 500.0, obis=STATE)
    assert again(api, meter, held).status_code == 200


def test_while_today_grows_what_is_expected_grows(acme: Customer, meter: Meter) -> None:
    api = Api(acme)
    tomorrow = f"{(timezone.now() + timedelta(days=1)):%Y-%m-%d}"
    query = {"start": "-P7D", "end": tomorrow}
    held = etag(api, meter, **query)
    # Within a minute it holds.
    assert again(api, meter, held, **query).status_code in {200, 304}
    assert etag(api, meter, start="2023-02-01", end=tomorrow, resolution="P1M") != held


def test_a_restored_tenant_begins_anew(acme: Customer, meter: Meter) -> None:
    api = Api(acme)
    held = etag(api, meter)
    with in_public():
        Tenant.objects.filter(pk=acme.tenant.pk).update(epoch=uuid4())
    assert again(api, meter, held).status_code == 200


def test_another_tenants_tag_holds_nowhere_else(
    acme: Customer, nordwind: Customer, meter: Meter
) -> None:
    held = etag(Api(acme), meter)
    with nordwind.tenant.entered():
        same = Meter.objects.create(
            muid=meter.muid, name="Meter", site=Site.objects.create(name="Here")
        )
        fill(same, START, 5 * 96)
    assert again(Api(nordwind), same, held).status_code == 200
    assert etag(Api(nordwind), same) != held


def test_many_meters_are_held_as_one(acme: Customer, meter: Meter) -> None:
    api = Api(acme)
    answer = api.get("readings/", {**DAYS, "meter": str(meter.muid)})
    held = answer["ETag"]
    ask = lambda: api.get(  # noqa: E731
        "readings/", {**DAYS, "meter": str(meter.muid)}, HTTP_IF_NONE_MATCH=held
    )
    assert ask().status_code == 304
    with acme.tenant.entered():
        fill(meter, START, 1, 9.0)
    assert ask().status_code == 200


def test_compression_leaves_it_true(acme: Customer, meter: Meter) -> None:
    api = Api(acme)
    path, query = f"meters/{meter.muid}/readings/", {**DAYS, "resolution": "PT15M"}
    packed = api.get(path, query, HTTP_ACCEPT_ENCODING="gzip")
    assert packed["Content-Encoding"] == "gzip"
    assert api.get(path, query, HTTP_IF_NONE_MATCH=packed["ETag"]).status_code == 304
    assert "Accept-Encoding" in packed["Vary"]


# Everything else that is told of a meter's readings, with what may be asked of it.
RANGE = {"start": "2023-02-01", "end": "2023-02-04"}
OTHERS = pytest.mark.parametrize(
    ("path", "query"),
    [
        ("meters/{}/coverage/", RANGE),
        ("meters/{}/totals/", RANGE),
        ("meters/{}/totals/", {"edges": "2023-02-01,2023-02-03,2023-02-04"}),
        ("meters/{}/latest/", {}),
        ("latest/", {}),
    ],
)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> float:
    """Let no minute begin."""
    now = 1_700_000_040.0
    monkeypatch.setattr("time.time", lambda: now)
    return now


@OTHERS
def test_whatever_is_told_of_readings_is_held_alike(
    acme: Customer, meter: Meter, still: float, path: str, query: dict[str, str]
) -> None:
    api, path = Api(acme), path.format(meter.muid)
    first = api.get(path, query)
    assert first.status_code == 200
    held = first["ETag"]
    assert held.startswith('W/"')
    assert first["Cache-Control"] == "private, no-cache"
    with statements() as sent:
        answer = api.get(path, query, HTTP_IF_NONE_MATCH=held)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", held)
    # Not one value is read, nor what days say of them.
    assert not [text for text in sent if "values" in text or "COPY" in text or "total" in text]
    other = {**query, "timezone": "Europe/London"}
    assert api.get(path, other, HTTP_IF_NONE_MATCH=held).status_code == 200
    with acme.tenant.entered():
        fill(meter, START, 5 * 96)
    assert api.get(path, query, HTTP_IF_NONE_MATCH=held).status_code == 304
    tags = {held}
    for change in (
        # The last one of all, and one within the range.
        lambda: fill(meter, START + 5 * DAY, 1),
        lambda: fill(meter, START + DAY, 1, 7.0),
        lambda: fill(meter, START + DAY, 96, obis="1-0:2.29.0*255"),
        lambda: Meter.objects.update(timezone="Europe/Berlin"),
    ):
        with acme.tenant.entered():
            change()
        tags.add(api.get(path, query)["ETag"])
    # Coverage and totals know nothing of what comes after the range, the latest of what is before.
    assert len(tags) == 4
    with in_public():
        Tenant.objects.filter(pk=acme.tenant.pk).update(epoch=uuid4())
    assert api.get(path, query)["ETag"] not in tags


@OTHERS
def test_a_minute_later_what_is_past_holds_and_what_is_not_does_not(
    acme: Customer,
    meter: Meter,
    still: float,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    query: dict[str, str],
) -> None:
    api, path = Api(acme), path.format(meter.muid)
    held = api.get(path, query)["ETag"]
    monkeypatch.setattr("time.time", lambda: still + 60)
    # Of the latest ones it is told how old they are.
    wanted = 200 if "latest" in path else 304
    assert api.get(path, query, HTTP_IF_NONE_MATCH=held).status_code == wanted


def test_totals_of_states_end_with_one_that_is_read_later(acme: Customer) -> None:
    with acme.tenant.entered():
        meter = Meter.objects.create(name="States")
        fill(meter, START, 3 * 96, obis=STATE)
    api, path = Api(acme), f"meters/{meter.muid}/totals/"
    held = api.get(path, RANGE)["ETag"]
    with acme.tenant.entered():
        fill(meter, START + 30 * DAY, 96, 500.0, obis=STATE)
    assert api.get(path, RANGE, HTTP_IF_NONE_MATCH=held).status_code == 200
