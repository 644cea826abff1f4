"""Which requests read from the replica, as the two servers tell it."""

from typing import Any

import psycopg
import pytest

from tests.conftest import CUSTOMERS
from tests.replica.asking import DAY, MUID, OF_READINGS, PAGE, READINGS, Pair, heard
from tests.replica.conftest import VALUES

CSV = f"{READINGS}&format=csv"
SIGN_INS = ("accounts_apitoken", "accounts_user", "django_session", "tenants_domain")


@pytest.mark.parametrize(
    "path", [PAGE, READINGS, CSV, "/", "/meters/", f"{PAGE}analysis/", f"{PAGE}report/"]
)
def test_what_is_shown_is_read_from_the_replica_alone(well: Pair, path: str) -> None:
    # A token's use is noted once a minute, and whoever has written reads the primary.
    well.ask(READINGS)
    with heard(well.primary) as at_primary, heard(well.replica) as at_replica:
        assert well.ask(path).status_code == 200
    assert at_replica
    assert not at_primary


def test_a_file_is_read_there_after_its_request_is_over(well: Pair) -> None:
    well.ask(READINGS)
    with heard(well.replica) as statements:
        answer = well.ask(CSV)
    shown = well.shown()
    assert len(shown) == 8
    assert all(f"{value:g}" in answer.text for value in shown)
    # One tells whether it has changed, one is the piece that was streamed.
    assert len(statements) >= 2


def test_who_asks_is_asked_of_the_primary_alone(well: Pair) -> None:
    for path in (PAGE, READINGS):
        for words in SIGN_INS:
            with heard(well.replica, words) as at_replica:
                assert well.ask(path).status_code == 200
            # The admin's log, runs and the like are joined with whom they are of.
            assert not [one for one in at_replica if f'FROM "{words}"' in one]
        with heard(well.primary, "tenants_domain") as at_primary:
            assert well.ask(path).status_code == 200
        assert len(at_primary) == 1, "one question for the tenant and how far the log has got"


def test_a_request_that_may_write_reads_the_primary(well: Pair) -> None:
    row = {
        "timestamp": f"{DAY}T00:00:00Z",
        "measurement": "energy",
        "tags": {"muid": str(MUID), "quality": "measured"},
        "0100011D00FF": VALUES["acme"],
    }
    with heard(well.replica, "") as at_replica, heard(well.primary) as at_primary:
        answer = well.ask("/api/v1/readings/", method="post", json={"data": [row]})
    assert answer.status_code == 200, answer.text
    assert at_primary
    assert not [line for line in at_replica if "statement:" in line]


def test_whoever_writes_on_the_way_reads_the_primary_from_there_on(well: Pair) -> None:
    well.primary.ask("UPDATE acme.accounts_apitoken SET last_used_at = NULL")
    with heard(well.primary) as at_primary, heard(well.replica) as at_replica:
        well.shown()
    assert at_primary, "the token's use was noted"
    assert not at_replica
    with heard(well.primary) as at_primary:
        well.shown()
    assert not at_primary


def test_an_answer_is_the_same_from_either(well: Pair) -> None:
    """A client that holds what came from the one need not fetch it from the other."""
    first = well.ask(READINGS)
    well.replica.pause()
    try:
        # Something that is not acme's, of which the replica can't know whose it is.
        well.send(3.5, slug="nordwind")
        with heard(well.primary) as at_primary:
            second = well.ask(READINGS, headers={"If-None-Match": first.headers["ETag"]})
        assert at_primary
        assert second.status_code == 304
        assert second.headers["ETag"] == first.headers["ETag"]
    finally:
        well.replica.resume()


def test_the_connection_can_not_write(well: Pair) -> None:
    options = "&options=-c%20default_transaction_read_only%3Don"
    with (
        psycopg.connect(well.replica.address() + options) as connected,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connected.execute("UPDATE acme.meters_meter SET name = ''")


def test_it_is_told_where_requests_read(well: Pair) -> None:
    before = well.reads()
    for _ in range(3):
        well.shown()
    after = well.reads()
    assert after["current"] == before["current"] + 3
    assert after["behind"] == before["behind"]
    assert after["lost"] == before["lost"]


@pytest.mark.parametrize("slug", ["acme", "nordwind"])
def test_probes_tell_of_it(well: Pair, slug: str) -> None:
    answer: Any = well.ask("/readyz", headers={"Host": CUSTOMERS[slug].domain})
    assert answer.json() == {"database": "ok", "redis": "ok", "replica": "ok"}


def test_the_words_that_are_listened_for_are_those_of_readings(well: Pair) -> None:
    """Else the tests above would hear nothing, wherever it was read."""
    with heard(well.replica) as statements:
        well.shown()
    assert all(OF_READINGS in one and "statement:" in one for one in statements)
