"""Where readings come from, and what each run did. What else is kept is in modules of its own."""

from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ingestion.addresses import ForbiddenAddressError, Guard
from ingestion.erasure_record import Erasure as Erasure
from ingestion.fields import EncryptedTextField
from ingestion.gap_record import Gap as Gap
from ingestion.idempotency import KeptAnswer as KeptAnswer
from ingestion.inbox import Upload as Upload
from ingestion.inbox import UploadPart as UploadPart
from ingestion.kept import ReadingRevision as ReadingRevision
from ingestion.kept import RejectedReading as RejectedReading
from ingestion.upkeep import Keeping as Keeping
from ingestion.upkeep import Removal as Removal
from ingestion.validators import PLACE as PLACE
from ingestion.validators import validate_address as validate_address
from ingestion.validators import validate_header as validate_header
from meters.models import Meter

# A worker that has not been heard of for so long has died; its run is taken up by another.
LEASE = timedelta(seconds=40)
# A message to a worker that has not been acted on for so long is lost; another one is sent.
OFFER = timedelta(seconds=30)


class SourceQuerySet(models.QuerySet["Source"]):
    def due(self, now: datetime) -> "SourceQuerySet":
        """Sources whose next sweep is due, that have no run under way and are not left alone.

        Gaps are asked for beside the sweeps.
        """
        under_way = Run.objects.filter(source=models.OuterRef("pk"), state__in=Run.OPEN)
        under_way = under_way.exclude(trigger=Run.Trigger.REPAIR)
        may_be_asked = Q(rests_until__isnull=True) | Q(rests_until__lte=now)
        due = self.filter(may_be_asked, is_active=True, next_sweep_at__lte=now)
        return due.exclude(models.Exists(under_way))

    def looked_at(self) -> datetime | None:
        """When the stored readings of all sources were last looked at for gaps."""
        times = list(self.filter(is_active=True).values_list("gaps_looked_at", flat=True))
        return min((time for time in times if time), default=None) if all(times) else None

    def take(self, source: "Source", now: datetime) -> bool:
        """Move a due source on to its next sweep; of several dispatchers that try, one succeeds.

        Sweeps keep to their beat: the next one is counted from when this one was due.
        """
        beat = timedelta(minutes=source.sweep_minutes)
        missed = max((now - source.next_sweep_at) // beat, 0)
        following = source.next_sweep_at + (missed + 1) * beat
        same = self.filter(pk=source.pk, is_active=True, next_sweep_at=source.next_sweep_at)
        return bool(same.update(next_sweep_at=following))


class Source(models.Model):
    """An upstream metering API, and how it is asked."""

    name = models.CharField(max_length=100, unique=True)
    address = models.CharField(
        max_length=500,
        validators=[validate_address],
        help_text="The base address of the API, for example https://meters.example.com, to which "
        "/meterdata/measurement is added; or a whole address with {muid} in it.",
    )
    measurement = models.CharField(max_length=20, default="energy")
    token = EncryptedTextField(
        "token or API key",
        blank=True,
        default="",
        help_text="Sent as Authorization: Bearer …, or as the header below; stored encrypted.",
    )
    key_header = models.CharField(
        "header of the API key",
        max_length=64,
        blank=True,
        default="",
        db_default="",
        validators=[validate_header],
        help_text="For example X-API-Key, where the upstream takes an API key; empty where it "
        "takes a bearer token.",
    )
    limit = models.PositiveIntegerField(
        default=5000,
        validators=[MinValueValidator(10), MaxValueValidator(100_000)],
        help_text="The most rows that one answer holds.",
    )
    interval = models.PositiveIntegerField(
        "default interval [s]",
        default=900,
        validators=[MinValueValidator(60), MaxValueValidator(3600)],
        help_text="How far apart readings are where they don't show it themselves.",
    )
    sweep_minutes = models.PositiveIntegerField(
        default=15,
        validators=[MinValueValidator(1)],
        help_text="How often all its meters are asked.",
    )
    reread_hours = models.PositiveIntegerField(
        default=72, help_text="How far back each sweep reads again, for late and corrected values."
    )
    backfill_from = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Where a meter begins of which nothing is stored; empty means 31 days ago.",
    )
    requests_per_minute = models.PositiveIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(60_000)],
        help_text="The most requests a minute, all workers together, evenly spaced; 0 means no "
        "limit. Who asks the same address with the same token shares it.",
    )
    concurrent_requests = models.PositiveIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(100)],
        help_text="The most requests at one time, all workers together; 0 means no limit.",
    )
    is_active = models.BooleanField(
        "swept",
        default=True,
        help_text="Unticked the source is paused: it is not asked until it is resumed, and then "
        "from where it was.",
    )
    # In letters, for the record outlives the account.
    paused_by = models.CharField(
        max_length=254, blank=True, default="", db_default="", editable=False
    )
    note = models.CharField(
        max_length=200, blank=True, help_text="Shown with the readings, for example “Recording”."
    )
    next_sweep_at = models.DateTimeField(default=timezone.now, editable=False)
    repairs_gaps = models.BooleanField(
        "gaps are asked for again",
        default=True,
        db_default=True,
        help_text="Unticked, what is missing between stored readings is put on record, no more.",
    )
    gaps_looked_at = models.DateTimeField(null=True, editable=False)
    # The meter at which a look was broken off that would have taken too long.
    gaps_at = models.BigIntegerField(null=True, editable=False)
    # The state of its circuit breaker: see `ingestion.breaker`.
    failures = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    rests_until = models.DateTimeField(null=True, editable=False)
    last_failure = models.TextField(blank=True, default="", db_default="", editable=False)

    objects: ClassVar[SourceQuerySet] = SourceQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Say at once what asking would end in."""
        try:
            Guard.of(settings.UPSTREAM_ALLOW).check_at_once(urlsplit(self.address).hostname or "")
        except ForbiddenAddressError as error:
            raise ValidationError({"address": str(error)}) from None
        except ValueError:
            return  # The field has said what is wrong with it.


class FeedQuerySet(models.QuerySet["Feed"]):
    def given_up(self) -> "FeedQuerySet":
        """Meters that kept failing, and are asked once a day until somebody looks at them."""
        return self.filter(given_up_at__isnull=False, is_active=True)


class Feed(models.Model):
    """A meter's connection to the source that its readings come from."""

    meter = models.OneToOneField(
        Meter, on_delete=models.CASCADE, primary_key=True, related_name="feed"
    )
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="feeds")
    is_active = models.BooleanField(default=True)
    last_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.TextField(blank=True, default="", editable=False)
    last_run = models.ForeignKey(
        "Run", null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    failures = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="In a row, while its source answered."
    )
    retry_at = models.DateTimeField(
        null=True, editable=False, help_text="Sweeps leave the meter out until then."
    )
    given_up_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[FeedQuerySet] = FeedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["meter__name"]

    def __str__(self) -> str:
        return f"{self.meter} from {self.source}"


class RunQuerySet(models.QuerySet["Run"]):
    def waiting(self, now: datetime) -> "RunQuerySet":
        """Runs that nobody works on: queued, or taken by a worker that is gone.

        The sweeps of a source that is paused wait for it, and so do its repairs.
        """
        # Not a join: of an UPDATE that has waited for another one, PostgreSQL looks again at what
        # the row itself says, so of two workers that claim a run one succeeds.
        paused = Source.objects.filter(pk=models.OuterRef("source"), is_active=False)
        return self.filter(
            Q(state=Run.State.QUEUED) | Q(state=Run.State.RUNNING, lease_until__lt=now),
            ~(Q(trigger__in=Run.AUTOMATIC) & models.Exists(paused)),
        )

    def claim(self, pk: int, worker: str, now: datetime) -> bool:
        """Take a waiting run; of several workers that try, one succeeds."""
        return bool(
            self.waiting(now)
            .filter(pk=pk)
            .update(
                state=Run.State.RUNNING,
                worker=worker,
                lease_until=now + LEASE,
                offered_at=None,
                started_at=Coalesce(F("started_at"), now),
                attempts=F("attempts") + 1,
            )
        )

    def extend(self, pk: int, worker: str, now: datetime) -> bool:
        """Tell that the worker lives; False where the run is no longer its own."""
        return bool(
            self.filter(pk=pk, worker=worker, state=Run.State.RUNNING).update(
                lease_until=now + LEASE
            )
        )


class Run(models.Model):
    """One sweep of a source, or one file: what was asked for and what came of it."""

    class State(models.TextChoices):
        QUEUED = "queued", gettext_lazy("queued")
        RUNNING = "running", gettext_lazy("running")
        SUCCEEDED = "succeeded", gettext_lazy("succeeded")
        PARTIAL = "partial", gettext_lazy("partly failed")
        FAILED = "failed", gettext_lazy("failed")
        CANCELLED = "cancelled", gettext_lazy("cancelled")

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", gettext_lazy("schedule")
        COMMAND = "command", gettext_lazy("command")
        ADMIN = "admin", gettext_lazy("by hand")
        REPAIR = "repair", gettext_lazy("gap repair")
        FILE = "file", gettext_lazy("file")
        UPLOAD = "upload", gettext_lazy("upload")
        API = "api", gettext_lazy("sent to the API")

    OPEN = (State.QUEUED, State.RUNNING)
    # What nobody has asked for by hand.
    AUTOMATIC = (Trigger.SCHEDULE, Trigger.REPAIR)
    # What may be done again.
    AGAIN = (State.PARTIAL, State.FAILED, State.CANCELLED)
    # What was brought to us. Nobody but who brought it has it, so no other worker can take it up;
    # but for large uploads, which wait in the inbox.
    BROUGHT = (Trigger.FILE, Trigger.UPLOAD, Trigger.API)

    source = models.ForeignKey(
        Source, null=True, on_delete=models.SET_NULL, related_name="runs", editable=False
    )
    trigger = models.CharField(max_length=10, choices=Trigger, editable=False)
    name = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Of the file that was brought."
    )
    # In letters, for the record outlives the account.
    person = models.CharField(
        max_length=254, blank=True, editable=False, help_text="Who brought it, where that is known."
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED, editable=False)
    only = ArrayField(
        models.UUIDField(), default=list, editable=False, help_text="Meters; empty means all."
    )
    start = models.DateTimeField(null=True, editable=False, help_text="Of the window asked for.")
    stop = models.DateTimeField(null=True, editable=False)
    # Where each meter goes on from what is stored, its window is known only when it is asked for.
    asked_from = models.DateTimeField(
        null=True, editable=False, help_text="The earliest that any meter was asked for."
    )
    asked_to = models.DateTimeField(null=True, editable=False, help_text="And the latest.")

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    worker = models.CharField(max_length=100, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveIntegerField(
        default=0, editable=False, help_text="Since a worker last handed it over."
    )
    # When it came to its place in the queue: a run that is handed over goes to the end.
    queued_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    offered_at = models.DateTimeField(null=True, editable=False)
    # Where it was left: at which feed, up to when that one has been read, and how many workers in
    # a row have died there.
    at_feed = models.BigIntegerField(null=True, editable=False)
    at_time = models.DateTimeField(null=True, editable=False)
    strikes = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    meters = models.PositiveIntegerField(default=0, editable=False)
    failed = models.PositiveIntegerField(default=0, editable=False)
    new = models.PositiveBigIntegerField(default=0, editable=False)
    corrected = models.PositiveBigIntegerField(default=0, editable=False)
    unchanged = models.PositiveBigIntegerField(default=0, editable=False)
    rejected = models.PositiveBigIntegerField(default=0, editable=False)
    requests = models.PositiveIntegerField(default=0, editable=False)
    bytes = models.PositiveBigIntegerField(default=0, editable=False)
    retries = models.PositiveIntegerField(default=0, editable=False)
    error = models.TextField(blank=True, default="", editable=False)

    objects: ClassVar[RunQuerySet] = RunQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            # What is open, asked of every tenant by the dispatcher, a few times a minute.
            models.Index(
                fields=["queued_at"],
                name="run_open",
                condition=Q(state__in=["queued", "running"]),
            ),
            # The page of runs, newest first.
            models.Index(fields=["-created_at", "-id"], name="run_newest"),
        ]

    def __str__(self) -> str:
        return _("Run {number}").format(number=self.pk)

    def get_absolute_url(self) -> str:
        return reverse("ingestion:run", args=[self.pk])

    @property
    def origin(self) -> str:
        """Where its readings came from, in words."""
        if self.source:
            return self.source.name
        if self.trigger in self.BROUGHT:
            return self.name or str(self.get_trigger_display())
        return _("deleted source")

    @property
    def readings(self) -> int:
        return self.new + self.corrected + self.unchanged + self.rejected

    @property
    def seconds(self) -> float | None:
        if not self.started_at:
            return None
        return ((self.finished_at or timezone.now()) - self.started_at).total_seconds()


class Outcome(models.Model):
    """What a run did to one meter; kept where something changed, was odd or failed."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="outcomes")
    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="outcomes")
    new = models.PositiveIntegerField(default=0)
    corrected = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    warnings = ArrayField(models.TextField(), default=list)
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["meter__name"]
        constraints = [models.UniqueConstraint(fields=["run", "meter"], name="one_outcome")]

    def __str__(self) -> str:
        return f"{self.meter} in {self.run}"
