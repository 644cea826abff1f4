"""That a meter was erased: who did it, when, why and how much; nothing tells which one it was.

Only whoever has a MUID at hand, and the installation's secret, can tell whether it is one of them.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from meters.wording import counted


class Erasure(models.Model):
    """The erasure of one meter and of all that was kept of it. `ingestion.models` takes it in."""

    erased_at = models.DateTimeField(default=timezone.now, db_index=True)
    # In letters, for the record outlives the account.
    person = models.CharField(max_length=254, help_text="Who did it.")
    reason = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, editable=False, db_index=True)
    counts = models.JSONField(default=dict, help_text="How many of what, by name.")

    class Meta:
        ordering = ["-erased_at", "-pk"]

    def __str__(self) -> str:
        return f"Erasure {self.pk}"

    @property
    def told(self) -> str:
        """How many of what, in words; the most first."""
        most_first = sorted(self.counts.items(), key=lambda one: (-one[1], one[0]))
        return ", ".join(f"{_(what)}: {counted(n)}" for what, n in most_first if n) or _(
            "nothing else"
        )


def digest_of(muid: UUID) -> str:
    """Return the fingerprint by which an erased meter is recognised when it is brought again."""
    return salted_hmac("ingestion.erasure", str(muid), algorithm="sha256").hexdigest()


def erased_among(muids: Iterable[UUID]) -> set[UUID]:
    """Say which of these meters were erased here; they may have been registered again since."""
    digests = {digest_of(muid): muid for muid in muids}
    if not digests:
        return set()
    found = Erasure.objects.filter(digest__in=digests).values_list("digest", flat=True)
    return {digests[digest] for digest in found}
