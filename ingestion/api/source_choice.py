"""A source as a body names it: by its number or its name."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ingestion.models import Source


@extend_schema_field(
    {"oneOf": [{"type": "integer"}, {"type": "string"}], "description": "Its number or its name."}
)
class SourceChoice(serializers.Field):  # type: ignore[type-arg]
    """Number or name of a source that there is."""

    default_error_messages = {
        "required": "This field is needed.",
        "null": "This is the number or the name of a source, not null.",
        "invalid": "This is the number or the name of a source.",
        "missing": "There is no source {said} here; they are listed at /api/v1/sources/.",
    }

    def to_internal_value(self, data: object) -> Source:
        if type(data) is int:
            found = Source.objects.filter(pk=data).first()
        elif isinstance(data, str):
            # No name holds a NUL, and PostgreSQL compares with none.
            found = Source.objects.filter(name=data).first() if "\0" not in data else None
        else:
            self.fail("invalid")
        if found is None:
            self.fail("missing", said=data if type(data) is int else f"“{str(data)[:40]}”")
        return found

    def to_representation(self, value: Source) -> str:
        return value.name
