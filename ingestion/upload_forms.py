"""The forms of the upload page: a file, and what a person says of it."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.uploads import NO_ROOM, TOO_LARGE
from ingestion.deliveries import names_of_meters
from ingestion.doors.columns import Role, parse_code, parse_unit
from ingestion.doors.table import DoorError
from ingestion.intervals import LENGTHS
from meters.language import N_
from meters.models import Meter
from meters.qualities import BY_NAME, quality_in_words
from meters.zones import ZoneError, zone

FOUND = ("", gettext_lazy("as found"))
ROLES = [
    FOUND,
    (Role.TIME, gettext_lazy("date and time")),
    (Role.DATE, gettext_lazy("date")),
    (Role.CLOCK, gettext_lazy("time of day")),
    (Role.VALUE, gettext_lazy("values")),
    (Role.REGISTER, gettext_lazy("register")),
    (Role.METER, gettext_lazy("meter")),
    (Role.QUALITY, gettext_lazy("quality")),
    (Role.UNIT, gettext_lazy("unit")),
    (Role.IGNORE, gettext_lazy("nothing we need")),
]


ARIA_LABELS = {
    "role": N_("Role of {column}"),
    "register": N_("Register of {column}"),
    "unit": N_("Unit of {column}"),
    "meter": N_("Meter of {column}"),
}


class FileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,.json"}),
    )

    def __init__(
        self,
        *args: Any,
        kinds: str = "",
        refused: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.refused = refused
        most = filesizeformat(settings.UPLOAD_MAX_BYTES)
        kinds = kinds or _("CSV, XLSX or JSON")
        self.fields["file"].help_text = _("{kinds}, up to {most}.").format(kinds=kinds, most=most)
        words = {
            TOO_LARGE: _("The file is larger than {most}. Split it, for example by year."),
            NO_ROOM: _(
                "The server has no room for the file at the moment, and nothing of it was kept. "
                "Tell the operator, and try again later."
            ),
        }
        required = words.get(refused, _("Choose a file."))
        self.fields["file"].error_messages["required"] = required.format(most=most)


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
            words = _("Several meters are called “{name}”. Write the MUID of the one you mean.")
            raise forms.ValidationError(words.format(name=text[:60])) from None
        found = names_of_meters().get(text) or next(iter(named), None)
        if found is None:
            words = _("There is no meter “{name}” here. Write its name, MUID or metering point.")
            raise forms.ValidationError(words.format(name=text[:60])) from None
        return found
    if not Meter.objects.filter(muid=muid).exists():
        words = _("There is no meter {muid} here. Register it first.")
        raise forms.ValidationError(words.format(muid=muid))
    return muid


class ChoicesForm(forms.Form):
    """What is said of a file as a whole."""

    meter = forms.CharField(
        label=gettext_lazy("Meter"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Where the file names none: name, MUID or metering point."),
        widget=forms.TextInput(attrs={"list": "meters", "autocomplete": "off"}),
    )
    timezone = forms.CharField(
        label=gettext_lazy("Time zone of the times"),
        required=False,
        max_length=64,
        help_text=gettext_lazy("Whose clock they show, where they carry no offset."),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    mark = forms.ChoiceField(
        label=gettext_lazy("A time marks"),
        required=False,
        choices=[
            FOUND,
            ("start", gettext_lazy("the start of its interval")),
            ("end", gettext_lazy("its end")),
        ],
    )
    interval = forms.ChoiceField(
        label=gettext_lazy("Intervals"),
        required=False,
    )
    decimal = forms.ChoiceField(
        label=gettext_lazy("Decimal mark"),
        required=False,
        choices=[FOUND, (",", gettext_lazy("comma")), (".", gettext_lazy("point"))],
    )
    order = forms.ChoiceField(
        label=gettext_lazy("Dates"),
        required=False,
        choices=[
            FOUND,
            ("dmy", gettext_lazy("day first: 31/12/2023")),
            ("mdy", gettext_lazy("month first: 12/31/2023")),
        ],
    )
    quality = forms.ChoiceField(
        label=gettext_lazy("Quality"),
        required=False,
    )
    sheet = forms.CharField(
        label=gettext_lazy("Sheet"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Of a workbook; else the first."),
    )
    power = forms.BooleanField(
        label=gettext_lazy("Take mean power (kW) as energy (kWh)"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lengths = [(str(length), _minutes(int(length) // 60)) for length in LENGTHS]
        self.fields["interval"].choices = [FOUND, *lengths]  # type: ignore[attr-defined]
        qualities = [(name, quality_in_words(name)) for name in sorted(BY_NAME)]
        self.fields["quality"].choices = [FOUND, *qualities]  # type: ignore[attr-defined]

    def clean_meter(self) -> str:
        found = find_meter(self.cleaned_data["meter"])
        return str(found) if found else ""

    def clean_timezone(self) -> str:
        text = self.cleaned_data["timezone"].strip()
        try:
            return zone(text).name if text else ""
        except ZoneError as error:
            raise forms.ValidationError(str(error)) from None


def _minutes(number: int) -> str:
    return ngettext("{number} minute", "{number} minutes", number).format(number=number)


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
            field.widget.attrs["aria-label"] = _(ARIA_LABELS[key]).format(column=name)
            if key != "role":
                field.widget.attrs["placeholder"] = FOUND[1]
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
