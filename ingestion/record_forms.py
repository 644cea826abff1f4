"""What a person writes when correcting readings, read and checked."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ingestion.corrections import MOST_DAYS, REASON_LENGTH
from meters.qualities import BY_NAME, Quality, quality_in_words
from meters.ranges import MomentError, parse_moment
from meters.zones import Zone

KEEP = ""


class ReasonForm(forms.Form):
    """Why something is done, and which version of the readings the person has looked at."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=REASON_LENGTH,
        help_text=gettext_lazy("For whoever wonders later; it stays with the readings."),
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


class CorrectionForm(ReasonForm):
    """Set or delete the readings of a range."""

    field_order = ["start", "end", "act", "value", "quality", "reason"]

    start = forms.CharField(label=gettext_lazy("From"), max_length=40)
    end = forms.CharField(
        label=gettext_lazy("To, not including"),
        max_length=40,
    )
    act = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=[
            ("set", gettext_lazy("Set value or quality")),
            ("delete", gettext_lazy("Delete the readings")),
        ],
        initial="set",
        widget=forms.RadioSelect,
    )
    value = forms.FloatField(
        required=False,
        help_text=gettext_lazy("Of each interval. Left empty, readings keep theirs."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    quality = forms.ChoiceField(
        label=gettext_lazy("Quality"),
        required=False,
        initial=Quality.SUBSTITUTED.label,
    )

    def __init__(self, *args: Any, zone: Zone, unit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.fields["value"].label = _("Value [{unit}]").format(unit=unit)
        example = "2023-02-01T00:15:00+01:00"
        self.fields["start"].help_text = _("With its offset, as in {example}; or a date.").format(
            example=example
        )
        self.fields["end"].help_text = _("At most {most} days later.").format(most=MOST_DAYS)
        self.fields["quality"].choices = [  # type: ignore[attr-defined]
            (KEEP, _("as it is")),
            *((name, quality_in_words(name)) for name in BY_NAME),
        ]

    def _moment(self, name: str) -> int:
        try:
            return parse_moment(self.cleaned_data[name], self.zone)
        except MomentError as error:
            raise forms.ValidationError(str(error)) from None

    def clean_start(self) -> int:
        return self._moment("start")

    def clean_end(self) -> int:
        return self._moment("end")

    def clean_quality(self) -> Quality | None:
        return BY_NAME.get(self.cleaned_data["quality"])
