"""What people fill in to make a token, or to allow an origin."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import AllowedOrigin, User
from accounts.scopes import MEANINGS, Scope, scopes_of

# Days that a token may be good for; 0 for ever.
LIVES = [
    (30, gettext_lazy("In 30 days")),
    (90, gettext_lazy("In 90 days")),
    (365, gettext_lazy("In a year")),
    (0, gettext_lazy("Never")),
]


class TokenForm(forms.Form):
    """A token of one's own."""

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What it is for, such as “Dashboard of the office”."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one.")},
    )
    expires = forms.TypedChoiceField(
        choices=LIVES, coerce=int, initial=90, label=gettext_lazy("Expires")
    )

    def __init__(self, person: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usable = scopes_of(person)
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(one.value, f"{one.label}: {_(MEANINGS[one])}") for one in usable]
        field.initial = [Scope.READ.value]
        if len(usable) < len(Scope):
            field.help_text = _("Those that your account can use.")

    def expires_at(self) -> datetime | None:
        days: int = self.cleaned_data["expires"]
        return timezone.now() + timedelta(days=days) if days else None


class OriginForm(forms.ModelForm[AllowedOrigin]):
    """An origin whose pages may ask."""

    class Meta:
        model = AllowedOrigin
        fields = ["origin", "note"]
        labels = {"origin": gettext_lazy("Origin"), "note": gettext_lazy("Note")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["origin"].widget.attrs |= {
            "placeholder": "https://dashboard.example.com",
            "inputmode": "url",
            "autocapitalize": "none",
            "spellcheck": "false",
        }
