"""Sources, runs and rejections in a tenant's admin, and ingestion's part of the meters' page."""

from typing import Any

from django.contrib import admin, messages
from django.db import connection
from django.db.models import QuerySet
from django.forms import ModelForm, PasswordInput
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from accounts.sites import tenant_site
from ingestion.breaker import close, told
from ingestion.models import (
    Erasure,
    Feed,
    Gap,
    Outcome,
    ReadingRevision,
    RejectedReading,
    Run,
    Source,
)
from ingestion.repair import ask_again
from ingestion.services import plan_run
from ingestion.steering import (
    SteeringError,
    cancel_run,
    pause_source,
    resume_source,
    retry_meters,
    retry_run,
)
from ingestion.tasks import ingest_soon
from ingestion.templatetags.hostile import visible
from ingestion.upkeep import Keeping, Removal
from ingestion.validators import LEADS_ELSEWHERE, leads_elsewhere
from meters.admin import MeterAdmin
from meters.models import Meter
from meters.templatetags.units import local


class FeedInline(admin.StackedInline[Feed, Meter]):
    model = Feed
    extra = 0
    max_num = 1
    autocomplete_fields = ["source"]
    fields = ["source", "is_active", "last_success_at", "last_error", "failures", "given_up_at"]
    readonly_fields = ["last_success_at", "last_error", "failures", "given_up_at"]
    verbose_name_plural = "Where its readings come from"


tenant_site.unregister(Meter)


@admin.register(Meter, site=tenant_site)
class IngestedMeterAdmin(MeterAdmin):
    """The meters' page, with the source of the readings and 'ingest now'."""

    inlines = [*MeterAdmin.inlines, FeedInline]
    actions = ["ingest_now"]

    @admin.action(description="Ingest now")
    def ingest_now(self, request: HttpRequest, chosen: QuerySet[Meter]) -> None:
        feeds = Feed.objects.filter(meter__in=chosen).select_related("source", "meter")
        by_source: dict[Source, list[Meter]] = {}
        for feed in feeds:
            by_source.setdefault(feed.source, []).append(feed.meter)
        runs = [
            plan_run(
                source=source,
                trigger=Run.Trigger.ADMIN,
                only=[meter.muid for meter in meters],
            )
            for source, meters in by_source.items()
        ]
        ingest_soon(runs)
        without = chosen.count() - sum(map(len, by_source.values()))
        if runs:
            links = ", ".join(f"run {run.pk}" for run in runs)
            self.message_user(request, f"Ingestion is under way: {links}.")
        if without:
            self.message_user(
                request, f"{without} of the meters have no source.", level=messages.WARNING
            )


class SourceForm(ModelForm[Source]):
    """A source, whose stored token goes nowhere but where it was given for."""

    def clean(self) -> dict[str, Any] | None:
        said = super().clean() or self.cleaned_data
        stored = Source.objects.filter(pk=self.instance.pk).first()
        # Past the attribute: a token whose key is lost can still be replaced.
        if stored is None or not stored.__dict__["token"] or said.get("token"):
            return said
        if leads_elsewhere(stored.address, said.get("address", stored.address)):
            self.add_error("token", LEADS_ELSEWHERE)
        return said


@admin.register(Source, site=tenant_site)
class SourceAdmin(admin.ModelAdmin[Source]):
    form = SourceForm
    list_display = [
        *("name", "address", "measurement", "sweep_minutes", "is_active", "meters", "breaker")
    ]
    readonly_fields = ["breaker"]
    search_fields = ["name", "address"]
    list_filter = ["is_active"]
    actions = ["ingest_now", "pause", "resume"]

    def get_exclude(self, request: HttpRequest, obj: Source | None = None) -> list[str]:
        # To who may look and not change, the admin would write it out.
        return [] if self.has_change_permission(request, obj) else ["token"]

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "token":
            # The stored token is never sent to a browser; leaving the field empty keeps it.
            kwargs["widget"] = PasswordInput(attrs={"autocomplete": "new-password"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if change and not form.cleaned_data.get("token"):
            obj.token = Source.objects.values_list("token", flat=True).get(pk=obj.pk)
        super().save_model(request, obj, form, change)
        # Whoever has mended it need not wait until it is asked again.
        close(obj)

    @admin.display(description="Is it asked?")
    def breaker(self, source: Source) -> str:
        zone = connection.tenant.timezone  # type: ignore[attr-defined]
        return told(source, zone) or "Yes"

    @admin.display(description="Meters")
    def meters(self, source: Source) -> int:
        return source.feeds.count()

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, chosen: QuerySet[Source]) -> None:
        for source in chosen:
            pause_source(source=source, person=request.user.get_username())
        self.message_user(
            request, "Paused. Nothing is lost: when resumed, meters go on from where they are."
        )

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, chosen: QuerySet[Source]) -> None:
        for source in chosen:
            resume_source(source=source)
        self.message_user(request, "Resumed. Catching up begins within a minute.")

    @admin.action(description="Ingest now")
    def ingest_now(self, request: HttpRequest, chosen: QuerySet[Source]) -> None:
        runs = [plan_run(source=source, trigger=Run.Trigger.ADMIN) for source in chosen]
        ingest_soon(runs)
        self.message_user(
            request, "Ingestion is under way: " + ", ".join(f"run {run.pk}" for run in runs) + "."
        )


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A record: looked at, never changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class OutcomeInline(admin.TabularInline[Outcome, Run]):
    model = Outcome
    extra = 0
    can_delete = False
    fields = ["meter", "new", "corrected", "unchanged", "rejected", "warnings", "error"]
    readonly_fields = ["meter", "new", "corrected", "unchanged", "rejected", "warnings", "error"]

    def has_add_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return False


@admin.register(Run, site=tenant_site)
class RunAdmin(ReadOnlyAdmin):
    list_display = [
        "__str__",
        "source",
        "trigger",
        "state",
        "created_at",
        "new",
        "corrected",
        "unchanged",
        "rejected",
        "failed",
        "requests",
        "retries",
        "bytes",
        "took",
    ]
    list_filter = ["state", "trigger", "source"]
    list_select_related = ["source"]
    search_fields = ["error"]
    date_hierarchy = "created_at"
    inlines = [OutcomeInline]
    actions = ["cancel", "retry"]
    fields = (
        *("source", "name", "person", "trigger", "state", "window", "created_at", "started_at"),
        *("finished_at", "meters", "failed", "error"),
    )
    readonly_fields = (*fields,)

    def has_steer_permission(self, request: HttpRequest) -> bool:
        # A run is never changed by hand, but whoever may change its source may end it.
        return request.user.has_perm("ingestion.change_source")

    @admin.display(description="Asked for")
    def window(self, run: Run) -> str:
        start, stop = run.start or run.asked_from, run.stop or run.asked_to
        place = connection.tenant.timezone  # type: ignore[attr-defined]
        return f"{local(start, place)} to {local(stop, place)} ({place})" if start else "–"

    @admin.display(description="Took [s]")
    def took(self, run: Run) -> str:
        return "–" if run.seconds is None else f"{run.seconds:.1f}"

    @admin.action(description="Cancel", permissions=["steer"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        for run in chosen:
            try:
                cancel_run(run=run, person=request.user.get_username())
            except SteeringError as error:
                self.message_user(request, str(error), level=messages.WARNING)
            else:
                self.message_user(request, f"{run} is cancelled. What was stored stays.")

    @admin.action(description="Do again what failed", permissions=["steer"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        for run in chosen:
            try:
                again = retry_run(run=run)
            except SteeringError as error:
                self.message_user(request, str(error), level=messages.WARNING)
            else:
                ingest_soon([again])
                self.message_user(request, f"{again} does {run} again.")


@admin.register(Feed, site=tenant_site)
class FeedAdmin(ReadOnlyAdmin):
    """Which meters are fed, and which were given up. A feed is changed with its meter."""

    list_display = [
        *("meter", "source", "is_active", "last_success_at"),
        *("failures", "retry_at", "given_up_at", "last_error"),
    ]
    list_filter = [("given_up_at", admin.EmptyFieldListFilter), "source", "is_active"]
    list_select_related = ["meter", "source"]
    search_fields = ["meter__name", "last_error"]
    actions = ["retry"]

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ingestion.change_source")

    @admin.action(description="Ask again now", permissions=["steer"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Feed]) -> None:
        done = retry_meters(feeds=chosen)
        ingest_soon(list(done.runs))
        self.message_user(request, f"{done.meters:,} meters are asked for again.")


@admin.register(Gap, site=tenant_site)
class GapAdmin(ReadOnlyAdmin):
    """What is missing between stored readings, and how often it was asked for."""

    list_display = [
        *("register", "meter", "start", "stop", "missing", "came", "state"),
        *("tries", "next_try_at", "ended_at"),
    ]
    list_filter = ["state", "goes_on"]
    list_select_related = ["register__meter"]
    search_fields = ["register__meter__name", "register__meter__muid"]
    date_hierarchy = "start"
    actions = ["ask"]

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ingestion.change_source")

    @admin.display(description="Meter", ordering="register__meter__name")
    def meter(self, gap: Gap) -> str:
        return gap.register.meter.name

    @admin.display(description="Came")
    def came(self, gap: Gap) -> int:
        return gap.came

    @admin.action(description="Ask for them now", permissions=["steer"])
    def ask(self, request: HttpRequest, chosen: QuerySet[Gap]) -> None:
        runs = ask_again(gaps=chosen, now=timezone.now())
        ingest_soon(runs)
        self.message_user(request, f"{len(runs):,} runs ask for what is missing.")


@admin.register(RejectedReading, site=tenant_site)
class RejectedReadingAdmin(ReadOnlyAdmin):
    list_display = ["when", "register", "reason", "why", "meter", "times", "last_seen_at"]
    list_filter = ["reason"]
    search_fields = ["muid", "code", "raw"]
    list_select_related = ["meter"]
    date_hierarchy = "last_seen_at"
    fields = [
        *("when", "register", "identifier", "reason", "why", "as_it_came", "meter", "run"),
        *("times", "first_seen_at", "last_seen_at"),
    ]

    # What the upstream wrote, with every character that would hide or reorder others written out.
    @admin.display(description="Time as written", ordering="timestamp")
    def when(self, one: RejectedReading) -> str:
        return visible(one.timestamp) or "–"

    @admin.display(description="Code", ordering="code")
    def register(self, one: RejectedReading) -> str:
        return visible(one.code)

    @admin.display(description="MUID as written")
    def identifier(self, one: RejectedReading) -> str:
        return visible(one.muid)

    @admin.display(description="Why")
    def why(self, one: RejectedReading) -> str:
        return visible(one.words)

    @admin.display(description="Raw text")
    def as_it_came(self, one: RejectedReading) -> str:
        return visible(one.raw)


@admin.register(ReadingRevision, site=tenant_site)
class ReadingRevisionAdmin(ReadOnlyAdmin):
    list_display = ["register", "day", "replaced", "by", "reason", "recorded_at"]
    list_filter = ["act"]
    list_select_related = ["register__meter", "run", "author"]
    search_fields = ["register__meter__name", "register__meter__muid", "reason", "author__email"]
    date_hierarchy = "day"
    fields = ["register", "day", "by", "recorded_at", "reason", "replaced_readings"]

    @admin.display(description="Replaced")
    def replaced(self, revision: ReadingRevision) -> str:
        return f"{revision.replaced} readings"

    @admin.display(description="By")
    def by(self, revision: ReadingRevision) -> str:
        if revision.act:
            return f"{revision.author or 'somebody who has left'}, {revision.get_act_display()}"
        return str(revision.run or "a run that is no longer kept")

    @admin.display(description="As they were")
    def replaced_readings(self, revision: ReadingRevision) -> str:
        unit = revision.register.code.unit
        lines = [
            f"{when.isoformat()}   {quality.label if value is None else ''}"
            + (f"{value:.6g} {unit}   {quality.label}" if value is not None else "")
            for when, value, quality in revision.readings()
        ]
        return format_html("<pre>{}</pre>", "\n".join(lines))


@admin.register(Keeping, site=tenant_site)
class KeepingAdmin(admin.ModelAdmin[Keeping]):
    """How long the record is kept: one row, changed here."""

    list_display = ["__str__", "runs", "outcomes", "rejections", "revisions", "gaps"]
    fields = ["runs", "outcomes", "rejections", "revisions", "gaps"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Keeping.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Removal, site=tenant_site)
class RemovalAdmin(ReadOnlyAdmin):
    """What has been removed, day by day."""

    list_display = ["day", "kind", "rows", "before", "last_at"]
    list_filter = ["kind"]
    date_hierarchy = "day"


@admin.register(Erasure, site=tenant_site)
class ErasureAdmin(ReadOnlyAdmin):
    """What was erased. A meter is erased from its Readings page, by command or over the API."""

    list_display = ["erased_at", "person", "reason", "told"]
    search_fields = ["person", "reason"]
    date_hierarchy = "erased_at"
    fields = ["erased_at", "person", "reason", "told"]
