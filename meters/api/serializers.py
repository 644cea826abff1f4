from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from meters.grid import Resolution
from meters.models import Meter, Register


class RegisterSerializer(serializers.ModelSerializer[Register]):
    hex = serializers.CharField(
        source="code.hex", read_only=True, help_text="The OBIS code in hexadecimal."
    )
    label = serializers.CharField(source="code.label", read_only=True)  # type: ignore[assignment]
    direction = serializers.CharField(source="code.direction", read_only=True)
    unit = serializers.CharField(source="code.unit", read_only=True)
    interval = serializers.SerializerMethodField(help_text="Length of its intervals, ISO 8601.")

    class Meta:
        model = Register
        fields = ["obis", "hex", "label", "direction", "unit", "measurement", "interval"]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_interval(self, register: Register) -> str | None:
        return str(Resolution.of_seconds(register.interval)) if register.interval else None


class MeterSerializer(serializers.ModelSerializer[Meter]):
    site = serializers.CharField(
        source="site.name", default=None, allow_null=True, read_only=True, help_text="Its name."
    )
    registers = RegisterSerializer(many=True, read_only=True)
    readings = serializers.HyperlinkedIdentityField(
        view_name="api:meter-readings", lookup_field="muid"
    )

    class Meta:
        model = Meter
        fields = [
            "muid",
            "name",
            "metering_point",
            "site",
            "timezone",
            "commissioned_at",
            "removed_at",
            "registers",
            "readings",
        ]
        read_only_fields = fields


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


class SeriesSerializer(serializers.Serializer[dict[str, object]]):
    register = serializers.CharField(help_text="OBIS code.")
    direction = serializers.CharField()
    unit = serializers.CharField()
    statistic = serializers.CharField(help_text="sum, mean, min, max or advance.")
    count = serializers.IntegerField()
    expected = serializers.IntegerField()
    notes = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="What is odd about it, in words."
    )
    rows = BucketSerializer(many=True, required=False, help_text="With layout=rows.")
    columns = serializers.DictField(
        child=serializers.ListField(),
        required=False,
        help_text="With layout=columns: the fields of a row, each as an array.",
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
