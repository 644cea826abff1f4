"""What is told, and letters about it to those who want to know."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Prefetch
from django.utils import translation
from django.utils.translation import ngettext

from accounts.models import User
from ingestion.models import Source
from meters.models import Meter
from notices.models import Letter, Preference, Trouble
from notices.patience import Course
from tenants.models import Tenant

Kind = Trouble.Kind
SUBJECT_LENGTH = 200
# Of each kind a letter keeps so many, for a whole grid may fall silent.
MOST_KEPT = 100


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that is told: trouble, or its end.

    Attributes
    ----------
    number
        Primary key of the meter or source.
    is_over
        Whether it tells the end.
    source
        Name of the source that the meter is fed by.
    path
        Where it is looked at, at the tenant's address.
    last_end
        When a meter's latest interval ends [s].
    words
        What the source's last run said.
    more
        How many others of the kind this stands for, in a letter that names not all.
    """

    kind: str
    number: int
    name: str
    is_over: bool = False
    source: str = ""
    path: str = ""
    last_end: int | None = None
    words: str = ""
    more: int = 0

    @property
    def key(self) -> tuple[str, int]:
        return self.kind, self.number

    @classmethod
    def about(
        cls, thing: Meter | Source, course: Course, last_end: int | None, words: str
    ) -> "Event":
        is_over = course.told_at is not None
        if isinstance(thing, Source):
            return cls(Kind.FAILING, thing.pk, thing.name, is_over, path="/ingestion/", words=words)
        feed = getattr(thing, "feed", None)
        return cls(
            Kind.SILENT,
            thing.pk,
            thing.name,
            is_over,
            source=feed.source.name if feed else "",
            path=thing.get_absolute_url(),
            last_end=last_end,
        )


def recipients() -> Iterable[tuple[User, Preference]]:
    """Return everybody of the tenant who can sign in, with what they want to be told."""
    people = User.objects.filter(is_active=True).prefetch_related(
        Prefetch("mail_preference", queryset=Preference.objects.all())
    )
    for user in people:
        chosen = getattr(user, "mail_preference", None)
        yield (
            user,
            chosen
            or Preference(user=user, silent_meters=user.is_staff, failing_sources=user.is_staff),
        )


def write_letters(tenant: Tenant, events: Sequence[Event], now: datetime) -> int:
    """Write one letter to each person about what they want to know of it; return how many.

    Where the installation sends no mail nothing is written: it would go out in a heap one day.
    """
    if not settings.SENDS_MAIL:
        return 0
    letters = []
    for user, preference in recipients():
        wanted = [event for event in events if preference.wants(event.kind)]
        if wanted:
            with translation.override(language_of(user, tenant)):
                line = subject(tenant.name, wanted)
            letters.append(
                Letter(
                    user=user,
                    subject=line,
                    events=written(condensed(wanted)),
                    created_at=now,
                    due_at=now,
                )
            )
    Letter.objects.bulk_create(letters)
    return len(letters)


def language_of(user: User, tenant: Tenant) -> str:
    """Say in which language a person is written to."""
    return user.language or tenant.language


def condensed(events: Sequence[Event]) -> list[Event]:
    """Keep the first of each kind, and of the others how many there are."""
    found: list[Event] = []
    for kind, is_over in dict.fromkeys((event.kind, event.is_over) for event in events):
        some = [event for event in events if (event.kind, event.is_over) == (kind, is_over)]
        found += some[:MOST_KEPT]
        if len(some) > MOST_KEPT:
            found.append(Event(kind, 0, "", is_over, more=len(some) - MOST_KEPT))
    return found


def written(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Write what a letter tells, as it is kept."""
    return [asdict(event) for event in events]


def read_events(kept: list[dict[str, Any]]) -> list[Event]:
    """Read what a letter tells."""
    return [Event(**one) for one in kept]


def subject(tenant: str, events: Sequence[Event]) -> str:
    """Say in one line what a letter tells, the worst first, in the language that is spoken."""
    parts = []
    for kind, is_over in (
        (Kind.FAILING, False),
        (Kind.SILENT, False),
        (Kind.SILENT, True),
        (Kind.FAILING, True),
    ):
        some = [event for event in events if (event.kind, event.is_over) == (kind, is_over)]
        if some:
            parts.append(_in_words(kind, some, is_over=is_over))
    line = f"[{tenant}] {', '.join(parts)}"
    # A line break in a name would begin another header.
    return " ".join(line.split())[:SUBJECT_LENGTH]


def _in_words(kind: str, events: Sequence[Event], *, is_over: bool) -> str:
    count = len(events)
    match kind == Kind.SILENT, is_over:
        case True, False:
            words = ngettext("meter {name} fell silent", "{count} meters fell silent", count)
        case True, True:
            words = ngettext("meter {name} delivers again", "{count} meters deliver again", count)
        case False, False:
            words = ngettext("source {name} keeps failing", "{count} sources keep failing", count)
        case _:
            words = ngettext("source {name} works again", "{count} sources work again", count)
    return words.format(name=events[0].name, count=count)
