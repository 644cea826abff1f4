"""What a client kept of an erased meter is never confirmed to it: neither as still so, nor as new.

Answers of the API carry no validator today. These tests hold whether they do or not: whatever an
answer came with is sent back, as a cache would, and what validators are to be made of (the versions
of rows, the numbers of meters and registers) is seen never to be used twice.
"""

from typing import Any
from uuid import UUID

from django.db.models import Max

from ingestion.erasing import erase_meter
from ingestion.store import store
from meters.models import DailyProfile, Meter, Register
from tests.conftest import Customer
from tests.ingestion.plant import EXPORT, IMPORT, JANUARY, QUARTER, batch
from tests.meters.stored import Api

MUID = UUID("95ce3367-cbce-4a4d-bbe3-da082831d7bd")
READINGS = f"meters/{MUID}/readings/"
RANGE = {"start": "2023-01-01", "end": "2023-01-02", "resolution": "PT15M"}


def make() -> Meter:
    return Meter.objects.create(name="Flat 7", muid=MUID, timezone="Europe/Zurich")


def fill(meter: Meter, value: float, obis: str = IMPORT) -> None:
    store(batch(meter.muid, [(JANUARY + n * QUARTER, value) for n in range(8)], obis=obis))


class Cache:
    """A client that keeps an answer and asks whether it still holds."""

    def __init__(self, customer: Customer) -> None:
        self.api = Api(customer)
        self.known: dict[str, str] = {}

    def get(self) -> Any:
        address = f"/api/v1/{READINGS}"
        headers = {**self.known, **self.api.customer.bearer}
        answer = self.api.client.get(address, RANGE, **headers)  # type: ignore[arg-type]
        # An answer without a validator is asked for with one that somebody else might have made.
        self.known = {
            "HTTP_IF_NONE_MATCH": answer.headers.get("ETag", 'W/"kept"'),
            "HTTP_IF_MODIFIED_SINCE": answer.headers.get(
                "Last-Modified", "Thu, 31 Dec 2099 00:00:00 GMT"
            ),
        }
        return answer


def values(answer: Any) -> set[float]:
    assert answer.status_code == 200, answer.content
    found = [row["value"] for one in answer.json()["series"] for row in one["rows"]]
    return {value for value in found if value is not None}


def test_a_meter_that_is_erased_and_registered_again(in_acme: Customer) -> None:
    cache = Cache(in_acme)
    fill(make(), 1.5)
    assert values(cache.get()) == {1.5}
    erase_meter(muid=Meter.objects.get().muid, person="P", reason="Request 1")
    kept = cache.known
    assert cache.get().status_code == 404
    again = make()
    cache.known = kept
    assert values(cache.get()) == set(), "somebody else has moved in, of whom nothing is there yet"
    fill(again, 2.5)
    cache.known = kept
    assert values(cache.get()) == {2.5}


def test_a_register_that_is_deleted(in_acme: Customer) -> None:
    meter = make()
    fill(meter, 1.5)
    fill(meter, 7.25, EXPORT)
    cache = Cache(in_acme)
    assert values(cache.get()) == {1.5, 7.25}
    Register.objects.get(obis=EXPORT).delete()
    assert not DailyProfile.objects.exclude(register__obis=IMPORT).exists()
    assert values(cache.get()) == {1.5}
    fill(meter, 8.5, EXPORT)
    assert values(cache.get()) == {1.5, 8.5}


def test_no_version_and_no_number_is_used_twice(in_acme: Customer) -> None:
    """Were one, the newest version of a range could be the same for other readings."""

    def newest() -> list[int]:
        return [
            DailyProfile.objects.aggregate(newest=Max("version"))["newest"],
            Register.objects.get().pk,
            Meter.objects.get().pk,
        ]

    seen: list[list[int]] = []
    for value in (1.5, 2.5, 1.5):
        fill(make(), value)
        seen.append(newest())
        erase_meter(muid=Meter.objects.get().muid, person="P", reason="Request 1")
        assert not DailyProfile.objects.exists()
    assert seen == sorted(seen)
    assert all(len(set(column)) == 3 for column in zip(*seen, strict=True))
