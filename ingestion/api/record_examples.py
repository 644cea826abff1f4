"""What the documentation shows of the record's endpoints."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from config.errors import PROBLEM_MEDIA_TYPE, problem
from meters.api.examples import MUID
from meters.api.serializers import ProblemSerializer

REVISION = {
    "id": 7,
    "meter": MUID,
    "register": "1-0:1.29.0*255",
    "day": "2023-02-01",
    "version": 42,
    "recorded_at": "2023-02-03T08:15:00Z",
    "act": "set",
    "author": "ada@solar-village.example",
    "reason": "The meter stood still; value from the neighbouring day.",
    "run": None,
    "replaced": [{"start": "2023-02-01T01:00:00+01:00", "value": 0.0159, "quality": "measured"}],
}
ONE_REVISION = OpenApiExample("One revision", value=REVISION, response_only=True)

SET = OpenApiExample(
    "Set a value",
    value={
        "act": "set",
        "register": "1-0:1.29.0*255",
        "start": "2023-02-01T01:00:00+01:00",
        "end": "2023-02-01T01:15:00+01:00",
        "value": 0.02,
        "quality": "substituted",
        "reason": "The meter stood still; value from the neighbouring day.",
    },
    request_only=True,
)
DELETE = OpenApiExample(
    "Delete a day",
    value={
        "act": "delete",
        "start": "2023-02-01",
        "end": "2023-02-02",
        "reason": "Readings of a test bench.",
    },
    request_only=True,
)
RESTORE = OpenApiExample(
    "Restore",
    value={"act": "restore", "revision": 7, "reason": "The first value was right."},
    request_only=True,
)
CORRECTED = OpenApiExample(
    "What was done",
    value={"changed": 1, "unchanged": 0, "revisions": [REVISION]},
    response_only=True,
)


def _problem(
    status: int, when: str, detail: str, *errors: dict[str, Any]
) -> dict[tuple[int, str], OpenApiResponse]:
    example = OpenApiExample(
        "Problem", value=problem(status, detail, list(errors)), response_only=True
    )
    answer = OpenApiResponse(ProblemSerializer, description=when, examples=[example])
    return {(status, PROBLEM_MEDIA_TYPE): answer}


STAFF_ONLY = _problem(403, "Only staff may do that.", "Readings are corrected by staff alone.")
CHANGED = _problem(
    409,
    "The readings have changed since `seen`.",
    "These readings have changed since you looked at them. Nothing was done; look again.",
)
NO_REASON = _problem(
    400,
    "A field can't be taken; `errors` names each.",
    "Say why, for whoever wonders later.",
    {
        "parameter": "reason",
        "value": "",
        "message": "Say why, for whoever wonders later.",
        "example": "The meter was exchanged.",
    },
)
