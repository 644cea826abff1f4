"""What the documentation shows of runs and refused readings."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from config.errors import PROBLEM_MEDIA_TYPE, problem
from meters.api.examples import MUID
from meters.api.serializers import ProblemSerializer

RUN: dict[str, Any] = {
    "id": 12,
    "source": "Grid operator",
    "name": "",
    "person": "",
    "trigger": "schedule",
    "state": "partial",
    "start": None,
    "stop": None,
    "asked_from": "2023-01-31T08:00:00Z",
    "asked_to": "2023-02-03T08:15:01Z",
    "only": [],
    "created_at": "2023-02-03T08:15:00Z",
    "started_at": "2023-02-03T08:15:01Z",
    "finished_at": "2023-02-03T08:15:09Z",
    "seconds": 8.0,
    "attempts": 1,
    "meters": 20,
    "failed": 1,
    "new": 76,
    "corrected": 4,
    "unchanged": 5472,
    "rejected": 1,
    "requests": 21,
    "retries": 1,
    "bytes": 1048576,
    "error": "",
    "outcomes": "https://acme.example.com/api/v1/runs/12/outcomes/",
}
LISTED_RUN = OpenApiExample("One run", value=RUN, response_only=True)
ONE_RUN = OpenApiExample(
    "One run",
    value={
        **RUN,
        "warnings": [
            {
                "words": "Two different values came for one interval; the last one counts.",
                "meters": 1,
            }
        ],
        "errors": [{"words": "The upstream did not answer within 30 seconds.", "meters": 1}],
        "progress": None,
        "seconds_left": None,
    },
    response_only=True,
)
# Just planned: nothing has been asked yet.
PLANNED: dict[str, Any] = {
    **RUN,
    "id": 13,
    "trigger": "admin",
    "state": "queued",
    "only": [MUID],
    **dict.fromkeys(("started_at", "finished_at", "seconds", "progress", "seconds_left")),
    **dict.fromkeys(
        (
            *("attempts", "meters", "failed", "new", "corrected", "unchanged", "rejected"),
            *("requests", "retries", "bytes"),
        ),
        0,
    ),
    "outcomes": "https://acme.example.com/api/v1/runs/13/outcomes/",
    "warnings": [],
    "errors": [],
}
CANCELLED: dict[str, Any] = {
    **PLANNED,
    "id": 12,
    "state": "cancelled",
    "error": "Cancelled by ada@solar-village.example. What was stored stays.",
    "finished_at": "2023-02-03T08:15:09Z",
    "outcomes": "https://acme.example.com/api/v1/runs/12/outcomes/",
}
ONE_OUTCOME = OpenApiExample(
    "One outcome",
    value={
        "meter": MUID,
        "name": "Bakery, main meter",
        "new": 4,
        "corrected": 0,
        "unchanged": 288,
        "rejected": 1,
        "warnings": [],
        "error": "",
    },
    response_only=True,
)
ONE_REJECTION = OpenApiExample(
    "One refused reading",
    value={
        "id": 3,
        "reason": "value",
        "words": "“n/a” is no number.",
        "meter": MUID,
        "muid": MUID,
        "code": "0100011D00FF",
        "timestamp": "2023-02-01T00:15:00.000Z",
        "row": None,
        "raw": '{"measurement":"energy","timestamp":"2023-02-01T00:15:00.000Z",'
        f'"tags":{{"muid":"{MUID}","quality":"measured"}},"0100011D00FF":"n/a"}}',
        "times": 2,
        "first_seen_at": "2023-02-01T00:31:02Z",
        "last_seen_at": "2023-02-01T00:46:01Z",
        "run": 12,
    },
    response_only=True,
)
NO_RUN = {
    (404, PROBLEM_MEDIA_TYPE): OpenApiResponse(
        ProblemSerializer,
        description="The tenant has no such run, or keeps it no longer.",
        examples=[
            OpenApiExample(
                "Problem",
                value=problem(
                    404, "There is no run 7000000 here; those past are kept for a while."
                ),
                response_only=True,
            )
        ],
    )
}
