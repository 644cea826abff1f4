"""Gaps on their page, in the API, in the admin and among what needs attention."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from ingestion.api.gaps_views import ONE_GAP
from ingestion.gapkeeping import look
from ingestion.models import Gap, Run
from ingestion.retention import tidy
from notices.attention import attention
from tests.conftest import Customer
from tests.ingestion.gaps.holding import NOW, store_without
from tests.ingestion.plant import make_meter, make_source
from tests.meters.stored import Api
from tests.meters.test_api_schema import shape

PAGE = "/ingestion/gaps/"


def words(response: Any) -> str:
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def gaps(acme: Customer) -> list[Gap]:
    """Two gaps of a bakery, of which one was given up, and a filled one of a mill."""
    with acme.tenant.entered():
        bakery, mill = make_meter("Bakery"), make_meter("Mill")
        source = make_source("http://127.0.0.1:1", bakery, mill)
        store_without(bakery.muid, [(10, 12), (300, 320)])
        store_without(mill.muid, [(50, 51)])
        look(source=source, now=NOW)
        Gap.objects.filter(missing=20).update(
            state=Gap.State.GIVEN_UP, tries=6, ended_at=timezone.now()
        )
        Gap.objects.filter(missing=1).update(state=Gap.State.FILLED, missing=0, ended_at=NOW)
        return list(Gap.objects.order_by("pk"))


def test_before_anybody_has_looked_and_when_nothing_is_missing(acme: Customer) -> None:
    assert "Nobody has looked yet" in words(acme.client().get(PAGE))
    with acme.tenant.entered():
        meter = make_meter()
        source = make_source("http://127.0.0.1:1", meter)
        assert "Nobody has looked yet" in words(acme.client().get(PAGE))
        look(source=source, now=NOW)
    text = words(acme.client().get(PAGE))
    assert "Nothing is missing" in text
    assert "Last looked 2 Nov 2023, 01:00" in text


def test_the_page_shows_what_is_missing(acme: Customer, gaps: list[Gap]) -> None:
    client = acme.client()
    text = words(client.get(PAGE))
    assert "Bakery" in text
    assert "Mill" not in text
    # The clocks go back on 29 October.
    assert "25 Oct 2023, 04:30" in text
    assert "28 Oct 2023, 05:00" in text
    assert "given up" in text
    assert "6 times in vain" in text
    given_up = words(client.get(PAGE, {"show": "given_up"}))
    assert "28 Oct 2023, 05:00" in given_up
    assert "25 Oct 2023, 04:30" not in given_up
    assert "Mill" in words(client.get(PAGE, {"show": "ended"}))
    with acme.tenant.entered():
        mill = gaps[-1].register.meter.muid
    assert "No such gap" in words(client.get(PAGE, {"meter": str(mill)}))
    assert "can't be read and is left out" in words(client.get(PAGE, {"meter": "x"}))


def test_staff_ask_again(acme: Customer, gaps: list[Gap]) -> None:
    client = acme.client()
    answer = client.post(f"{PAGE}{gaps[1].pk}/ask/", follow=True)
    assert "1 run asks for what is missing." in words(answer)
    with acme.tenant.entered():
        run = Run.objects.get()
        assert run.trigger == Run.Trigger.ADMIN
        assert Gap.objects.get(pk=gaps[1].pk).asking == run
    assert f"Run {run.pk} asks now" in words(client.get(PAGE))
    assert "1 run asks" in words(client.post(f"{PAGE}ask/", follow=True))
    assert "Nobody is asked" in words(client.post(f"{PAGE}ask/", follow=True))
    # What is filled is not asked for.
    assert "Nobody is asked" in words(client.post(f"{PAGE}{gaps[2].pk}/ask/", follow=True))
    assert "are looked at" in words(client.post(f"{PAGE}look/", follow=True))


def test_only_staff_and_only_their_own(acme: Customer, nordwind: Customer, gaps: list[Gap]) -> None:
    stranger = nordwind.client()
    assert "Bakery" not in words(stranger.get(PAGE))
    assert stranger.post(f"{PAGE}{gaps[0].pk}/ask/").status_code == 404
    assert acme.client(signed_in=False).get(PAGE).status_code == 302
    with acme.tenant.entered():
        User.objects.filter(email=acme.email).update(is_staff=False)
    reader = acme.client()
    page = reader.get(PAGE).content.decode()
    assert "Ask now" not in page
    for path in (f"{gaps[0].pk}/ask/", "ask/", "look/"):
        assert reader.post(PAGE + path).status_code == 403
        assert reader.get(PAGE + path).status_code == 405
    with nordwind.tenant.entered():
        assert not Run.objects.exists()


def test_the_api_tells_of_them(acme: Customer, nordwind: Customer, gaps: list[Gap]) -> None:
    api = Api(acme)
    found = api.get("gaps/").json()
    assert [one["id"] for one in found["results"]] == [gap.pk for gap in gaps]
    first = found["results"][0]
    assert shape(first) == shape({**ONE_GAP.value, "last_run": None})
    assert (first["start"], first["end"], first["missing"], first["state"]) == (
        "2023-10-25T02:30:00Z",
        "2023-10-25T03:00:00Z",
        2,
        "open",
    )
    assert first["next_try_at"] == "2023-11-02T00:00:00Z"
    given_up = api.get("gaps/", {"state": "given_up"}).json()["results"]
    assert [(one["id"], one["next_try_at"]) for one in given_up] == [(gaps[1].pk, None)]
    assert api.get("gaps/", {"meter": first["meter"]}).json()["count"] == 2
    refused = api.get("gaps/", {"state": "lost"})
    assert refused.status_code == 400
    assert "“lost” is not one of open, given_up, filled, dropped." in refused.content.decode()
    assert Api(nordwind).get("gaps/").json()["count"] == 0


def test_the_admin_lists_them_and_asks(acme: Customer, gaps: list[Gap]) -> None:
    client = acme.client()
    address = "/admin/ingestion/gap/"
    assert "Bakery" in words(client.get(address))
    assert client.get(f"{address}{gaps[0].pk}/change/").status_code == 200
    answer = client.post(address, {"action": "ask", "_selected_action": [gaps[0].pk]}, follow=True)
    assert "1 runs ask" in words(answer)


def test_what_was_given_up_lately_needs_attention(acme: Customer, gaps: list[Gap]) -> None:
    with acme.tenant.entered():
        now = timezone.now()
        (item,) = [one for one in attention(acme.tenant, now).items if one.kind == "gap"]
        assert item.title == "One gap was given up lately"
        assert "asked for 20 intervals" in item.words
        later = attention(acme.tenant, now + timedelta(days=8))
        assert [one for one in later.items if one.kind == "gap"] == []


def test_those_that_are_no_more_are_kept_for_a_year(acme: Customer, gaps: list[Gap]) -> None:
    with acme.tenant.entered():
        tidy(now=NOW + timedelta(days=364))
        assert Gap.objects.count() == 3
        tidy(now=NOW + timedelta(days=366))
        # What lacks something stays for ever.
        assert list(Gap.objects.order_by("pk")) == gaps[:2]
