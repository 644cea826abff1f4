"""What the documentation shows of sending readings."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from config.errors import PROBLEM_MEDIA_TYPE
from meters.api.examples import ALWAYS, MUID, invalid, one_problem

ROW = {
    "timestamp": "2023-02-01T00:00:00Z",
    "measurement": "energy",
    "tags": {"muid": MUID, "quality": "measured"},
    "0100011D00FF": 0.02,
}
PAYLOAD = {
    "data": [
        ROW,
        {**ROW, "timestamp": "2023-02-01T00:15:00Z", "0100011D00FF": 0.015},
        {**ROW, "timestamp": "2023-02-01T00:30:00"},
    ]
}
RAW = (
    '{"timestamp":"2023-02-01T00:30:00","measurement":"energy","tags":{"muid":'
    f'"{MUID}","quality":"measured"}},"0100011D00FF":0.02}}'
)
CSV = "Zeit;Bezug [kWh]\n01.02.2023 01:00;0,020\n01.02.2023 01:15;0,015\n"

_ROW_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "timestamp": {
            "type": "string",
            "description": "Start of the interval, ISO 8601 with offset.",
        },
        "measurement": {"type": "string", "description": "energy or power."},
        "tags": {
            "type": "object",
            "properties": {
                "muid": {"type": "string", "format": "uuid"},
                "quality": {"type": "string"},
            },
            "required": ["muid"],
        },
    },
    "required": ["timestamp", "tags"],
    "additionalProperties": {
        "type": "number",
        "description": "A register by its OBIS code, hexadecimal or written out, and its value.",
    },
}
PAYLOAD_SCHEMA = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"data": {"type": "array", "items": _ROW_SCHEMA}},
            "required": ["data"],
        },
        {"type": "array", "items": _ROW_SCHEMA},
    ]
}
REQUESTS = [
    OpenApiExample(
        "The upstream's payload",
        value=PAYLOAD,
        request_only=True,
        media_type="application/json",
    ),
    OpenApiExample(
        "CSV of one meter",
        description=f"With ?meter={MUID}&timezone=Europe/Zurich",
        value=CSV,
        request_only=True,
        media_type="text/csv",
    ),
]
STORED = OpenApiExample(
    "Two stored, one refused",
    value={
        "run": 12,
        "page": "https://acme.example.com/ingestion/runs/12/",
        "new": 2,
        "corrected": 0,
        "unchanged": 0,
        "rejected": 1,
        "meters": [
            {
                "meter": MUID,
                "new": 2,
                "corrected": 0,
                "unchanged": 0,
                "rejected": 1,
                "warnings": [],
            }
        ],
        "rejections": [
            {
                "row": 3,
                "reason": "time",
                "message": "the time “2023-02-01T00:30:00” has no offset, so it names no instant; "
                "write 2023-02-01T00:15:00Z",
                "raw": RAW,
            }
        ],
        "assumed": [],
    },
    response_only=True,
)
PROBLEMS = {
    **invalid(
        "timezone",
        "Europe/Zürich",
        "“Europe/Zürich” is not a time zone of the IANA database; did you mean Europe/Zurich?",
        "Europe/Zurich",
    ),
    (403, PROBLEM_MEDIA_TYPE): one_problem(
        403,
        "The account may not store readings.",
        "This account may look at readings but not store any. An administrator can allow it.",
    ),
    (409, PROBLEM_MEDIA_TYPE): one_problem(
        409,
        "The same request is being answered at this moment.",
        "A request with this Idempotency-Key is being answered. Ask again in a moment.",
    ),
    (413, PROBLEM_MEDIA_TYPE): one_problem(
        413,
        "The body is too large.",
        "The body is larger than 32.0 MB. Nothing was stored; send the readings in several pieces, "
        "for example month by month.",
    ),
    (415, PROBLEM_MEDIA_TYPE): one_problem(
        415,
        "The body is neither application/json nor text/csv.",
        'Unsupported media type "text/plain" in request.',
    ),
    (422, PROBLEM_MEDIA_TYPE): one_problem(
        422,
        "It can be read, but not stored: nothing says which zone, meter or register is meant; not "
        "one reading is good; or the Idempotency-Key was sent with another request before.",
        "The times carry no offset. Name the zone whose clock they show, such as Europe/Zurich or "
        "UTC.",
    ),
    **ALWAYS,
}
