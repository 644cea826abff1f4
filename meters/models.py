"""Meters, their registers and their readings, in a tenant's schema."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse

from meters.obis import ObisCode, ObisError, Phase, Quantity
from meters.series import FAR_FUTURE, Validity
from meters.zones import Zone, ZoneError, zone

# The code of a fault that what is stored brings about, not what was entered.
IN_THE_WAY = "in_the_way"


def validate_zone(name: str) -> None:
    try:
        zone(name)
    except ZoneError as error:
        raise ValidationError(str(error)) from None


def validate_obis(text: str) -> None:
    try:
        ObisCode.parse(text)
    except ObisError as error:
        raise ValidationError(str(error)) from None


class Site(models.Model):
    """A connection point: the place whose meters belong together."""

    name = models.CharField(max_length=100, unique=True)
    address = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("analytics:site", args=[self.pk])


class MeterQuerySet(models.QuerySet["Meter"]):
    def in_use(self, at: datetime) -> "MeterQuerySet":
        return self.exclude(commissioned_at__gt=at).exclude(removed_at__lte=at)

    def with_registers(self) -> "MeterQuerySet":
        return self.select_related("site").prefetch_related("registers")


class Meter(models.Model):
    """A meter, known upstream by its `muid`."""

    muid = models.UUIDField(
        "MUID", unique=True, default=uuid.uuid4, help_text="The identifier the upstream knows."
    )
    name = models.CharField(max_length=100, help_text="What people call it.")
    metering_point = models.CharField(
        max_length=40,
        blank=True,
        help_text="The official designation of the metering point, where there is one.",
    )
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.PROTECT, related_name="meters"
    )
    timezone = models.CharField(
        max_length=64,
        default="Europe/Zurich",
        validators=[validate_zone],
        help_text="The IANA zone in whose local days readings are kept, for example Europe/Zurich.",
    )
    commissioned_at = models.DateTimeField(
        null=True, blank=True, help_text="No reading is expected before; empty means always there."
    )
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="No reading is expected from then on."
    )

    objects: ClassVar[models.Manager["Meter"]] = MeterQuerySet.as_manager()

    class Meta:
        ordering = ["name", "muid"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(removed_at__isnull=True)
                | models.Q(commissioned_at__isnull=True)
                | models.Q(removed_at__gt=models.F("commissioned_at")),
                name="removed_after_commissioned",
                violation_error_message="A meter is removed after it is commissioned.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("analytics:meter", args=[self.muid])

    def clean(self) -> None:
        if self._state.adding:
            return
        before = Meter.objects.filter(pk=self.pk).values_list("timezone", flat=True).first()
        stored = DailyProfile.objects.filter(register__meter_id=self.pk).exists()
        if before != self.timezone and stored:
            # The stored days were cut in the old zone.
            words = (
                f"This meter already has readings, kept in local days of {before}, so its zone "
                "can't be changed here. Have them cut anew: manage.py recut --tenant … --meter "
                f"{self.muid} --timezone {self.timezone}"
            )
            raise ValidationError({"timezone": ValidationError(words, code=IN_THE_WAY)})

    @property
    def zone(self) -> Zone:
        return zone(self.timezone)

    @property
    def validity(self) -> Validity:
        """From when to when readings are expected, in whole seconds."""
        return Validity(
            int(self.commissioned_at.timestamp()) if self.commissioned_at else 0,
            int(self.removed_at.timestamp()) if self.removed_at else FAR_FUTURE,
        )


class Register(models.Model):
    """One quantity that a meter counts, named by its OBIS code."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="registers")
    obis = models.CharField(
        "OBIS code", max_length=24, validators=[validate_obis], help_text="As in 1-0:1.29.0*255."
    )
    measurement = models.CharField(
        max_length=20, default="energy", help_text="The name under which the upstream serves it."
    )
    interval = models.PositiveIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="Length of the latest intervals [s]; empty until readings have shown it.",
    )

    class Meta:
        ordering = ["meter_id", "obis"]
        constraints = [
            models.UniqueConstraint(fields=["meter", "obis"], name="one_register_per_code")
        ]

    def __str__(self) -> str:
        return f"{self.code.label} ({self.obis})"

    def clean(self) -> None:
        try:
            # Whatever notation was typed, the canonical one is stored.
            self.obis = str(ObisCode.parse(self.obis))
        except ObisError:
            return  # The field's validator says so.
        before = Register.objects.filter(pk=self.pk).values_list("obis", flat=True).first()
        if before in {None, self.obis}:
            return
        if DailyProfile.objects.filter(register_id=self.pk).exists():
            # The code says what the stored values are and whether days have totals.
            raise ValidationError(
                {
                    "obis": f"This register already has readings, which came as {before}. Add "
                    "another register instead."
                }
            )

    @property
    def code(self) -> ObisCode:
        return ObisCode.parse(self.obis)

    @property
    def is_main_energy(self) -> bool:
        """Whether it counts all active energy of its direction, and so adds up with other meters'.

        Registers of one phase, quadrant or tariff count parts of what the main one counts.
        """
        code = self.code
        return (
            code.is_summable
            and code.quantity is Quantity.ACTIVE_ENERGY
            and code.phase is Phase.ALL
            and code.quadrant is None
            and code.tariff in {0, None}
        )


class DailyProfile(models.Model):
    """One register's readings of one local calendar day, in the meter's time zone.

    Slot i is the interval that starts at ``first + i × interval``. The row carries its instants
    itself: the date is only the key under which it is found and added up. It is written by
    `ingestion.store` alone and read through `meters.profiles`.
    """

    pk = models.CompositePrimaryKey("register_id", "day")
    register = models.ForeignKey(
        Register, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    day = models.DateField()
    first = models.DateTimeField(help_text="Start of slot 0.")
    interval = models.IntegerField(help_text="Length of a slot [s].")
    values = ArrayField(models.FloatField(null=True), help_text="NULL where missing.")
    qualities = ArrayField(
        models.SmallIntegerField(),
        null=True,
        help_text="One per slot, 0 where missing; NULL where `quality` holds for all readings.",
    )
    total = models.FloatField(null=True, help_text="The day's sum, for interval energy.")
    count = models.IntegerField(help_text="Number of readings.")
    quality = models.SmallIntegerField(
        null=True, help_text="The one quality that all its readings have; NULL where they differ."
    )
    version = models.BigIntegerField(help_text="From the tenant's sequence reading_version.")
    digest = models.BinaryField(
        null=True,
        editable=False,
        help_text="Names what the row holds, see `meters.digests`; NULL where nothing was worked "
        "out. Who changes a row past `ingestion.store` sets it to NULL.",
    )

    class Meta:
        db_table = "daily_profile"

    def __str__(self) -> str:
        return f"{self.register_id} on {self.day}"
