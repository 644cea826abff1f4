"""An erased meter is in no letter any more, and the others are told as before."""

from ingestion.erasing import erase_meter
from notices.models import Letter
from tests.conftest import Customer
from tests.notices.people import DAY, HOUR, NOW, every, looked, meters_of, subjects, upstream


def test_an_erased_meter_is_in_no_letter(in_acme: Customer) -> None:
    first, second = meters_of(upstream(), 2, NOW)
    looked(in_acme.tenant, NOW)
    assert every(in_acme.tenant, 5, NOW + 3 * DAY - HOUR, NOW + 3 * DAY + 3 * HOUR) == 1
    assert subjects() == ["[Acme] 2 meters fell silent"]

    erasure = erase_meter(muid=first.muid, person="ada@example.com", reason="moved out")
    assert erasure.counts["letters that told of it"] == 1
    assert subjects() == [f"[Acme] meter {second.name} fell silent"]
    assert [event["number"] for event in Letter.objects.get().events] == [second.pk]
    assert str(first.muid) not in str(Letter.objects.get().events)

    erase_meter(muid=second.muid, person="ada@example.com", reason="moved out")
    assert not Letter.objects.exists()
