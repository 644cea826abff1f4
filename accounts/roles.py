"""Three roles of a tenant's people, put on Django's permissions and derived from them.

A role is kept nowhere by itself, so that it can't disagree with what an account really may. Whoever
was given other permissions in the admin has a role of their own, which is said and left alone.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from accounts.models import User


class Role(models.TextChoices):
    """What people are given, from the least to the most."""

    VIEWER = "viewer", gettext_lazy("Viewer")
    ANALYST = "analyst", gettext_lazy("Analyst")
    ADMIN = "admin", gettext_lazy("Admin")


MEANINGS = {
    Role.VIEWER: gettext_lazy("looks at everything and makes tokens that read"),
    Role.ANALYST: gettext_lazy(
        "also uploads, sets up meters and sites, corrects readings, steers runs and asks for gaps"
    ),
    Role.ADMIN: gettext_lazy("does everything, also with people, sources, settings and erasure"),
}
OWN = gettext_lazy("Own permissions")

# An analyst is staff, which lets correct readings and steer runs, and in a group that has these.
# A release that changes them brings a migration: tenants that are up to date are not asked again.
GROUP = "Role: analyst"
ANALYST = frozenset(
    {
        "ingestion.add_run",
        "ingestion.view_run",
        "ingestion.view_source",
        "ingestion.view_feed",
        # Which source a meter is read from belongs to setting it up.
        "ingestion.add_feed",
        "ingestion.change_feed",
        "ingestion.view_gap",
        "ingestion.view_readingrevision",
        "ingestion.view_rejectedreading",
        "meters.view_meter",
        "meters.add_meter",
        "meters.change_meter",
        "meters.view_register",
        "meters.view_site",
        "meters.add_site",
        "meters.change_site",
    }
)
APPS = frozenset(name.split(".")[0] for name in ANALYST)


def analysts() -> Group:
    """Return the current schema's group of analysts, with just the permissions it should have."""
    group, _made = Group.objects.get_or_create(name=GROUP)
    wanted = Q()
    for name in ANALYST:
        app, codename = name.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    group.permissions.set(Permission.objects.filter(wanted))
    return group


def renew_analysts(sender: Any, **_more: Any) -> None:
    """After a migration, give the group what this release says, where there is one."""
    if sender.label in APPS and Group.objects.filter(name=GROUP).exists():
        analysts()


def put_role(person: "User", role: Role) -> None:
    """Give a saved person what belongs to a role, and take away everything else."""
    person.is_staff = role != Role.VIEWER
    person.is_superuser = role == Role.ADMIN
    person.save(update_fields=["is_staff", "is_superuser"])
    person.user_permissions.clear()
    person.groups.set([analysts()] if role == Role.ANALYST else [])


def role_of(person: "User") -> Role | None:
    """Return a person's role; None where they have permissions of their own."""
    if person.is_staff and person.is_superuser:
        return Role.ADMIN
    groups = [group.name for group in person.groups.all()]
    if person.is_superuser or person.user_permissions.all():
        return None
    if person.is_staff and groups == [GROUP]:
        return Role.ANALYST
    return None if person.is_staff or groups else Role.VIEWER


def role_in_words(person: "User") -> str:
    role = role_of(person)
    return str(OWN if role is None else role.label)


def is_admin(person: Any) -> bool:
    """Whether somebody, signed in or not, has the role of an admin."""
    return bool(person.is_authenticated and person.is_staff and person.is_superuser)
