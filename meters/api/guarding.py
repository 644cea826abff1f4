"""Who may do what: everybody signed in reads, and what changes something needs a permission."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from rest_framework.exceptions import PermissionDenied
from rest_framework.metadata import SimpleMetadata
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Need:
    """What an account needs for something.

    Attributes
    ----------
    words
        Who may do that, for whoever may not.
    permissions
        Django's, as the admin asks for them: `meters.add_meter`.
    staff
        Whether it must be staff's.
    """

    words: str
    permissions: tuple[str, ...] = ()
    staff: bool = False

    def is_met_by(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        if self.staff and not getattr(user, "is_staff", False):
            return False
        return bool(user.has_perms(self.permissions))  # type: ignore[union-attr]


def permitted(what: str, permission: str, *, staff: bool = False) -> Need:
    """Make the need of one permission.

    Parameters
    ----------
    what
        In words, such as “Meters are registered”.
    permission
        With the app it is of, such as `meters.add_meter`.
    """
    by = "staff with" if staff else "accounts with"
    return Need(f"{what} by {by} the permission {permission} alone.", (permission,), staff)


class Plain(SimpleMetadata):
    """What OPTIONS tells: kinds and names. Which fields there are, the schema says."""

    def determine_actions(self, request: Request, view: APIView) -> dict[str, Any]:
        # The framework would describe what is answered, not what is taken.
        return {}


class Guarded(APIView):
    """A view whose methods need something of an account, beyond what the settings ask for.

    Attributes
    ----------
    needs
        By method; what is not listed is for everybody who is signed in.
    """

    metadata_class = Plain
    needs: ClassVar[Mapping[str, Need]] = {}

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        # HEAD is answered as GET is.
        method = "GET" if request.method == "HEAD" else request.method
        need = self.needs.get(method or "")
        if need is not None and not need.is_met_by(request.user):
            raise PermissionDenied(need.words)


def person_of(request: Request) -> User:
    """Return who asks; a view that is closed to strangers knows that somebody does."""
    assert isinstance(request.user, User)
    return request.user
