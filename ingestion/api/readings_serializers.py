"""What is told of readings that were sent; described here, made in `readings_views`."""

from rest_framework import serializers

from ingestion.batch import Reason


class StoredMeterSerializer(serializers.Serializer[dict[str, object]]):
    """What happened to one meter."""

    meter = serializers.UUIDField()
    new = serializers.IntegerField()
    corrected = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    warnings = serializers.ListField(child=serializers.CharField())


class RefusedSerializer(serializers.Serializer[dict[str, object]]):
    """One reading that was refused."""

    row = serializers.IntegerField(
        allow_null=True, help_text="The place in the list of JSON, the line of CSV, from 1."
    )
    reason = serializers.ChoiceField(choices=list(Reason))
    message = serializers.CharField(help_text="What is wrong with it, in words.")
    raw = serializers.CharField(help_text="As it came, cut where it is very long.")


class StoredSerializer(serializers.Serializer[dict[str, object]]):
    """What became of the readings."""

    run = serializers.IntegerField(help_text="Number of the run that keeps all of this.")
    page = serializers.URLField(help_text="Where people see it.")
    new = serializers.IntegerField(help_text="Nothing was stored for that interval.")
    corrected = serializers.IntegerField(
        help_text="Another value or quality was stored; it is kept with the run."
    )
    unchanged = serializers.IntegerField(help_text="The same was stored already.")
    rejected = serializers.IntegerField(help_text="Refused, and kept with their reasons.")
    meters = StoredMeterSerializer(many=True)
    rejections = RefusedSerializer(many=True, help_text="The first hundred.")
    assumed = serializers.ListField(
        child=serializers.CharField(), help_text="Of CSV: what was found out, in words."
    )
