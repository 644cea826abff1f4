"""What a person writes when correcting readings, read and checked."""

from typing import Any

from django import forms

from ingestion.corrections import MOST_DAYS, REASON_LENGTH
from meters.qualities import BY_NAME, Quality
from meters.ranges import MomentError, parse_moment
from meters.zones import Zone

KEEP = ""


class ReasonForm(forms.Form):
    """Why something is done, and which version of the readings the person has looked at."""

    reason = forms.CharField(
        max_length=REASON_LENGTH, help_text="For whoever wonders later; it stays with the readings."
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


class CorrectionForm(ReasonForm):
    """Set or delete the readings of a range."""

    field_order = ["start", "end", "act", "value", "quality", "reason"]

    start = forms.CharField(label="From", max_length=40)
    end = forms.CharField(
        label="To, not including", max_length=40, help_text=f"At most {MOST_DAYS} days later."
    )
    act = forms.ChoiceField(
        label="What to do",
        choices=[("set", "Set value or quality"), ("delete", "Delete the readings")],
        initial="set",
        widget=forms.RadioSelect,
    )
    value = forms.FloatField(
        required=False,
        help_text="Of each interval. Left empty, readings keep theirs.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    quality = forms.ChoiceField(
        required=False,
        choices=[(KEEP, "as it is"), *((name, name) for name in BY_NAME)],
        initial=Quality.SUBSTITUTED.label,
    )

    def __init__(self, *args: Any, zone: Zone, unit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.fields["value"].label = f"Value [{unit}]"
        example = "2023-02-01T00:15:00+01:00"
        self.fields["start"].help_text = f"With its offset, as in {example}; or a date."

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
