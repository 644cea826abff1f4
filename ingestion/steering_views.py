"""Buttons of the record's pages: pause, resume, cancel, try again. Each is a POST by staff."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from ingestion import steering
from ingestion.models import Feed, Run, Source
from ingestion.tasks import ingest_soon
from meters.templatetags.units import figure

View = Callable[..., HttpResponse]


def by_staff(view: View) -> View:
    """Let staff press the button, and say in words where it can't be done."""

    @require_POST
    @wraps(view)
    def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not (request.user.is_authenticated and request.user.is_staff):
            raise PermissionDenied
        try:
            return view(request, **kwargs)
        except steering.SteeringError as error:
            messages.warning(request, str(error))
            return redirect("ingestion:runs")

    return wrapped


@by_staff
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk)
    waiting = steering.pause_source(source=source, person=_person(request))
    words = [_("{name} is paused. Nothing is lost: its meters go on from where they are.")]
    if waiting:
        words.append(_("The sweep under way stops within one window and waits."))
    messages.success(request, " ".join(words).format(name=source.name))
    return redirect("ingestion:runs")


@by_staff
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk)
    steering.resume_source(source=source)
    words = _("{name} is swept again: it begins to catch up within a minute.")
    messages.success(request, words.format(name=source.name))
    return redirect("ingestion:runs")


@by_staff
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = steering.cancel_run(run=get_object_or_404(Run, pk=pk), person=_person(request))
    messages.success(request, _("{run} is cancelled. What was stored stays.").format(run=run))
    return redirect(run)


@by_staff
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    again = steering.retry_run(run=get_object_or_404(Run, pk=pk))
    ingest_soon([again])
    messages.success(request, _("{run} does it again.").format(run=again))
    return redirect(again)


@by_staff
def retry_meters(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Ask again for one meter that keeps failing, or for all that were given up."""
    feeds = Feed.objects.given_up()
    if pk is not None:
        feeds = feeds.filter(pk=get_object_or_404(Feed, pk=pk).pk)
    done = steering.retry_meters(feeds=feeds)
    ingest_soon(list(done.runs))
    words = ngettext(
        "{number} meter will be asked for again within a minute.",
        "{number} meters will be asked for again within a minute.",
        done.meters,
    )
    messages.success(request, words.format(number=figure(done.meters)))
    return redirect("ingestion:runs")


def _person(request: HttpRequest) -> str:
    """Name who did it, as the record keeps it."""
    return request.user.get_username()
