"""Files that people have brought and look at before they are stored; kept no longer than needed.

`ingestion.models` takes these models in.
"""

import uuid
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

# Long enough to look at a preview and to fetch a word from somebody; no archive of files.
KEPT = timedelta(hours=2)
# Of what a worker is to store: no longer, for then the queue stands still.
WAITING = timedelta(days=7)
# Of one person; the oldest goes where another one comes.
MOST_UPLOADS = 5
PART = 1 << 20


class UploadQuerySet(models.QuerySet["Upload"]):
    def of(self, person: int | None, now: datetime) -> "UploadQuerySet":
        """Those that this person has brought and that are still kept."""
        return self.filter(person=person, expires_at__gt=now)

    def expired(self, now: datetime) -> "UploadQuerySet":
        return self.filter(expires_at__lte=now)

    def keep(self, person: int, name: str, content: Iterable[bytes]) -> "Upload":
        """Keep a file, compressed and in parts, so that none of it need be in memory as a whole.

        It lies in the tenant's schema and not on a disk: the next request may be answered by
        another process on another machine.
        """
        now = timezone.now()
        packer = zlib.compressobj(1)
        with transaction.atomic():
            self.expired(now).delete()
            # What waits for a worker is not looked at any more.
            others = self.of(person, now).exclude(run__isnull=False, stored_at__isnull=True)
            others = others.order_by("-created_at")
            self.filter(
                pk__in=list(others.values_list("pk", flat=True)[MOST_UPLOADS - 1 :])
            ).delete()
            made = self.create(person_id=person, name=name, expires_at=now + KEPT)
            size = 0
            waiting, number = bytearray(), 0
            for piece in content:
                size += len(piece)
                waiting += packer.compress(piece)
                while len(waiting) >= PART:
                    _keep_part(made, number, waiting)
                    number += 1
            waiting += packer.flush()
            while waiting:
                _keep_part(made, number, waiting)
                number += 1
            made.size = size
            made.save(update_fields=["size"])
        return made


class Upload(models.Model):
    """A file that a person has brought and looks at before it is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField(default=0, help_text="[bytes]")
    choices = models.JSONField(default=dict, help_text="What was said of it, as last shown.")
    run = models.ForeignKey(
        "ingestion.Run", null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    stored_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    # Asked for by whoever clears away what nobody wants any more.
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[UploadQuerySet] = UploadQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    def content(self) -> bytes:
        """Return the file; nothing once it has been stored."""
        unpacker = zlib.decompressobj()
        parts = UploadPart.objects.filter(upload=self).order_by("number")
        found = bytearray()
        for data in parts.values_list("data", flat=True).iterator():
            found += unpacker.decompress(data)
        return bytes(found + unpacker.flush())

    def forget(self) -> None:
        """Let go of the file; that it was stored is remembered for a while."""
        UploadPart.objects.filter(upload=self).delete()


class UploadPart(models.Model):
    """A piece of a file, compressed together with the others."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["upload_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["upload", "number"], name="one_part_per_number")
        ]

    def __str__(self) -> str:
        return f"Part {self.number} of {self.upload_id}"


def _keep_part(upload: Upload, number: int, waiting: bytearray) -> None:
    """Keep the next part, and take it off what waits."""
    UploadPart.objects.create(upload=upload, number=number, data=bytes(waiting[:PART]))
    del waiting[:PART]
