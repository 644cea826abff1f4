"""The people of a tenant: invited, given another role, let go, let back in; each on record.

Pages and commands call these; each works in the current schema, whole or not at all.
"""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.acts import record
from accounts.models import Act, User
from accounts.roles import Role, put_role, role_of


class PeopleError(ValueError):
    """It can't be done; the text says why and what to do instead, in the reader's language."""


def invite(*, email: str, role: Role, by: str, language: str = "") -> User:
    """Make an account without a password; how its person comes to one is `accounts.mailing`'s.

    Parameters
    ----------
    by
        Who invites, named in the invitation.
    language
        Of the invitation, and of pages from then on.

    Raises
    ------
    PeopleError
        It is no address, or somebody has an account with it.
    """
    email = User.objects.normalize_email(email.strip())
    try:
        validate_email(email)
    except ValidationError:
        raise PeopleError(_("“{text}” is not an e-mail address.").format(text=email[:60])) from None
    if found := User.objects.filter(email__iexact=email).first():
        raise PeopleError(_why_not(found))
    try:
        with transaction.atomic():
            person = User.objects.create_user(
                email, language=language, invited_at=timezone.now(), invited_by=by[:254]
            )
            put_role(person, role)
            record(Act.What.PERSON_INVITED, email, by=by, detail=f"as {role.value}")
    except IntegrityError:
        words = _("Somebody else has invited {email} just now.")
        raise PeopleError(words.format(email=email)) from None
    return person


def _why_not(found: User) -> str:
    if not found.is_active:
        words = _("{email} had an account here and was deactivated. Reactivate it instead.")
    elif found.is_invited:
        words = _("{email} is invited already. Send the invitation again instead.")
    else:
        words = _("{email} signs in here already.")
    return words.format(email=found.email)


def renew_invitation(person: User, *, by: str) -> User:
    """Begin an invitation anew: the link that was sent before is good for nothing from now on."""
    with transaction.atomic():
        found = _locked(person)
        if not found.is_active or found.has_usable_password():
            raise PeopleError(_("{email} has no open invitation.").format(email=found.email))
        found.invited_at, found.invited_by = timezone.now(), by[:254]
        found.save(update_fields=["invited_at", "invited_by"])
        record(Act.What.INVITATION_RENEWED, found.email, by=by)
    return found


def accept_invitation(person: User) -> None:
    """Put down that a person has chosen a password, which is saved already."""
    User.objects.filter(pk=person.pk).update(invited_at=None)
    record(Act.What.INVITATION_ACCEPTED, person.email, by=person.email)


def change_role(person: User, role: Role, *, by: str) -> None:
    """Give a person another role.

    Raises
    ------
    PeopleError
        Nobody would be left who may do everything.
    """
    with transaction.atomic():
        found = _locked(person)
        before = role_of(found)
        if before == role:
            return
        if role != Role.ADMIN:
            check_not_last(found)
        put_role(found, role)
        was = before.value if before else "own permissions"
        record(Act.What.ROLE_CHANGED, found.email, by=by, detail=f"from {was} to {role.value}")


def deactivate(person: User, *, by: str) -> None:
    """Let nobody sign in with an account any more; sessions end, and tokens are refused.

    Raises
    ------
    PeopleError
        Nobody would be left who may do everything.
    """
    with transaction.atomic():
        found = _locked(person)
        if not found.is_active:
            return
        check_not_last(found)
        found.is_active = False
        # Or they would go on where they were, should the account be reactivated.
        found.sessions_ended += 1
        found.save(update_fields=["is_active", "sessions_ended"])
        record(Act.What.PERSON_DEACTIVATED, found.email, by=by)


def reactivate(person: User, *, by: str) -> None:
    """Let a person sign in again, with the role, the password and the tokens that they had."""
    with transaction.atomic():
        found = _locked(person)
        if found.is_active:
            return
        found.is_active = True
        found.save(update_fields=["is_active"])
        record(Act.What.PERSON_REACTIVATED, found.email, by=by)


def end_sessions(person: User, *, by: str) -> None:
    """Sign a person out in every browser. API tokens go on."""
    with transaction.atomic():
        found = _locked(person)
        found.sessions_ended += 1
        found.save(update_fields=["sessions_ended"])
        record(Act.What.SESSIONS_ENDED, found.email, by=by)


def check_not_last(person: User) -> None:
    """Refuse to take away the last person who may do everything.

    Within a transaction: all of them are locked, so that no two go at the same moment.
    """
    others = User.objects.administrators().select_for_update().order_by("pk")
    found = set(others.values_list("pk", flat=True))
    if found and found <= {person.pk}:
        words = _("{email} is the only admin who can sign in. Make somebody else an admin first.")
        raise PeopleError(words.format(email=person.email))


def _locked(person: User) -> User:
    """Read a person anew and keep others from changing them meanwhile."""
    found = User.objects.select_for_update().filter(pk=person.pk).first()
    if found is None:
        raise PeopleError(_("{email} has no account here any more.").format(email=person.email))
    return found
