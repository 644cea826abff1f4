"""How long the record of work is kept, and what has been removed of it."""

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from meters.wording import figure

MOST_DAYS = 36_500


def _days(default: int, what: str) -> models.PositiveIntegerField[int, int]:
    return models.PositiveIntegerField(
        f"{what} [days]",
        default=default,
        db_default=default,
        validators=[MaxValueValidator(MOST_DAYS)],
        help_text="0 keeps them for ever.",
    )


class Keeping(models.Model):
    """How many days each part of the record is kept. Readings are never removed."""

    # One row at most: a tenant has one answer to how long.
    one = models.BooleanField(default=True, unique=True, editable=False)
    runs = _days(365, "runs")
    outcomes = _days(30, "what runs did to each meter")
    rejections = _days(180, "refused readings")
    revisions = _days(0, "replaced readings")
    gaps = _days(365, "gaps that are filled or no longer expected")

    class Meta:
        verbose_name = "retention"
        verbose_name_plural = "retention"
        constraints = [
            models.CheckConstraint(condition=models.Q(one=True), name="one_retention"),
        ]

    def __str__(self) -> str:
        return "How long the record is kept"

    @classmethod
    def current(cls) -> "Keeping":
        """Return what holds now; the defaults where nobody has chosen anything else."""
        return cls.objects.first() or cls()

    @property
    def runs_in_words(self) -> str:
        return in_words(self.runs)

    @property
    def outcomes_in_words(self) -> str:
        return in_words(self.outcomes)

    @property
    def rejections_in_words(self) -> str:
        return in_words(self.rejections)

    @property
    def revisions_in_words(self) -> str:
        return in_words(self.revisions)

    @property
    def gaps_in_words(self) -> str:
        return in_words(self.gaps)


def in_words(days: int) -> str:
    if days == 0:
        return _("for ever")
    return _("one day") if days == 1 else _("{number} days").format(number=figure(days))


class Removal(models.Model):
    """How many rows of one kind were removed on one day (UTC), because their time was over."""

    class Kind(models.TextChoices):
        OUTCOMES = "outcomes", gettext_lazy("outcomes of meters")
        RUNS = "runs", gettext_lazy("runs")
        REJECTIONS = "rejections", gettext_lazy("refused readings")
        REVISIONS = "revisions", gettext_lazy("replaced readings")
        GAPS = "gaps", gettext_lazy("gaps that are filled or no longer expected")

    kind = models.CharField(max_length=10, choices=Kind)
    day = models.DateField()
    rows = models.PositiveBigIntegerField(default=0)
    before = models.DateTimeField(help_text="What was older than that.")
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar[list[str]] = ["-day", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "day"], name="one_removal_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.rows} {self.get_kind_display()} on {self.day}"
