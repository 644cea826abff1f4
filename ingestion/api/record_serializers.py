"""How the record is written and described: revisions, and corrections by hand."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ingestion.corrections import REASON_LENGTH
from ingestion.models import ReadingRevision
from meters.api.words import QUALITIES_OR_MISSING
from meters.qualities import BY_NAME

SOURCE = "source"
ACTS = [SOURCE, *ReadingRevision.Act.values]


class ReplacedSerializer(serializers.Serializer[dict[str, object]]):
    """What stood in one interval."""

    start = serializers.DateTimeField(help_text="Local time of the meter with its offset.")
    value = serializers.FloatField(allow_null=True, help_text="null where nothing stood there.")
    quality = serializers.ChoiceField(
        choices=QUALITIES_OR_MISSING, help_text="missing where nothing stood there."
    )


class RevisionSerializer(serializers.ModelSerializer[ReadingRevision]):
    meter = serializers.UUIDField(source="register.meter.muid", read_only=True)
    register = serializers.CharField(source="register.obis", read_only=True, help_text="OBIS code.")
    act = serializers.SerializerMethodField(
        help_text="source where a source's readings took the place, else what was done by hand."
    )
    author = serializers.EmailField(
        source="author.email",
        default=None,
        allow_null=True,
        read_only=True,
        help_text="Who did it by hand.",
    )
    run = serializers.IntegerField(
        source="run_id", allow_null=True, read_only=True, help_text="The run that brought it."
    )
    replaced = serializers.SerializerMethodField(
        help_text="What stood there before, interval by interval."
    )

    class Meta:
        model = ReadingRevision
        fields = [
            "id",
            "meter",
            "register",
            "day",
            "version",
            "recorded_at",
            "act",
            "author",
            "reason",
            "run",
            "replaced",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=ACTS))
    def get_act(self, revision: ReadingRevision) -> str:
        return revision.act or SOURCE

    @extend_schema_field(ReplacedSerializer(many=True))
    def get_replaced(self, revision: ReadingRevision) -> list[dict[str, Any]]:
        place = revision.register.meter.zone
        return [
            {
                "start": place.at(int(when.timestamp())).isoformat(),
                "value": value,
                "quality": quality.label,
            }
            for when, value, quality in revision.readings()
        ]


class CorrectionSerializer(serializers.Serializer[dict[str, object]]):
    """What is to be done by hand."""

    act = serializers.ChoiceField(choices=ReadingRevision.Act.values)
    register = serializers.CharField(
        required=False, help_text="OBIS code in any notation; not needed where there is only one."
    )
    start = serializers.CharField(
        required=False,
        help_text="Included: a date, which begins at local midnight, or a time with offset.",
    )
    end = serializers.CharField(required=False, help_text="Excluded, written like `start`.")
    value = serializers.FloatField(
        required=False, allow_null=True, help_text="With set: of each interval; else it is kept."
    )
    quality = serializers.ChoiceField(
        required=False,
        allow_null=True,
        choices=list(BY_NAME),
        help_text="With set; else it is kept.",
    )
    revision = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="With restore: what stood there before this revision comes back.",
    )
    reason = serializers.CharField(max_length=REASON_LENGTH, help_text="Why; it is kept.")
    seen = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="The newest version that you have seen of the days concerned; where they have "
        "changed since, nothing is done (409).",
    )


class CorrectedSerializer(serializers.Serializer[dict[str, object]]):
    """What was done."""

    changed = serializers.IntegerField(help_text="Intervals that hold something else now.")
    unchanged = serializers.IntegerField(help_text="Intervals that held that already.")
    revisions = RevisionSerializer(many=True)
