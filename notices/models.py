"""Who wants to be told what, what is wrong now, and the mails that tell it."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from ingestion.models import Source
from meters.models import Meter
from notices.patience import Course

# So long a worker that sends a letter has it to itself; the mail server answers or is given up
# long before.
CLAIM = timedelta(minutes=5)
# Why a letter is given up whose reader wants it no more.
UNWANTED = "No longer wanted."


class Preference(models.Model):
    """What a person wants to be told by mail; of who has chosen nothing, staff is told all."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="mail_preference",
    )
    silent_meters = models.BooleanField(
        gettext_lazy("Meters that fall silent"),
        default=True,
        help_text=gettext_lazy("No reading for more than three days; and when they deliver again."),
    )
    failing_sources = models.BooleanField(
        gettext_lazy("Sources that keep failing"),
        default=True,
        help_text=gettext_lazy(
            "Several runs in a row failed altogether; and when the source works again."
        ),
    )

    def __str__(self) -> str:
        return f"Mails to {self.user}"

    @classmethod
    def of(cls, user: User) -> "Preference":
        """Return what holds for a person, whether or not it was ever chosen."""
        chosen = cls.objects.filter(user=user).first()
        return chosen or cls(user=user, silent_meters=user.is_staff, failing_sources=user.is_staff)

    def wants(self, kind: str) -> bool:
        return self.silent_meters if kind == Trouble.Kind.SILENT else self.failing_sources


class Heard(models.Model):
    """A meter that has been up to date once: only such a one can fall silent.

    Readings of years ago, brought in a file, make no meter that has just fallen silent.
    """

    meter = models.OneToOneField(
        Meter, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )

    def __str__(self) -> str:
        return str(self.meter)


class Trouble(models.Model):
    """A meter that is silent or a source that keeps failing, until that is over."""

    class Kind(models.TextChoices):
        SILENT = "silent", "silent meter"
        FAILING = "failing", "failing source"

    kind = models.CharField(max_length=10, choices=Kind)
    meter = models.OneToOneField(Meter, null=True, on_delete=models.CASCADE, related_name="trouble")
    source = models.OneToOneField(
        Source, null=True, on_delete=models.CASCADE, related_name="trouble"
    )
    seen_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    well_at = models.DateTimeField(null=True, help_text="Since when all has been well again.")

    class Meta:
        ordering = ["seen_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="silent", meter__isnull=False, source__isnull=True)
                | Q(kind="failing", meter__isnull=True, source__isnull=False),
                name="trouble_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.meter or self.source}"

    @property
    def course(self) -> Course:
        return Course(self.seen_at, self.told_at, self.well_at)


class Watch(models.Model):
    """The tenant's watch: one row, whose lock lets one worker look at a time."""

    one = models.BooleanField(default=True, unique=True, editable=False)
    looked_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(one=True), name="one_watch")]

    def __str__(self) -> str:
        return f"Last look {self.looked_at}"


class LetterQuerySet(models.QuerySet["Letter"]):
    def due(self, now: datetime) -> "LetterQuerySet":
        """Letters to be sent now that no worker is just sending."""
        return self.filter(
            Q(claimed_until__isnull=True) | Q(claimed_until__lt=now),
            sent_at__isnull=True,
            given_up_at__isnull=True,
            due_at__lte=now,
        )

    def claim(self, pk: int, now: datetime) -> bool:
        """Take a due letter; of several workers that try, one succeeds."""
        return bool(
            self.due(now)
            .filter(pk=pk)
            .update(claimed_until=now + CLAIM, attempts=F("attempts") + 1)
        )


class Letter(models.Model):
    """A mail to one person: written with what it tells, sent later, as often as it takes."""

    # Part of the Message-ID, so that a mail that goes out twice is known for one.
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="letters"
    )
    subject = models.CharField(max_length=200)
    events = models.JSONField(help_text="What it tells.")
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    objects: ClassVar[LetterQuerySet] = LetterQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            # What is to be sent.
            models.Index(
                fields=["due_at"],
                name="letter_due",
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def state(self) -> str:
        if self.sent_at:
            return "sent"
        return "given up" if self.given_up_at else "waiting"
