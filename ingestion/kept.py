"""Readings that are kept beside those that hold: refused ones, and replaced ones."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy

from ingestion.batch import Reason
from meters.models import Meter, Register
from meters.qualities import Quality


class RejectedReading(models.Model):
    """A reading that was refused, with its raw text; the same one again is only counted."""

    meter = models.ForeignKey(
        Meter, null=True, on_delete=models.CASCADE, related_name="rejected_readings"
    )
    run = models.ForeignKey(
        "ingestion.Run", null=True, on_delete=models.SET_NULL, related_name="rejected_readings"
    )
    reason = models.CharField(max_length=12, choices=[(r.value, r.value) for r in Reason])
    words = models.TextField()
    muid = models.CharField(max_length=64, blank=True)
    code = models.CharField(max_length=24, blank=True)
    timestamp = models.CharField(max_length=40, blank=True)
    raw = models.TextField()
    row = models.PositiveIntegerField(
        null=True, help_text="Where it stood in what was last brought: a line, a row, a place."
    )
    digest = models.CharField(max_length=32, unique=True, editable=False)
    times = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        indexes = [
            # The page of refused readings, the latest first; and those that are too old.
            models.Index(fields=["-last_seen_at", "-id"], name="rejected_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.timestamp} {self.code}: {self.words}"


class ReadingRevision(models.Model):
    """The readings of one register-day that one write replaced, as they were.

    One row holds all slots that one write replaced, as a day's row does: slot i of `slots` began at
    ``first + slots[i] × interval`` and held ``values[i]`` in ``qualities[i]``, NaN and 0 where
    nothing was. Readings that are new leave none, until something of their day has been replaced:
    from then on also what was missing is kept, so that each state since can be told exactly.
    """

    class Act(models.TextChoices):
        """What somebody did by hand."""

        SET = "set", gettext_lazy("corrected by hand")
        DELETE = "delete", gettext_lazy("deleted by hand")
        RESTORE = "restore", gettext_lazy("restored by hand")

    register = models.ForeignKey(Register, on_delete=models.CASCADE, related_name="revisions")
    day = models.DateField()
    run = models.ForeignKey(
        "ingestion.Run", null=True, on_delete=models.SET_NULL, related_name="revisions"
    )
    first = models.DateTimeField()
    interval = models.IntegerField(help_text="[s]")
    slots = ArrayField(models.SmallIntegerField())
    values = ArrayField(models.FloatField())
    qualities = ArrayField(models.SmallIntegerField())
    version = models.BigIntegerField(help_text="Of the row that took the place.")
    recorded_at = models.DateTimeField(default=timezone.now)
    act = models.CharField(
        max_length=8,
        choices=Act,
        blank=True,
        default="",
        db_default="",
        help_text="Empty where a source's readings replaced it.",
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-version", "pk"]
        indexes = [
            # The history of one register's day.
            models.Index(fields=["register", "day", "version"], name="revision_of_day"),
        ]

    def __str__(self) -> str:
        return f"{self.register_id} on {self.day}, replaced by version {self.version}"

    @property
    def replaced(self) -> int:
        """How many readings were replaced; slots that were empty are none."""
        return sum(quality > 0 for quality in self.qualities)

    def readings(self) -> list[tuple[datetime, float | None, Quality]]:
        """Return what stood in each slot: when its interval began, its value and its quality.

        The value is None, and the quality `MISSING`, where nothing did.
        """
        return [
            (
                self.first + timedelta(seconds=slot * self.interval),
                value if quality else None,
                Quality(quality),
            )
            for slot, value, quality in zip(self.slots, self.values, self.qualities, strict=True)
        ]
