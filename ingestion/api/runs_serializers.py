"""How runs, their outcomes and refused readings are written and described."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ingestion.lookup import remarks
from ingestion.models import Outcome, RejectedReading, Run
from ingestion.progress import progress_of


class RunSerializer(serializers.ModelSerializer[Run]):
    source = serializers.CharField(  # type: ignore[assignment]
        source="source.name",
        default=None,
        allow_null=True,
        read_only=True,
        help_text="Its name; null where the readings were brought, or the source is deleted.",
    )
    start = serializers.DateTimeField(
        allow_null=True,
        read_only=True,
        help_text="Of the window asked for; null where each meter goes on from what is stored.",
    )
    stop = serializers.DateTimeField(
        allow_null=True, read_only=True, help_text="Excluded; null means up to the present."
    )
    asked_from = serializers.DateTimeField(
        allow_null=True,
        read_only=True,
        help_text="The earliest that any meter was asked for so far; null where none was.",
    )
    asked_to = serializers.DateTimeField(
        allow_null=True, read_only=True, help_text="The latest, excluded."
    )
    only = serializers.ListField(
        child=serializers.UUIDField(),
        read_only=True,
        help_text="MUIDs of the meters asked for; empty means all of the source.",
    )
    seconds = serializers.FloatField(
        allow_null=True, read_only=True, help_text="How long it took, or has taken so far."
    )
    error = serializers.CharField(
        read_only=True, help_text="Why the whole run failed, in words; empty where it did not."
    )
    outcomes = serializers.HyperlinkedIdentityField(
        view_name="runs-api:outcomes", lookup_field="pk", lookup_url_kwarg="id"
    )

    class Meta:
        model = Run
        fields = [
            "id",
            "source",
            "name",
            "person",
            "trigger",
            "state",
            "start",
            "stop",
            "asked_from",
            "asked_to",
            "only",
            "created_at",
            "started_at",
            "finished_at",
            "seconds",
            "attempts",
            "meters",
            "failed",
            "new",
            "corrected",
            "unchanged",
            "rejected",
            "requests",
            "retries",
            "bytes",
            "error",
            "outcomes",
        ]
        read_only_fields = fields


class RemarkSerializer(serializers.Serializer[object]):
    words = serializers.CharField()
    meters = serializers.IntegerField(help_text="How many meters it was about.")


class RunDetailSerializer(RunSerializer):
    warnings = serializers.SerializerMethodField(
        help_text="What was odd, each sentence once, the commonest first."
    )
    errors = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="Why meters failed, each sentence once, the commonest first."
    )

    progress = serializers.SerializerMethodField(
        help_text="How much of it is done, from 0 to 1; null before it begins and once it is over."
    )
    seconds_left = serializers.SerializerMethodField(
        help_text="How much longer it takes at the pace so far; null where that can't be told."
    )

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "warnings", "errors", "progress", "seconds_left"]
        read_only_fields = fields

    def to_representation(self, run: Run) -> dict[str, object]:
        # One question answers both.
        self._warnings, self._errors = remarks(run)
        self._progress = progress_of(run, timezone.now())
        return super().to_representation(run)

    @extend_schema_field(RemarkSerializer(many=True))
    def get_warnings(self, run: Run) -> object:
        return RemarkSerializer(self._warnings, many=True).data

    @extend_schema_field(RemarkSerializer(many=True))
    def get_errors(self, run: Run) -> object:
        return RemarkSerializer(self._errors, many=True).data

    def get_progress(self, run: Run) -> float | None:
        return round(self._progress.share, 4) if self._progress else None

    def get_seconds_left(self, run: Run) -> int | None:
        left = self._progress.left if self._progress else None
        return None if left is None else round(left.total_seconds())


class OutcomeSerializer(serializers.ModelSerializer[Outcome]):
    meter = serializers.UUIDField(source="meter.muid", read_only=True, help_text="MUID.")
    name = serializers.CharField(source="meter.name", read_only=True, help_text="The meter's.")
    warnings = serializers.ListField(child=serializers.CharField(), read_only=True)
    error = serializers.CharField(
        read_only=True, help_text="Why this meter failed, in words; empty where it did not."
    )

    class Meta:
        model = Outcome
        fields = ["meter", "name", "new", "corrected", "unchanged", "rejected", "warnings", "error"]
        read_only_fields = fields


class RejectionSerializer(serializers.ModelSerializer[RejectedReading]):
    meter = serializers.UUIDField(
        source="meter.muid",
        default=None,
        allow_null=True,
        read_only=True,
        help_text="MUID of the meter it belongs to; null where it is none of the tenant's.",
    )
    muid = serializers.CharField(read_only=True, help_text="The identifier as it was written.")
    code = serializers.CharField(read_only=True, help_text="The register's, as it was written.")
    timestamp = serializers.CharField(read_only=True, help_text="As it was written.")
    words = serializers.CharField(read_only=True, help_text="Why it was refused.")
    raw = serializers.CharField(
        read_only=True, help_text="As it came, cut where very long. Treat it as hostile text."
    )
    times = serializers.IntegerField(read_only=True, help_text="How often it came.")
    run = serializers.IntegerField(
        source="run_id", allow_null=True, read_only=True, help_text="The last one that met it."
    )

    class Meta:
        model = RejectedReading
        fields = [
            "id",
            "reason",
            "words",
            "meter",
            "muid",
            "code",
            "timestamp",
            "row",
            "raw",
            "times",
            "first_seen_at",
            "last_seen_at",
            "run",
        ]
        read_only_fields = fields
