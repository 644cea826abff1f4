"""How sources are written and described. What is secret of them is not among it."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema_field
from rest_framework import serializers

from config.errors import PROBLEM_MEDIA_TYPE, problem
from ingestion.lookup import SourcesWanted
from ingestion.models import Source
from meters.api.serializers import ProblemSerializer

STATES = tuple(SourcesWanted.STATES)


class SourceSerializer(serializers.ModelSerializer[Source]):
    """A source: what its admin shows, but for what says who asks."""

    address = serializers.SerializerMethodField(
        help_text="Without what may be secret in it: all from “?” on is left out."
    )
    state = serializers.ChoiceField(
        choices=STATES,
        read_only=True,
        help_text="`paused` by somebody, `resting` since it keeps failing, or else `swept`.",
    )
    interval = serializers.IntegerField(
        read_only=True, help_text="How far apart readings are where they don't show it [s]."
    )
    sweep_minutes = serializers.IntegerField(
        read_only=True, help_text="How often all its meters are asked [min]."
    )
    reread_hours = serializers.IntegerField(
        read_only=True, help_text="How far back each sweep reads again [h]."
    )
    requests_per_minute = serializers.IntegerField(
        read_only=True, help_text="The most, all workers together; 0 means no limit."
    )
    concurrent_requests = serializers.IntegerField(
        read_only=True, help_text="The most at one time, all workers together; 0 means no limit."
    )
    repairs_gaps = serializers.BooleanField(
        read_only=True, help_text="Whether what is missing of its meters is asked for again."
    )
    paused_by = serializers.CharField(read_only=True, help_text="Who paused it; empty otherwise.")
    next_sweep_at = serializers.SerializerMethodField(
        help_text="When its next sweep is due; null while it is paused."
    )
    failures = serializers.IntegerField(
        read_only=True, help_text="Answers in a row that failed, whichever meter was asked for."
    )
    rests_until = serializers.DateTimeField(
        allow_null=True,
        read_only=True,
        help_text="It is not asked before then; in the past, one meter is asked for on trial.",
    )
    last_failure = serializers.CharField(
        read_only=True, help_text="What the last of them was, in words; empty without any."
    )
    meters = serializers.IntegerField(read_only=True, help_text="How many meters it feeds.")
    given_up = serializers.IntegerField(
        read_only=True, help_text="How many of them kept failing, and are asked once a day."
    )

    class Meta:
        model = Source
        fields = [
            "id",
            "name",
            "address",
            "state",
            "measurement",
            "limit",
            "interval",
            "sweep_minutes",
            "reread_hours",
            "backfill_from",
            "requests_per_minute",
            "concurrent_requests",
            "repairs_gaps",
            "paused_by",
            "next_sweep_at",
            "failures",
            "rests_until",
            "last_failure",
            "meters",
            "given_up",
            "note",
        ]
        read_only_fields = fields

    def get_address(self, source: Source) -> str:
        # A whole address may hold a key behind its “?”, and one from before it was checked a name
        # and a password.
        try:
            parts = urlsplit(source.address)
        except ValueError:
            return ""
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_sweep_at(self, source: Source) -> str | None:
        field = serializers.DateTimeField()
        return field.to_representation(source.next_sweep_at) if source.is_active else None


SOURCE: dict[str, Any] = {
    "id": 3,
    "name": "Grid operator",
    "address": "https://meters.example.com",
    "state": "resting",
    "measurement": "energy",
    "limit": 5000,
    "interval": 900,
    "sweep_minutes": 15,
    "reread_hours": 72,
    "backfill_from": "2023-01-01T00:00:00Z",
    "requests_per_minute": 120,
    "concurrent_requests": 2,
    "repairs_gaps": True,
    "paused_by": "",
    "next_sweep_at": "2023-02-03T08:30:00Z",
    "failures": 6,
    "rests_until": "2023-02-03T08:17:00Z",
    "last_failure": "meters.example.com answered 503 Service Unavailable. (4 attempts.)",
    "meters": 20,
    "given_up": 1,
    "note": "",
}
ONE_SOURCE = OpenApiExample("One source", value=SOURCE, response_only=True)
FOR_STAFF = "Sources are shown to staff alone."


def _problem(status: int, when: str, detail: str) -> dict[tuple[int, str], OpenApiResponse]:
    example = OpenApiExample("Problem", value=problem(status, detail, []), response_only=True)
    answer = OpenApiResponse(ProblemSerializer, description=when, examples=[example])
    return {(status, PROBLEM_MEDIA_TYPE): answer}


STAFF_ONLY = _problem(403, "Only staff may see that.", FOR_STAFF)
NO_SOURCE = _problem(404, "The tenant has no such source.", "There is no source 7000000 here.")
