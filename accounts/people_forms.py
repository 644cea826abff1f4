"""What admins fill in about people, and people about their passwords."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.utils.translation import gettext_lazy

from accounts.models import Act
from accounts.roles import MEANINGS, Role


def _roles() -> list[tuple[str, str]]:
    return [(role.value, f"{role.label}: {MEANINGS[role]}") for role in Role]


class RoleForm(forms.Form):
    """A role to give somebody."""

    role = forms.ChoiceField(
        label=gettext_lazy("Role"), widget=forms.RadioSelect, choices=_roles, initial=Role.VIEWER
    )

    def chosen(self) -> Role:
        return Role(self.cleaned_data["role"])


class InviteForm(RoleForm):
    """Somebody to invite."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=settings.LANGUAGES,
        help_text=gettext_lazy("Of the invitation, and of pages until they choose another one."),
    )
    field_order = ["email", "role", "language"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs |= {"autocomplete": "off", "autofocus": True}


class ForgottenForm(PasswordResetForm):
    """An address to which a link is sent, if somebody signs in with it."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Send nothing: the view has the queue do it, who looks whether there is anybody."""


class ActsForm(forms.Form):
    """Which acts to show; what can't be read is left out."""

    what = forms.ChoiceField(required=False, choices=[("", ""), *Act.What.choices])
    who = forms.CharField(required=False, max_length=254)
