"""A marked tenant that has something to do for every task and command, and an upstream to ask."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import User
from ingestion.models import Feed, KeptAnswer, Run, Source, Upload
from meters.models import Meter
from notices.events import Event
from notices.models import Letter, Trouble
from tests.ingestion.upstreams import Asked, Handler, answering, row
from tests.tenants.marks import SHARED, Marked

HOUR = timedelta(hours=1)


@contextmanager
def busy(*both: Marked) -> Iterator[list[Asked]]:
    """Give each tenant work and one upstream to ask; yield what that is asked."""
    with answering(_answer) as upstream:
        for marked in both:
            with marked.customer.tenant.entered():
                _sources(marked, upstream.address)
                _letters(marked)
                _files(marked)
        yield upstream.asked


def assert_asked_by(mine: Marked, asked: list[Asked], others: Marked) -> None:
    """Find all that went upstream to be this tenant's: its token, its meters, its address."""
    for one in asked:
        assert f"/{mine.word}" in one.path, f"another tenant's address was asked: {one}"
        assert one.headers["Authorization"] == f"Bearer {mine.word}-upstream-secret", one
        assert one.query["muid"] in {str(SHARED), str(mine.own)}, one
        assert others.word not in str(one), one


def _answer(handler: Handler) -> None:
    """Answer with one reading of an hour ago, which names whose token it was asked with."""
    asked = handler.server.asked[-1]
    at = (timezone.now() - HOUR).replace(minute=0, second=0, microsecond=0)
    value = 2.5 if "kormoran" in asked.headers["Authorization"] else 3.5
    body = [row(asked.query["muid"], f"{at:%Y-%m-%dT%H:%M:%S.000Z}", value)]
    handler.answer(json.dumps({"data": body}).encode())


def _sources(marked: Marked, address: str) -> None:
    source = marked.objects[Source]
    assert isinstance(source, Source)
    source.address = f"{address}/{marked.word}"
    source.save()
    now = timezone.now()
    for hours in (3, 2, 1):
        run = Run.objects.create(
            source=source,
            trigger=Run.Trigger.SCHEDULE,
            state=Run.State.FAILED,
            error=marked.text("refusal"),
            finished_at=now - hours * HOUR,
        )
        Run.objects.filter(pk=run.pk).update(created_at=now - hours * HOUR)
    Run.objects.create(source=source, trigger=Run.Trigger.SCHEDULE)
    Feed.objects.update(failures=0)


def _letters(marked: Marked) -> None:
    now, source = timezone.now(), marked.objects[Source]
    Trouble.objects.create(kind=Trouble.Kind.FAILING, source=source, seen_at=now - HOUR)
    meter = marked.objects[Meter]
    event = Event(Trouble.Kind.SILENT, meter.pk, marked.text("told"), path=f"/meters/{marked.own}/")
    Letter.objects.create(
        user=User.objects.get(email=marked.customer.email),
        subject=marked.text("line"),
        events=[asdict(event)],
    )


def _files(marked: Marked) -> None:
    now, person = timezone.now(), User.objects.get(email=marked.customer.email)
    KeptAnswer.objects.create(
        person=person,
        key=marked.text("key"),
        digest="0" * 64,
        status=200,
        body=marked.text("answer").encode(),
        expires_at=now - HOUR,
    )
    Session.objects.create(session_key="s" * 32, session_data="", expire_date=now - HOUR)
    held = Upload.objects.keep(person.pk, marked.text("file"), [_file(marked)])
    held.run = Run.objects.create(trigger=Run.Trigger.UPLOAD, name=held.name)
    held.save()


def _file(marked: Marked) -> bytes:
    rows: list[dict[str, Any]] = [
        row(marked.own, "2024-03-01T00:00:00.000Z", marked.value),
        row(marked.own, "2024-03-01T00:15:00.000Z", marked.text("cell")),
    ]
    return json.dumps({"data": rows}).encode()
