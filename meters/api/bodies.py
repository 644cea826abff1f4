"""Request bodies in JSON: read with bounds, each field of the right kind, and none unknown."""

import difflib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

import orjson
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ParseError
from rest_framework.fields import empty

from meters.api.problems import InvalidQuery, ParameterError
from meters.muids import MuidError, read_muid
from meters.ranges import MomentError, parse_moment
from meters.registering import ConflictError, RefusedError
from meters.zones import zone

# Of the names that are no field's; whoever sends thousands learns no more from all of them.
MOST_UNKNOWN = 20


class Conflict(InvalidQuery):
    """409: it can't be as things stand; the fields say what is in the way."""

    status_code = HTTPStatus.CONFLICT

    @classmethod
    def of(cls, words: str) -> "Conflict":
        """Make one that is about no field."""
        made = cls([])
        made.detail = ErrorDetail(words)
        return made


# --- Fields: each takes what it says, and guesses nothing -----------------------------------------


class Text(serializers.CharField):
    """A text; a number is none."""

    default_error_messages = {
        "required": "This field is needed.",
        "null": "This is a text, not null.",
        "invalid": "This is a text.",
        "blank": "This can't be empty.",
        "max_length": "At most {max_length} characters.",
    }

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Whole(serializers.IntegerField):
    """A whole number; a text or a truth is none."""

    default_error_messages = {
        "required": "This field is needed.",
        "null": "This is a whole number, not null.",
        "invalid": "This is a whole number.",
        "max_value": "At most {max_value:,}.",
        "min_value": "At least {min_value:,}.",
    }

    def to_internal_value(self, data: object) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


class Truth(serializers.BooleanField):
    """`true` or `false`, and no word for them."""

    default_error_messages = {"null": "This is true or false.", "invalid": "This is true or false."}

    def to_internal_value(self, data: object) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


@extend_schema_field(serializers.UUIDField)
class Muid(serializers.Field):  # type: ignore[type-arg]
    """The identifier of a meter."""

    default_error_messages = {
        "required": "This field is needed.",
        "null": "This is a text, not null.",
        "invalid": "This is a text.",
    }

    def to_internal_value(self, data: object) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return read_muid(data)
        except MuidError as error:
            raise serializers.ValidationError(str(error)) from None

    def to_representation(self, value: UUID) -> str:
        return str(value)


@extend_schema_field(
    {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
)
class Moment(serializers.Field):  # type: ignore[type-arg]
    """A time with its offset, or a date, which begins at midnight in the context's `zone`."""

    default_error_messages = {
        "required": "This field is needed.",
        "null": "This is a text, not null.",
        "invalid": "This is a text, such as 2023-02-01 or 2023-02-01T00:00:00+01:00.",
    }

    def to_internal_value(self, data: object) -> datetime:
        if not isinstance(data, str):
            self.fail("invalid")
        place = self.context.get("zone") or zone("UTC")
        try:
            return datetime.fromtimestamp(parse_moment(data, place), UTC)
        except MomentError as error:
            raise serializers.ValidationError(str(error)) from None

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


# --- Bodies ---------------------------------------------------------------------------------------


class Body(serializers.Serializer[dict[str, Any]]):
    """What a request says. Its fields' names and kinds are described in the documentation.

    Attributes
    ----------
    EXAMPLE
        A body that works; from it come the documentation's examples and those of the errors.
    ELSEWHERE
        What people look for here and is done elsewhere, with the words that say where.
    SECRET
        Fields whose values no answer repeats.
    """

    EXAMPLE: ClassVar[Mapping[str, Any]] = {}
    ELSEWHERE: ClassVar[Mapping[str, str]] = {}
    SECRET: ClassVar[frozenset[str]] = frozenset()


def read_body(body: Body, given: object) -> dict[str, Any]:
    """Read a body, and name every field that can't be taken.

    Parameters
    ----------
    body
        Made without data; its `partial` and `context` hold.
    given
        The parsed JSON.

    Raises
    ------
    InvalidQuery
        400, with each field at fault, what is wrong with it and a value that works.
    """
    if not isinstance(given, dict):
        raise ParseError(f"The body is a JSON object, such as {_written(body.EXAMPLE)}.")
    unknown = [name for name in given if name not in body.fields][:MOST_UNKNOWN]
    errors = [_unknown(body, name, given[name]) for name in unknown]
    body.initial_data = given
    if not body.is_valid():
        errors += [
            fault(body, name, words, given) for name, words in _first_faults(body.errors).items()
        ]
    if errors:
        raise InvalidQuery(errors)
    return dict(body.validated_data)


def refused(body: Body, error: RefusedError, given: object) -> InvalidQuery:
    """Turn what a service refuses into a problem: 409 where it is a conflict, else 400."""
    said = given if isinstance(given, dict) else {}
    errors = [fault(body, name, words, said) for name, words in error.faults.items()]
    return (Conflict if isinstance(error, ConflictError) else InvalidQuery)(errors)


def fault(body: Body, name: str, words: str, given: Mapping[str, Any]) -> ParameterError:
    """Say what is wrong with one field."""
    value = "" if name in body.SECRET else given.get(name, "")
    return ParameterError(name, _written(value), words, _written(body.EXAMPLE.get(name, "")))


def _unknown(body: Body, name: str, value: object) -> ParameterError:
    known = list(body.fields)
    if name in body.ELSEWHERE:
        words = body.ELSEWHERE[name]
    else:
        close = difflib.get_close_matches(name[:40], known, n=1)
        meant = f"; did you mean {close[0]}? There" if close else "; there"
        words = f"“{name[:40]}” is not a field here{meant} are {', '.join(known)}."
    first, instead = next(iter(body.EXAMPLE.items()), ("", ""))
    return ParameterError(name, _written(value), words, json.dumps({first: instead}))


def _first_faults(errors: Mapping[str, Any]) -> dict[str, str]:
    return {name: _words(found) for name, found in errors.items()}


def _words(found: Any) -> str:
    """Find the first sentence, also where a list says which of its members are wrong."""
    if isinstance(found, ErrorDetail):
        return str(found)
    members = found.values() if isinstance(found, dict) else found
    return next((words for one in members if (words := _words(one))), "")


def _written(value: object) -> str:
    """Write a value as it stands in a body; a text without its quotes."""
    if value is empty:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
