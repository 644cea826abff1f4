"""What apps that rest on this one add to a meter's answer. They register; this app names none."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from meters.models import Meter


@dataclass(frozen=True, slots=True)
class Addition:
    """A text that another app knows of meters.

    Attributes
    ----------
    of
        Tells it of some meters, by their primary keys, with one question to the database.
    narrow
        Keeps the meters of which it is a given text.
    """

    of: Callable[[Collection[int]], Mapping[int, str]]
    narrow: Callable[[QuerySet[Meter], str], QuerySet[Meter]]


# By the name of the field and the parameter.
ADDITIONS: dict[str, Addition] = {}
