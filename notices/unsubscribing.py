"""Links that end mails by one click, without signing in; each is signed, and good in one tenant."""

from django.core import signing
from django.urls import reverse

from accounts.models import User
from notices.models import Preference
from tenants.models import Tenant

SALT = "notices.unsubscribe"


def unsubscribe_path(tenant: Tenant, user: User) -> str:
    # Without a time in it: a letter that is sent twice is the same both times.
    token = signing.Signer(salt=SALT).sign_object([tenant.schema_name, user.pk])
    return reverse("notices:unsubscribe", args=[token])


def person_of(token: str, tenant: Tenant) -> User | None:
    """Find whom a link is about; None where it is forged, another tenant's, or nobody's any more.

    It never runs out: who finds an old mail wants no more of them all the same.
    """
    try:
        schema, number = signing.Signer(salt=SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if schema != tenant.schema_name:
        return None
    return User.objects.filter(pk=number).first()


def unsubscribe(user: User) -> None:
    """Send this person nothing more, until they choose otherwise."""
    Preference.objects.update_or_create(
        user=user, defaults={"silent_meters": False, "failing_sources": False}
    )
