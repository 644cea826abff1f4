import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from meters.api.additions import ADDITIONS
from meters.api.words import STATISTICS, direction_field
from meters.grid import Resolution
from meters.health import State, states
from meters.models import Meter, Register

# The states of meters in words for programs: fresh, late, silent, empty, removed.
STATES = tuple(state.name.lower() for state in State)


class RegisterSerializer(serializers.ModelSerializer[Register]):
    hex = serializers.CharField(
        source="code.hex", read_only=True, help_text="The OBIS code in hexadecimal."
    )
    label = serializers.CharField(source="code.label", read_only=True)  # type: ignore[assignment]
    direction = direction_field(source="code.direction", read_only=True)
    unit = serializers.CharField(source="code.unit", read_only=True)
    interval = serializers.SerializerMethodField(help_text="Length of its intervals, ISO 8601.")

    class Meta:
        model = Register
        fields = ["obis", "hex", "label", "direction", "unit", "measurement", "interval"]
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_interval(self, register: Register) -> str | None:
        return str(Resolution.of_seconds(register.interval)) if register.interval else None


class MeterListSerializer(serializers.ListSerializer):  # type: ignore[type-arg]
    """Looks up once for all meters of a page what is worked out of them."""

    def to_representation(self, data: Any) -> Any:
        meters = list(data)
        self.child.learn(meters)  # type: ignore[union-attr]
        return super().to_representation(meters)


class MeterSerializer(serializers.ModelSerializer[Meter]):
    site = serializers.CharField(
        source="site.name", default=None, allow_null=True, read_only=True, help_text="Its name."
    )
    state = serializers.SerializerMethodField(
        help_text="How fresh its readings are: `fresh` within a day, `late` within three, then "
        "`silent`; `empty` without any, `removed` once it is."
    )
    readings_until = serializers.SerializerMethodField(
        help_text="When its latest stored interval ends; null without any."
    )
    source = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="Name of the source that its readings are pulled from; null without one."
    )
    registers = RegisterSerializer(many=True, read_only=True)
    readings = serializers.HyperlinkedIdentityField(
        view_name="api:meter-readings", lookup_field="muid"
    )

    class Meta:
        model = Meter
        list_serializer_class = MeterListSerializer
        fields = [
            "muid",
            "name",
            "metering_point",
            "site",
            "timezone",
            "commissioned_at",
            "removed_at",
            "state",
            "readings_until",
            "source",
            "registers",
            "readings",
        ]
        read_only_fields = fields

    def learn(self, meters: Sequence[Meter]) -> None:
        """Look up what is worked out of meters whose registers are prefetched."""
        self._states = states(meters, int(time.time()))
        source = ADDITIONS.get("source")
        self._sources = source.of([meter.pk for meter in meters]) if source else {}

    def to_representation(self, instance: Meter) -> Any:
        if not hasattr(self, "_states"):
            self.learn([instance])
        return super().to_representation(instance)

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, meter: Meter) -> str:
        return self._states[meter.pk][0].name.lower()

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_readings_until(self, meter: Meter) -> str | None:
        end = self._states[meter.pk][1]
        return None if end is None else f"{datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%SZ}"

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_source(self, meter: Meter) -> str | None:
        return self._sources.get(meter.pk)


class BucketSerializer(serializers.Serializer[dict[str, object]]):
    """One bucket of the grid."""

    start = serializers.DateTimeField(help_text="Included, local time with its offset.")
    end = serializers.DateTimeField(help_text="Excluded.")
    value = serializers.FloatField(allow_null=True, help_text="null where nothing is stored.")
    count = serializers.IntegerField(help_text="Intervals that are there.")
    expected = serializers.IntegerField(help_text="Intervals that should be there by now.")
    quality = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many intervals have which quality."
    )


class ColumnsSerializer(serializers.Serializer[dict[str, object]]):
    """The buckets of the grid, each field as one array; all are of the same length."""

    start = serializers.ListField(child=serializers.DateTimeField())
    end = serializers.ListField(child=serializers.DateTimeField())
    value = serializers.ListField(child=serializers.FloatField(allow_null=True))
    count = serializers.ListField(child=serializers.IntegerField())
    expected = serializers.ListField(child=serializers.IntegerField())
    quality = serializers.ListField(child=serializers.DictField(child=serializers.IntegerField()))


class SeriesSerializer(serializers.Serializer[dict[str, object]]):
    register = serializers.CharField(help_text="OBIS code.")
    direction = direction_field()
    unit = serializers.CharField()
    statistic = serializers.ChoiceField(choices=STATISTICS, help_text="What `value` is.")
    count = serializers.IntegerField()
    expected = serializers.IntegerField()
    notes = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="What is odd about it, in words."
    )
    rows = BucketSerializer(many=True, required=False, help_text="With layout=rows.")
    columns = ColumnsSerializer(
        required=False, help_text="With layout=columns: the fields of a row, each as an array."
    )


class ReadingsSerializer(serializers.Serializer[dict[str, object]]):
    """The readings of one meter on a grid."""

    meter = serializers.UUIDField()
    timezone = serializers.CharField()
    resolution = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    series = SeriesSerializer(many=True)


class MeterReadingsSerializer(serializers.Serializer[dict[str, object]]):
    """One of several meters."""

    meter = serializers.UUIDField()
    name = serializers.CharField()
    site = serializers.CharField(allow_null=True, help_text="Its name.")
    series = SeriesSerializer(many=True)


class CombinedSerializer(SeriesSerializer):
    """Several registers put together."""

    register = None  # type: ignore[assignment]
    registers = serializers.IntegerField(help_text="How many registers that is.")


class ManyReadingsSerializer(serializers.Serializer[dict[str, object]]):
    """The readings of several meters on one grid."""

    timezone = serializers.CharField()
    resolution = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    meters = MeterReadingsSerializer(many=True, required=False, help_text="Without combine.")
    combined_meters = serializers.ListField(
        child=serializers.UUIDField(), required=False, help_text="With combine: their MUIDs."
    )
    combined = CombinedSerializer(many=True, required=False, help_text="With combine.")


class ParameterProblemSerializer(serializers.Serializer[dict[str, object]]):
    parameter = serializers.CharField()
    value = serializers.CharField(help_text="What was sent.")
    message = serializers.CharField(help_text="What is wrong with it.")
    example = serializers.CharField(
        help_text="A value that works; of a parameter that there isn't, name and value of one that "
        "there is."
    )


class ProblemSerializer(serializers.Serializer[dict[str, object]]):
    """An error, in the shape of RFC 9457 (application/problem+json)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and how to mend it.")
    errors = ParameterProblemSerializer(many=True, required=False)  # type: ignore[assignment]
