"""Gaps on record: what stored readings lack, how often it was asked for again, and what came."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from meters.models import Register


class GapQuerySet(models.QuerySet["Gap"]):
    def due(self, now: datetime) -> "GapQuerySet":
        """Gaps that are to be asked for, of sources and meters that may be asked."""
        feed = "register__meter__feed"
        return self.filter(
            Q(**{f"{feed}__source__rests_until__isnull": True})
            | Q(**{f"{feed}__source__rests_until__lte": now}),
            **{f"{feed}__is_active": True, f"{feed}__source__is_active": True},
            state=Gap.State.OPEN,
            asking__isnull=True,
            next_try_at__lte=now,
        )

    def answered(self) -> "GapQuerySet":
        """Gaps whose question is over, whatever came of it."""
        return self.filter(asking__isnull=False).exclude(asking__state__in=("queued", "running"))

    def lacking(self) -> "GapQuerySet":
        """Gaps that lack something still."""
        return self.filter(state__in=Gap.LACKING)


class Gap(models.Model):
    """A stretch of time in which a register lacks readings. `ingestion.models` takes it in."""

    class State(models.TextChoices):
        OPEN = "open", gettext_lazy("open")
        GIVEN_UP = "given_up", gettext_lazy("given up")
        FILLED = "filled", gettext_lazy("filled")
        # The meter was removed, the register has ended, or somebody deleted the readings by hand.
        DROPPED = "dropped", gettext_lazy("no longer expected")

    LACKING = (State.OPEN, State.GIVEN_UP)

    register = models.ForeignKey(Register, on_delete=models.CASCADE, related_name="gaps")
    start = models.DateTimeField(help_text="Where the first missing interval begins.")
    stop = models.DateTimeField(help_text="Where the last missing interval ends.")
    missing = models.PositiveIntegerField(help_text="How many intervals are missing in it now.")
    at_first = models.PositiveIntegerField(help_text="How many were when it was found.")
    goes_on = models.BooleanField(
        default=False, help_text="Whether the register has sent nothing since, but its meter has."
    )
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    tries = models.PositiveSmallIntegerField(
        default=0, help_text="How often the source was asked for it and brought nothing of it."
    )
    next_try_at = models.DateTimeField(default=timezone.now)
    asking = models.ForeignKey(
        "ingestion.Run",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The run that asks for it.",
    )
    last_run = models.ForeignKey(
        "ingestion.Run",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The run that asked for it last.",
    )
    found_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, help_text="When it was filled, dropped or given up.")

    objects: ClassVar[GapQuerySet] = GapQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = [F("ended_at").desc(nulls_first=True), "start", "pk"]
        indexes = [
            # What is due, asked of every tenant four times an hour.
            models.Index(fields=["next_try_at"], name="gap_due", condition=Q(state="open")),
            # What is known of one register.
            models.Index(fields=["register", "start"], name="gap_of_register"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(stop__gt=F("start")), name="gap_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.missing} intervals of {self.register_id} from {self.start:%Y-%m-%d %H:%M}"

    @property
    def came(self) -> int:
        """How many of its intervals have come since it was found."""
        return max(self.at_first - self.missing, 0)
