"""Requests that are sent again, answered as before: nothing is done twice.

The key is a client's own, as in the IETF's draft of the header ``Idempotency-Key``. The answer is
kept in the transaction that did the work, so that there is both or neither. `ingestion.models`
takes the model in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

# A client that has not heard of its answer within a day has found out otherwise.
KEPT = timedelta(hours=24)
LONGEST_KEY = 255


class KeptAnswer(models.Model):
    """The answer to a request that was sent with an ``Idempotency-Key``, to be given again."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=LONGEST_KEY)
    digest = models.CharField(max_length=64, help_text="Of everything that the request said.")
    status = models.PositiveSmallIntegerField()
    # Not jsonb: an answer quotes what it refuses, and that may hold a NUL.
    body = models.BinaryField()
    # Asked for by the clearing of what nobody wants any more.
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-expires_at"]
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return self.key


class KeyInUseError(Exception):
    """A request with this key is being answered at this moment."""


class KeyTakenError(Exception):
    """The key was sent before, with another request."""


@dataclass(frozen=True)
class Answer:
    """What a request is answered with.

    Attributes
    ----------
    status
        HTTP status.
    is_repeated
        Whether it was given before, and nothing was done now.
    """

    status: int
    body: dict[str, Any]
    is_repeated: bool = False


def answer_once(*, person: int, key: str, digest: str, work: Callable[[], Answer]) -> Answer:
    """Do the work, unless it was done under this key; then give the answer of then.

    Parameters
    ----------
    person
        Whose key it is: two people may choose the same.
    digest
        Of everything that the request says.
    work
        Run inside the transaction that keeps the answer; where it raises, nothing is kept, and the
        key is free.

    Raises
    ------
    KeyInUseError
        The same is being done at this moment.
    KeyTakenError
        The key stands for another request.
    """
    with transaction.atomic():
        if not _locked(person, key):
            raise KeyInUseError
        now = timezone.now()
        KeptAnswer.objects.filter(expires_at__lte=now).delete()
        kept = KeptAnswer.objects.filter(person=person, key=key).first()
        if kept is not None:
            if kept.digest != digest:
                raise KeyTakenError
            return Answer(kept.status, orjson.loads(kept.body), is_repeated=True)
        answer = work()
        KeptAnswer.objects.create(
            person_id=person,
            key=key,
            digest=digest,
            status=answer.status,
            body=orjson.dumps(answer.body),
            expires_at=now + KEPT,
        )
    return answer


def _locked(person: int, key: str) -> bool:
    """Hold the key until the transaction ends, unless somebody else does. No waiting."""
    # Advisory locks are the database's, so the schema is part of the name.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || %s, 0))",
            [f" answer {person} {key}"],
        )
        return bool(cursor.fetchone()[0])
