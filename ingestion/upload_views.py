"""Uploading a file of readings: choose it, look at what it is taken for, store it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from ingestion.deliveries import shown_name
from ingestion.doors.columns import Role
from ingestion.doors.table import DoorError
from ingestion.inbox import Upload
from ingestion.lease import worker_name
from ingestion.models import Run
from ingestion.tasks import ingest_soon
from ingestion.upload_forms import ROLES, ChoicesForm, ColumnForm, FileForm
from ingestion.uploads import Preview, ShownColumn, preview, store_upload
from meters.models import Meter
from meters.templatetags.units import figure
from meters.zones import known_zones

# Suggested while typing; any other can be written.
MOST_SUGGESTED = 500
ROLE_WORDS = dict(ROLES)

may_store = permission_required("ingestion.add_run", raise_exception=True)


@require_http_methods(["GET", "POST"])
@may_store
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file, and lead to what it holds."""
    if request.method == "POST":
        files = request.FILES
        # Known once the files have been read.
        refused = getattr(request, "upload_refused", "")
        form = FileForm(request.POST, files, refused=refused)
        if form.is_valid():
            file = form.cleaned_data["file"]
            kept = Upload.objects.keep(
                int(request.user.pk or 0), shown_name(file.name) or "file", file.chunks()
            )
            return redirect("ingestion:preview", kept.pk)
    else:
        form = FileForm()
    context = {"form": form, "breadcrumbs": _crumbs(_("Upload readings"))}
    return render(request, "ingestion/upload.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@may_store
def look(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what a file holds, and take down what is said of it."""
    kept = _own(request, pk)
    if kept.run is not None:
        return redirect(kept.run)
    found = preview(kept, worker=worker_name())
    if request.method == "POST":
        form = ChoicesForm(request.POST)
        columns = [(one, _column_form(one, request.POST)) for one in found.columns]
        if form.is_valid() and all(column.is_valid() for _, column in columns):
            kept.choices = form.cleaned_data | {
                "columns": {
                    str(one.index): column.cleaned_data
                    for one, column in columns
                    if any(column.cleaned_data.values())
                }
            }
            kept.save(update_fields=["choices"])
            return redirect("ingestion:preview", kept.pk)
    else:
        form = ChoicesForm(initial=_as_written(kept.choices))
        columns = [(one, _column_form(one)) for one in found.columns]
    context = _context(request, kept, found) | {
        "form": form,
        "columns": [_shown(one, column) for one, column in columns],
    }
    return render(request, "ingestion/preview.html", context)


@require_POST
@may_store
def store(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Store a file that was looked at, and lead to the run that keeps what became of it."""
    kept = _own(request, pk)
    try:
        done = store_upload(kept, worker=worker_name())
    except DoorError:
        # Where it leads to, the reason is told in the language of the reader.
        messages.error(request, _("Nothing was stored."))
        return redirect("ingestion:preview", kept.pk)
    if isinstance(done, Run) and done.state in Run.OPEN:
        ingest_soon([done])
        words = _("{name} is large, so a worker stores it. Look again soon.")
        messages.info(request, words.format(name=kept.name))
        return redirect(done)
    if isinstance(done, Run):
        words = _("{name} was stored before; nothing was done again.")
        messages.info(request, words.format(name=kept.name))
        return redirect(done)
    counts = done.counts
    words = _(
        "{name}: {new} new, {corrected} corrected, {unchanged} unchanged, {refused} refused."
    ).format(
        name=kept.name,
        new=figure(counts.new),
        corrected=figure(counts.corrected),
        unchanged=figure(counts.unchanged),
        refused=figure(counts.rejected),
    )
    # The run's page tells why it failed.
    (messages.error if done.run.error else messages.success)(request, words)
    return redirect(done.run)


@require_POST
@may_store
def discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let go of a file."""
    kept = _own(request, pk)
    kept.delete()
    words = _("{name} was discarded; nothing of it was stored.")
    messages.info(request, words.format(name=kept.name))
    return redirect("ingestion:upload")


def _own(request: HttpRequest, pk: UUID) -> Upload:
    found = Upload.objects.of(request.user.pk, timezone.now()).select_related("run", "person")
    return get_object_or_404(found, pk=pk)


def _crumbs(label: str) -> list[dict[str, str]]:
    return [
        {"label": _("Ingestion"), "url": reverse("ingestion:runs")},
        {"label": label, "url": ""},
    ]


def _column_form(one: ShownColumn, data: Any = None) -> ColumnForm:
    prefix = f"column-{one.index}"
    return ColumnForm(data, prefix=prefix, name=one.name, initial=_as_written(one.said))


def _as_written(said: dict[str, Any]) -> dict[str, Any]:
    """Show a meter by its name, where that is clear."""
    muid = said.get("meter")
    if not muid:
        return said
    names = list(Meter.objects.filter(muid=muid).values_list("name", flat=True))
    clear = names and Meter.objects.filter(name=names[0]).count() == 1
    return said | {"meter": names[0] if clear else muid}


def _shown(one: ShownColumn, form: ColumnForm) -> dict[str, Any]:
    return {
        "name": one.name,
        "samples": one.samples,
        "taken_for": ROLE_WORDS[one.column.role],
        "is_ignored": one.column.role is Role.IGNORE,
        "is_value": one.column.role is Role.VALUE,
        "column": one.column,
        "form": form,
    }


def _context(request: HttpRequest, kept: Upload, found: Preview) -> dict[str, Any]:
    counts = found.counts
    tenant = request.tenant  # type: ignore[attr-defined]
    numbers = (
        (
            (_("New"), counts.new),
            (_("Corrected"), counts.corrected),
            (_("Unchanged"), counts.unchanged),
            (_("Refused"), counts.rejected),
        )
        if counts
        else ()
    )
    return {
        "upload": kept,
        "found": found,
        "tiles": [{"label": label, "figure": figure(number)} for label, number in numbers],
        "good": counts.total - counts.rejected if counts else 0,
        "meters": Meter.objects.values_list("name", flat=True)[:MOST_SUGGESTED],
        "zones": [tenant.timezone, "UTC", *sorted(known_zones() - {tenant.timezone, "UTC"})],
        "may_register": request.user.has_perm("meters.add_meter"),
        "breadcrumbs": _crumbs(kept.name),
    }
