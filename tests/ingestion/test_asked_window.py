"""Which window a run has asked for in all, where each of its meters goes on from what is stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from ingestion.files import RowsFile, ingest_file
from ingestion.models import Run, Source
from ingestion.services import execute_run, plan_run, rehearse_run
from ingestion.store import store
from meters.models import Meter
from tests.conftest import Customer
from tests.ingestion.plant import batch, make_meter, make_source, sweep
from tests.ingestion.upstreams import answering, refusing, row, rows
from tests.meters.stored import Api

HOUR = 3600


def now() -> int:
    return int(timezone.now().timestamp()) // HOUR * HOUR


def held_until(meter: Meter, end: int) -> None:
    store(batch(meter.muid, [(end - 900 * n, 1.0) for n in (1, 2, 3, 4)]))


def seconds(moment: datetime | None) -> int:
    assert moment is not None
    return int(moment.timestamp())


def two_meters(address: str) -> Source:
    # Asked for in this order.
    late, early = make_meter("Late"), make_meter("Early")
    held_until(early, now() - 5 * HOUR)
    held_until(late, now() - 2 * HOUR)
    return make_source(address, late, early, reread_hours=1)


def test_from_the_earliest_of_its_meters_to_the_present(in_acme: Customer) -> None:
    before = timezone.now().replace(microsecond=0)
    with answering(rows({"data": []})) as upstream:
        run = sweep(two_meters(upstream.address)).run
        assert seconds(run.asked_from) == now() - 6 * HOUR
        asked = [seconds(datetime.fromisoformat(one.query["start"])) for one in upstream.asked]
        assert min(asked) == seconds(run.asked_from)
        assert len(asked) == 2
    assert run.asked_to is not None
    assert before <= run.asked_to <= timezone.now()
    assert (run.start, run.stop) == (None, None)


def test_also_where_nothing_came_of_it(in_acme: Customer) -> None:
    with answering(refusing(404)) as upstream:
        run = sweep(two_meters(upstream.address)).run
    assert run.state == Run.State.FAILED
    assert seconds(run.asked_from) == now() - 6 * HOUR


def test_a_run_that_was_handed_over_keeps_the_earliest(in_acme: Customer) -> None:
    with answering(rows({"data": []})) as upstream:
        run = plan_run(source=two_meters(upstream.address), trigger=Run.Trigger.COMMAND)
        for slice_ in range(2):
            result = execute_run(run, worker=f"w{slice_}", seconds=0)
            assert result is not None
            run = result.run
            # The meter that was held for longer comes first.
            assert seconds(run.asked_from) == now() - (3, 6)[slice_] * HOUR
    assert run.state == Run.State.SUCCEEDED


def test_where_nobody_was_asked_there_is_none(in_acme: Customer) -> None:
    meter = make_meter(zone="UTC")
    data = [row(meter.muid, "2023-01-01T00:00:00Z")]
    assert ingest_file(RowsFile(data), worker="w").run.asked_from is None
    with answering(rows({"data": []})) as upstream:
        source = make_source(upstream.address, meter)
        Meter.objects.update(removed_at=datetime(2022, 1, 1, tzinfo=UTC))
        assert sweep(source).run.asked_from is None
        assert not upstream.asked
        Meter.objects.update(removed_at=None)
        assert rehearse_run(source=source).run.asked_from is None


def test_a_run_that_is_not_done_claims_nothing(acme: Customer) -> None:
    with acme.tenant.entered():
        run = Run.objects.create(trigger=Run.Trigger.UPLOAD, name="big.csv")
    client = acme.client()
    page = client.get(run.get_absolute_url()).content.decode()
    assert "all that was brought" in page
    assert "Nothing yet" in page
    with acme.tenant.entered():
        Run.objects.update(state=Run.State.SUCCEEDED)
    assert "Nothing changed" in client.get(run.get_absolute_url()).content.decode()


@pytest.mark.parametrize("explicit", [False, True])
def test_page_api_and_admin_tell_it(acme: Customer, explicit: bool) -> None:
    start = datetime(2023, 2, 1, 23, tzinfo=UTC)
    stop = start + timedelta(days=2)
    given: dict[str, Any] = {"start": start} if explicit else {"asked_from": start}
    with acme.tenant.entered():
        source = make_source("https://meters.example.com")
        run = Run.objects.create(
            source=source, trigger=Run.Trigger.SCHEDULE, asked_to=stop, **given
        )
    client = acme.client()
    words = "2 Feb 2023, 00:00 to 4 Feb 2023, 00:00"
    page = " ".join(client.get(run.get_absolute_url()).content.decode().split())
    assert words + ("" if explicit else ", each meter from what was stored on") in page
    admin = client.get(f"/admin/ingestion/run/{run.pk}/change/")
    assert f"{words} (Europe/Zurich)" in admin.content.decode()
    told = Api(acme).get(f"runs/{run.pk}/").json()
    assert told["asked_from"] == (None if explicit else "2023-02-01T23:00:00Z")
    assert told["asked_to"] == "2023-02-03T23:00:00Z"
