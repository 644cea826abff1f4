"""The forms of the upload page: a file, and what a person says of it."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat

from ingestion.deliveries import names_of_meters
from ingestion.doors.columns import Role, parse_code, parse_unit
from ingestion.doors.table import DoorError
from ingestion.intervals import LENGTHS
from meters.models import Meter
from meters.qualities import BY_NAME
from meters.zones import ZoneError, zone

FOUND = ("", "as found")
ROLES = [
    ("", "as found"),
    (Role.TIME, "date and time"),
    (Role.DATE, "date"),
    (Role.CLOCK, "time of day"),
    (Role.VALUE, "values"),
    (Role.REGISTER, "register"),
    (Role.METER, "meter"),
    (Role.QUALITY, "quality"),
    (Role.UNIT, "unit"),
    (Role.IGNORE, "nothing we need"),
]


class FileForm(forms.Form):
    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,.json"}),
    )

    def __init__(
        self,
        *args: Any,
        kinds: str = "CSV, XLSX or JSON",
        too_large: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.too_large = too_large
        most = filesizeformat(settings.UPLOAD_MAX_BYTES)
        self.fields["file"].help_text = f"{kinds}, up to {most}."
        self.fields["file"].error_messages["required"] = (
            f"The file is larger than {most}. Split it, for example by year."
            if too_large
            else "Choose a file."
        )


def find_meter(text: str) -> UUID | None:
    """Find the meter that a person means by its MUID, its metering point or its name.

    Raises
    ------
    ValidationError
        There is none such, or there are several.
    """
    text = text.strip()
    if not text:
        return None
    try:
        muid = UUID(text)
    except ValueError:
        named = list(Meter.objects.filter(name=text).values_list("muid", flat=True)[:2])
        if len(named) > 1:
            raise forms.ValidationError(
                f"Several meters are called “{text[:60]}”. Write the MUID of the one you mean."
            ) from None
        found = names_of_meters().get(text) or next(iter(named), None)
        if found is None:
            raise forms.ValidationError(
                f"There is no meter “{text[:60]}” here. Write its name, MUID or metering point."
            ) from None
        return found
    if not Meter.objects.filter(muid=muid).exists():
        raise forms.ValidationError(f"There is no meter {muid} here. Register it first.")
    return muid


class ChoicesForm(forms.Form):
    """What is said of a file as a whole."""

    meter = forms.CharField(
        label="Meter",
        required=False,
        max_length=100,
        help_text="Where the file names none: name, MUID or metering point.",
        widget=forms.TextInput(attrs={"list": "meters", "autocomplete": "off"}),
    )
    timezone = forms.CharField(
        label="Time zone of the times",
        required=False,
        max_length=64,
        help_text="Whose clock they show, where they carry no offset.",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    mark = forms.ChoiceField(
        label="A time marks",
        required=False,
        choices=[FOUND, ("start", "the start of its interval"), ("end", "its end")],
    )
    interval = forms.ChoiceField(
        label="Intervals",
        required=False,
        choices=[FOUND, *((str(s), f"{int(s) // 60} minutes") for s in LENGTHS)],
    )
    decimal = forms.ChoiceField(
        label="Decimal mark", required=False, choices=[FOUND, (",", "comma"), (".", "point")]
    )
    order = forms.ChoiceField(
        label="Dates",
        required=False,
        choices=[FOUND, ("dmy", "day first: 31/12/2023"), ("mdy", "month first: 12/31/2023")],
    )
    quality = forms.ChoiceField(
        label="Quality",
        required=False,
        choices=[FOUND, *((name, name) for name in sorted(BY_NAME))],
    )
    sheet = forms.CharField(
        label="Sheet", required=False, max_length=100, help_text="Of a workbook; else the first."
    )
    power = forms.BooleanField(label="Take mean power (kW) as energy (kWh)", required=False)

    def clean_meter(self) -> str:
        found = find_meter(self.cleaned_data["meter"])
        return str(found) if found else ""

    def clean_timezone(self) -> str:
        text = self.cleaned_data["timezone"].strip()
        try:
            return zone(text).name if text else ""
        except ZoneError as error:
            raise forms.ValidationError(str(error)) from None


class ColumnForm(forms.Form):
    """What is said of one column."""

    role = forms.ChoiceField(required=False, choices=ROLES)
    register = forms.CharField(required=False, max_length=40)
    unit = forms.CharField(required=False, max_length=20)
    meter = forms.CharField(
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"list": "meters", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, field in self.fields.items():
            field.widget.attrs["aria-label"] = f"{key.capitalize()} of {name}"
            if key != "role":
                field.widget.attrs["placeholder"] = "as found"
            field.widget.attrs["class"] = "input"

    def clean_register(self) -> str:
        return self._read(parse_code, "register")

    def clean_unit(self) -> str:
        return self._read(parse_unit, "unit")

    def clean_meter(self) -> str:
        found = find_meter(self.cleaned_data["meter"])
        return str(found) if found else ""

    def _read(self, parse: Any, key: str) -> str:
        text = self.cleaned_data[key].strip()
        try:
            return str(parse(text)) if text else ""
        except DoorError as error:
            raise forms.ValidationError(str(error)) from None
