"""Pages on which a person's meter is erased, and that tell what was erased."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from ingestion.erasing import REASON_LENGTH, ErasureError, erase_meter
from ingestion.models import Erasure
from ingestion.registers import UnknownMeterError
from meters.models import Meter

PERMISSION = "meters.delete_meter"
MOST_SHOWN = 200


class ErasureForm(forms.Form):
    """Why a meter is erased, and its name, typed once more."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=REASON_LENGTH,
        help_text=gettext_lazy(
            "It stays on record, so leave out what names the meter or the person; the number of "
            "the request will do."
        ),
    )
    name = forms.CharField(
        label=gettext_lazy("The meter's name"),
        max_length=200,
        help_text=gettext_lazy("Typed as it stands above, to be sure."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, meter: Meter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.meter = meter

    def clean_name(self) -> str:
        typed: str = self.cleaned_data["name"]
        if typed != self.meter.name:
            raise forms.ValidationError(_("That is not its name. Nothing was erased."))
        return typed


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, muid: UUID) -> HttpResponse:
    """Erase a meter, once its name was typed."""
    if not (request.user.is_staff and request.user.has_perm(PERMISSION)):
        raise PermissionDenied("Meters are erased by staff who may delete meters.")
    meter = get_object_or_404(Meter.objects.select_related("site"), muid=muid)
    form = ErasureForm(request.POST or None, meter=meter)
    if form.is_valid():
        try:
            erasure = erase_meter(
                muid=muid, person=request.user.get_username(), reason=form.cleaned_data["reason"]
            )
        except ErasureError as error:
            form.add_error(error.field, str(error))
        except UnknownMeterError:
            messages.warning(request, _("Somebody else has erased this meter just now."))
            return HttpResponseRedirect(reverse("ingestion:erasures"))
        else:
            words = _("The meter is erased. With it went {what}.").format(what=erasure.told)
            messages.success(request, words)
            return HttpResponseRedirect(reverse("ingestion:erasures"))
    context = {
        "meter": meter,
        "form": form,
        "is_last_of_site": meter.site is not None
        and not Meter.objects.filter(site=meter.site).exclude(pk=meter.pk).exists(),
        "breadcrumbs": [
            {"label": _("Meters"), "url": reverse("analytics:meters")},
            {"label": meter.name, "url": meter.get_absolute_url()},
            {"label": _("Erase"), "url": ""},
        ],
    }
    return render(request, "ingestion/erase.html", context, status=400 if form.errors else 200)


@require_safe
def erasures(request: HttpRequest) -> HttpResponse:
    """Tell what was erased, the latest first."""
    if not request.user.is_staff:
        raise PermissionDenied("The record of erasures is for staff alone.")
    context = {
        "erasures": Erasure.objects.all()[:MOST_SHOWN],
        "most": MOST_SHOWN,
        "breadcrumbs": [
            {"label": _("Ingestion"), "url": reverse("ingestion:runs")},
            {"label": _("Erasures"), "url": ""},
        ],
    }
    return render(request, "ingestion/erasures.html", context)
