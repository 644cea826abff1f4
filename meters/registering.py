"""Sites and meters made and changed one at a time. What may be changed, the models' rules say."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model, ProtectedError

from accounts.models import User
from meters.journal import ADDITION, CHANGE, DELETION, note
from meters.models import IN_THE_WAY, Meter, Register, Site

M = TypeVar("M", bound=Model)


class RefusedError(ValueError):
    """What was said can't be; nothing was changed.

    Attributes
    ----------
    faults
        What is wrong, in words, by the field at fault.
    """

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = dict(faults)


class ConflictError(RefusedError):
    """It can't be as things stand: what is there already is in the way."""


class GoneError(LookupError):
    """What was to be changed has been erased or deleted meanwhile."""


def checked(one: Model, *, otherwise: str, but: Collection[str] = ()) -> None:
    """Ask a model's rules; what only the database can tell is left to the database.

    Parameters
    ----------
    otherwise
        The field that is at fault where a rule concerns several.
    but
        Fields that are not looked at.

    Raises
    ------
    RefusedError
        Some rule is broken; `ConflictError` where only what is stored is in the way.
    """
    try:
        one.full_clean(exclude=set(but), validate_unique=False)
    except ValidationError as error:
        # Of one field the first fault is told: the others may follow from it.
        found = {field: errors[0] for field, errors in error.error_dict.items()}
        only_stored = all(one.code == IN_THE_WAY for one in found.values())
        raise (ConflictError if only_stored else RefusedError)(
            {
                otherwise if field == NON_FIELD_ERRORS else field: " ".join(fault.messages)
                for field, fault in found.items()
            }
        ) from None


def alone_of_its_kind(work: Callable[[], M], *, field: str, words: str) -> M:
    """Do what makes or changes a row in a transaction; of two that make the same one succeeds.

    Raises
    ------
    ConflictError
        Another one has the same `field`.
    """
    try:
        with transaction.atomic():
            return work()
    except IntegrityError:
        raise ConflictError({field: words}) from None


def _differing(one: Model, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in changes.items() if getattr(one, name) != value}


# --- Sites ----------------------------------------------------------------------------------------


def make_site(*, name: str, address: str = "", person: User) -> Site:
    """Make a site.

    Raises
    ------
    RefusedError
        Something said of it can't be; `ConflictError` where its name is taken.
    """
    site = Site(name=name, address=address)

    def work() -> Site:
        checked(site, otherwise="name")
        site.save(force_insert=True)
        note(person=person, what=site, act=ADDITION, words="Made over the API.")
        return site

    return alone_of_its_kind(work, field="name", words=f"There is a site “{name}” already.")


def change_site(*, site: Site, changes: Mapping[str, str], person: User) -> Site:
    """Change a site; what is said of it already is no change.

    Raises
    ------
    RefusedError
        Something said of it can't be; `ConflictError` where its name is taken.
    GoneError
        It has been deleted meanwhile.
    """

    def work() -> Site:
        found = Site.objects.select_for_update(no_key=True).filter(pk=site.pk).first()
        if found is None:
            raise GoneError
        if differing := _differing(found, changes):
            words = _told(found, differing)
            _set(found, differing)
            checked(found, otherwise="name")
            found.save(update_fields=list(differing))
            note(person=person, what=found, act=CHANGE, words=words)
        return found

    taken = f"There is another site “{changes.get('name')}” already."
    return alone_of_its_kind(work, field="name", words=taken)


def delete_site(*, site: Site, person: User) -> None:
    """Delete a site at which no meter stands.

    Raises
    ------
    ConflictError
        Meters stand at it.
    """
    key = site.pk
    try:
        with transaction.atomic():
            note(person=person, what=site, act=DELETION, words="Deleted over the API.")
            site.delete()
    except (ProtectedError, IntegrityError):
        # The second one where a meter came to it at the same moment.
        count = Meter.objects.filter(site=key).count()
        stand = "1 meter stands" if count == 1 else f"{count:,} meters stand"
        raise ConflictError(
            {"meters": f"{stand} at “{site.name}”. Put them elsewhere first."}
        ) from None


# --- Meters ---------------------------------------------------------------------------------------


def make_meter(*, said: Mapping[str, Any], default_zone: str, person: User) -> Meter:
    """Register a meter.

    Parameters
    ----------
    said
        Of its fields; `site` by name, None for none.
    default_zone
        Where its zone is not said.

    Raises
    ------
    RefusedError
        Something said of it can't be; `ConflictError` where its MUID is taken.
    """
    meter = Meter(timezone=default_zone)

    def work() -> Meter:
        _set(meter, _with_site(said))
        checked(meter, otherwise="removed_at")
        meter.save(force_insert=True)
        note(person=person, what=meter, act=ADDITION, words="Registered over the API.")
        return meter

    words = f"There is a meter {said.get('muid', meter.muid)} already."
    return alone_of_its_kind(work, field="muid", words=words)


def change_meter(*, meter: Meter, changes: Mapping[str, Any], person: User) -> Meter:
    """Change a meter; what is said of it already is no change.

    Raises
    ------
    RefusedError
        Something said of it can't be; `ConflictError` where its readings are in the way.
    GoneError
        It has been erased meanwhile.
    """
    with transaction.atomic():
        wanted = _with_site(changes)
        found = _held(meter, for_zone="timezone" in wanted)
        differing = _differing(found, wanted)
        if differing:
            words = _told(found, differing)
            _set(found, differing)
            checked(found, otherwise="removed_at")
            found.save(update_fields=list(differing))
            note(person=person, what=found, act=CHANGE, words=words)
    return found


def _held(meter: Meter, *, for_zone: bool) -> Meter:
    """Lock a meter until the transaction ends, as far as the change needs it."""
    if for_zone:
        # As for cutting anew, and in that order: who is about to store its first readings finds
        # the other zone, or this finds the readings.
        list(Register.objects.filter(meter=meter).select_for_update().order_by("pk"))
    locked = Meter.objects.select_for_update(no_key=not for_zone).filter(pk=meter.pk).first()
    if locked is None:
        raise GoneError
    return locked


def _with_site(said: Mapping[str, Any]) -> dict[str, Any]:
    """Find the site that is named, and keep it from being deleted until the transaction ends."""
    found = dict(said)
    if (name := found.get("site")) is not None:
        found["site"] = Site.objects.select_for_update(no_key=True).filter(name=name).first()
        if found["site"] is None:
            raise RefusedError(
                {
                    "site": f"There is no site “{name[:40]}” here. Make it first: "
                    "POST /api/v1/sites/."
                }
            )
    return found


def _set(one: Model, said: Mapping[str, Any]) -> None:
    for name, value in said.items():
        setattr(one, name, value)


def _told(one: Model, changes: Mapping[str, Any]) -> str:
    """Say what a change does, for the log."""
    parts = [f"{name} was {getattr(one, name) or 'empty'}" for name in changes]
    return f"Over the API: {'; '.join(parts)}."
