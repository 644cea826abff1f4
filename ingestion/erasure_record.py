"""That a meter was erased: who did it, when, why and how much; nothing tells which one it was."""

from django.db import models
from django.utils import timezone


class Erasure(models.Model):
    """The erasure of one meter and of all that was kept of it. `ingestion.models` takes it in."""

    erased_at = models.DateTimeField(default=timezone.now, db_index=True)
    # In letters, for the record outlives the account.
    person = models.CharField(max_length=254, help_text="Who did it.")
    reason = models.CharField(max_length=200)
    counts = models.JSONField(default=dict, help_text="How many of what, by name.")

    class Meta:
        ordering = ["-erased_at", "-pk"]

    def __str__(self) -> str:
        return f"Erasure {self.pk}"

    @property
    def told(self) -> str:
        """How many of what, in words."""
        return ", ".join(f"{n:,} {what}" for what, n in self.counts.items() if n) or "nothing else"
