"""A record to look up: runs, outcomes and refused readings of a small tenant."""

from datetime import UTC, datetime
from typing import Any

from ingestion.models import Outcome, RejectedReading, Run, Source
from meters.models import Meter

DAY = datetime(2023, 2, 1, 8, 0, tzinfo=UTC)


def make_run(source: Source | None = None, **options: Any) -> Run:
    given = {"trigger": Run.Trigger.SCHEDULE, "state": Run.State.SUCCEEDED, **options}
    created = given.pop("created_at", DAY)
    run = Run.objects.create(source=source, **given)
    Run.objects.filter(pk=run.pk).update(created_at=created)
    run.refresh_from_db()
    return run


def make_outcome(run: Run, meter: Meter, **options: Any) -> Outcome:
    return Outcome.objects.create(run=run, meter=meter, **options)


def refuse(number: int = 1, **options: Any) -> RejectedReading:
    given = {
        "reason": "value",
        "words": "“n/a” is no number.",
        "timestamp": "2023-02-01T00:15:00Z",
        "code": "0100011D00FF",
        "raw": f'{{"number": {number}}}',
        "digest": f"digest-{number}",
        "first_seen_at": DAY,
        "last_seen_at": DAY,
        **options,
    }
    return RejectedReading.objects.create(**given)
