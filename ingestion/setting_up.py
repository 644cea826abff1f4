"""Sources set up one at a time, and meters given theirs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.models import User
from ingestion.breaker import close
from ingestion.models import Feed, Source
from ingestion.validators import LEADS_ELSEWHERE, leads_elsewhere
from meters.journal import ADDITION, CHANGE, DELETION, note
from meters.models import Meter
from meters.registering import (
    ConflictError,
    GoneError,
    RefusedError,
    alone_of_its_kind,
    checked,
)


@dataclass(frozen=True, slots=True)
class Fed:
    """A meter's feed, and whether it was made just now."""

    feed: Feed
    is_made: bool


def make_source(*, said: Mapping[str, Any], person: User) -> Source:
    """Set up a source; its first sweep is due at once.

    Raises
    ------
    RefusedError
        Something said of it can't be; `ConflictError` where its name is taken.
    """
    source = Source(**said)

    def work() -> Source:
        _check(source)
        source.save(force_insert=True)
        note(person=person, what=source, act=ADDITION, words="Set up over the API.")
        return source

    words = f"There is a source “{source.name}” already."
    return alone_of_its_kind(work, field="name", words=words)


def change_source(*, source: Source, changes: Mapping[str, Any], person: User) -> Source:
    """Change how a source is asked. It is asked again at once where it was left alone.

    A token is sent only where it was meant to go: who has the source lead to another host gives it
    again.

    Raises
    ------
    RefusedError
        Something said of it can't be; `ConflictError` where its name is taken.
    GoneError
        It has been deleted meanwhile.
    """

    def work() -> Source:
        found = Source.objects.select_for_update(no_key=True).filter(pk=source.pk).first()
        if found is None:
            raise GoneError
        # Past the attribute: a token whose key is lost can still be replaced.
        has_token = bool(found.__dict__["token"])
        before = found.address
        for name, value in changes.items():
            setattr(found, name, value)
        _check(found)
        if has_token and "token" not in changes and leads_elsewhere(before, found.address):
            raise RefusedError({"token": f"{LEADS_ELSEWHERE} Give an empty one for none."})
        if changes:
            found.save(update_fields=list(changes))
            close(found)
            # Not what they were: an address may hold a key, and a token is one.
            words = f"Over the API: {', '.join(changes)}."
            note(person=person, what=found, act=CHANGE, words=words)
        return found

    taken = f"There is another source “{changes.get('name')}” already."
    return alone_of_its_kind(work, field="name", words=taken)


def delete_source(*, source: Source, person: User) -> None:
    """Delete a source that feeds no meter; its runs stay on record.

    Raises
    ------
    ConflictError
        It feeds meters.
    """
    key = source.pk
    try:
        with transaction.atomic():
            note(person=person, what=source, act=DELETION, words="Deleted over the API.")
            source.delete()
    except (ProtectedError, IntegrityError):
        count = Feed.objects.filter(source=key).count()
        meters = "1 meter" if count == 1 else f"{count:,} meters"
        raise ConflictError(
            {"meters": f"“{source.name}” feeds {meters}. Give them another source first."}
        ) from None


def set_source(*, meter: Meter, source: Source, is_active: bool, person: User) -> Fed:
    """Say which source a meter's readings are pulled from; the same again changes nothing.

    With another source the meter begins without its failures, and goes on from what is stored.

    Raises
    ------
    GoneError
        The meter has been erased, or the source deleted, meanwhile.
    """
    with transaction.atomic():
        # Of two that do this at once, one waits; and neither the meter nor the source can go.
        held = Meter.objects.select_for_update(no_key=True).filter(pk=meter.pk).first()
        wanted = Source.objects.select_for_update(no_key=True).filter(pk=source.pk).first()
        if held is None or wanted is None:
            raise GoneError
        feed = Feed.objects.select_related("source").filter(meter=held).first()
        if feed is None:
            feed = Feed.objects.create(meter=held, source=wanted, is_active=is_active)
            words = f"Over the API: source set to “{wanted.name}”."
            note(person=person, what=held, act=CHANGE, words=words)
            return Fed(feed, is_made=True)
        before = feed.source
        changes: dict[str, object] = {}
        if before.pk != wanted.pk:
            changes |= {"source": wanted, "last_error": ""}
            changes |= {"failures": 0, "retry_at": None, "given_up_at": None}
        if feed.is_active != is_active:
            changes["is_active"] = is_active
        if changes:
            for name, value in changes.items():
                setattr(feed, name, value)
            feed.save(update_fields=list(changes))
            asked = "asked" if is_active else "not asked"
            words = f"Over the API: source was “{before.name}”, is “{wanted.name}”, {asked}."
            note(person=person, what=held, act=CHANGE, words=words)
    return Fed(feed, is_made=False)


def unset_source(*, meter: Meter, person: User) -> bool:
    """Have a meter's readings pulled from nowhere; whether they were from somewhere.

    What is stored stays.
    """
    with transaction.atomic():
        held = Meter.objects.select_for_update(no_key=True).filter(pk=meter.pk).first()
        feed = Feed.objects.select_related("source").filter(meter=held).first() if held else None
        if held is None or feed is None:
            return False
        words = f"Over the API: source was “{feed.source.name}”, is none."
        feed.delete()
        note(person=person, what=held, act=CHANGE, words=words)
    return True


def _check(source: Source) -> None:
    # Past the attribute: what is stored was looked at when it came, and its key may be lost.
    token = source.__dict__["token"]
    checked(source, otherwise="name", but=() if isinstance(token, str) else ("token",))
    if isinstance(token, str) and not re.fullmatch(r"[\x21-\x7e]*", token):
        # It can't stand in a header, and would be told by the error of whoever tries to send it.
        raise RefusedError(
            {"token": "A token is of ASCII letters, digits and signs, without a blank."}
        )
