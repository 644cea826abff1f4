"""What was stored is shown by whoever is asked next, however far the replica has got."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.replica.asking import DAY, LEAVING, MUID, PAGE, READINGS, Pair, heard
from tests.tenants.processes import environment

METER = f"/api/v1/meters/{MUID}/"
REVISIONS = f"/api/v1/revisions/?meter={MUID}"


@pytest.fixture
def paused(well: Pair) -> Iterator[Pair]:
    """The replica takes what comes, and shows nothing of it."""
    well.ask(READINGS)
    well.replica.pause()
    try:
        yield well
    finally:
        well.replica.resume()


def correct(pair: Pair, value: float) -> None:
    body = {
        "act": "set",
        "register": "1-0:1.29.0*255",
        "start": f"{DAY}T00:00:00Z",
        "end": f"{DAY}T00:15:00Z",
        "value": value,
        "reason": "Read off the meter by hand.",
    }
    answer = pair.ask(f"{METER}corrections/", method="post", json=body)
    assert answer.status_code == 200, answer.text


def test_after_an_ingestion_api_and_page_show_the_reading(paused: Pair) -> None:
    paused.send(41.5, 42.5)
    with heard(paused.primary) as at_primary, heard(paused.replica) as at_replica:
        assert paused.shown()[:2] == [41.5, 42.5]
        page = paused.ask(f"/ingestion{PAGE}readings/?day={DAY}")
    assert page.status_code == 200
    assert "42.5" in page.text
    assert at_primary
    assert not at_replica, "not even the part that has not changed"
    told = paused.figures()
    assert told.value("lastgang_replica_up") == 1
    assert (told.value("lastgang_replica_lag_bytes") or 0) > 0
    assert (told.value("lastgang_replica_lag_seconds") or 0) > 0
    # What it lacked it gets, and is read again.
    paused.replica.resume()
    paused.in_use()
    with heard(paused.primary) as at_primary:
        assert paused.shown()[:2] == [41.5, 42.5]
    assert not at_primary


def test_after_a_correction_both_it_and_its_record_are_shown(paused: Pair) -> None:
    known = paused.ask(REVISIONS).json()["count"]
    correct(paused, 17.25)
    assert paused.shown()[0] == 17.25
    assert paused.ask(REVISIONS).json()["count"] == known + 1


def test_after_a_change_by_a_person_it_is_shown(paused: Pair) -> None:
    name = "Renamed while nothing is replayed"
    answer = paused.ask(METER, method="patch", json={"name": name})
    assert answer.status_code == 200, answer.text
    assert paused.ask(METER).json()["name"] == name
    assert name in paused.ask("/meters/").text


def test_whatever_else_writes_is_seen_as_well(paused: Pair) -> None:
    """A worker, a command of an older release, a person with psql: none of them takes part."""
    paused.primary.ask("UPDATE acme.meters_meter SET name = 'Renamed with psql'")
    assert paused.ask(METER).json()["name"] == "Renamed with psql"


@pytest.mark.soak
def test_a_tenant_that_the_replica_does_not_know_yet_is_served(paused: Pair) -> None:
    env = environment(DATABASE_URL=paused.primary.address(), LASTGANG_ENV="development")
    command = [sys.executable, "manage.py", "create_tenant", "fresh", "--email", "a@fresh.example"]
    made = subprocess.run(
        command, cwd=settings.BASE_DIR, env=env, text=True, capture_output=True, check=True
    )
    token = made.stdout.rpartition("API token")[2].split()[0]
    headers = {"Host": "fresh.localhost", "Authorization": f"Bearer {token}"}
    answer = paused.ask("/api/v1/meters/", headers=headers | {"Cookie": ""})
    assert answer.status_code == 401, "acme's token is not fresh's"
    answer = paused.ask("/meters/", headers=headers)
    assert answer.status_code in {200, 302}, answer.text[:500]


def test_after_an_erasure_nothing_is_shown(paused: Pair) -> None:
    address = f"/api/v1/meters/{LEAVING}/"
    body = {"confirm": str(LEAVING), "reason": "Its customer has left."}
    assert paused.ask(address).status_code == 200
    answer = paused.ask(f"{address}erasure/", method="post", json=body)
    assert answer.status_code == 200, answer.text
    for gone in (address, f"{address}latest/", f"/meters/{LEAVING}/"):
        assert paused.ask(gone).status_code == 404
        assert paused.ask(gone, "nordwind").status_code == 200, "the other tenant's is another"


def test_no_answer_is_older_than_the_one_before(well: Pair) -> None:
    """Whether the one came from the replica and the next from the primary, or the other way."""
    seen, sources = [], set()
    for turn in range(12):
        if turn % 4 == 1:
            well.replica.pause()
        if turn % 4 == 3:
            well.replica.resume()
            well.in_use()
        correct(well, 100.0 + turn)
        with heard(well.replica) as at_replica:
            value = well.shown()[0]
        sources.add(bool(at_replica))
        seen.append((value, well.ask(REVISIONS).json()["count"]))
        assert value == 100.0 + turn
    assert seen == sorted(seen)
    assert sources == {True, False}, "both have answered"
