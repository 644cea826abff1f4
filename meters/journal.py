"""Who did what to which thing, where the admin looks for it."""

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from accounts.models import User

__all__ = ["ADDITION", "CHANGE", "DELETION", "note"]


def note(*, person: User, what: Model, act: int, words: str) -> None:
    """Put down that somebody did something; within the transaction in which it is done.

    Parameters
    ----------
    act
        `ADDITION`, `CHANGE` or `DELETION`.
    words
        What was done, for people. Nothing secret.
    """
    LogEntry.objects.create(
        user=person,
        content_type=ContentType.objects.get_for_model(what),
        object_id=str(what.pk),
        object_repr=str(what)[:200],
        action_flag=act,
        change_message=words,
    )
