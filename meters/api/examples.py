"""What the documentation shows of each endpoint: answers and problems as they really come."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from accounts.authentication import NOT_GOOD
from config.errors import PROBLEM_MEDIA_TYPE, problem
from meters.api.serializers import ProblemSerializer

MUID = "95ce3367-cbce-4a4d-bbe3-da082831d7bd"
METER: dict[str, Any] = {
    "muid": MUID,
    "name": "Bakery, main meter",
    "metering_point": "",
    "site": "Mill Street 4",
    "timezone": "Europe/Zurich",
    "commissioned_at": None,
    "removed_at": None,
    "state": "silent",
    "readings_until": "2023-03-01T00:00:00Z",
    "source": "Grid operator",
    "registers": [
        {
            "obis": "1-0:1.29.0*255",
            "hex": "0100011D00FF",
            "label": "Active energy import, per interval",
            "direction": "import",
            "unit": "kWh",
            "measurement": "energy",
            "interval": "PT15M",
        }
    ],
    "readings": f"https://acme.example.com/api/v1/meters/{MUID}/readings/",
}
ONE_METER = OpenApiExample("One meter", value=METER, response_only=True)

_DAYS = {
    "start": ["2023-02-01T00:00:00+01:00", "2023-02-02T00:00:00+01:00"],
    "end": ["2023-02-02T00:00:00+01:00", "2023-02-03T00:00:00+01:00"],
    "value": [1.8299, 4.0253],
    "count": [92, 96],
    "expected": [96, 96],
    "quality": [{"measured": 92}, {"measured": 96}],
}


def _days(**buckets: Any) -> dict[str, Any]:
    return {
        "meter": MUID,
        "timezone": "Europe/Zurich",
        "resolution": "P1D",
        "start": "2023-02-01T00:00:00+01:00",
        "end": "2023-02-03T00:00:00+01:00",
        "series": [
            {
                "register": "1-0:1.29.0*255",
                "direction": "import",
                "unit": "kWh",
                "statistic": "sum",
                "count": 188,
                "expected": 192,
                **buckets,
            }
        ],
    }


TWO_DAYS = OpenApiExample(
    "Two local days",
    summary="Daily sums of two days in Zurich",
    description="The first local day lacks its first hour, and the answer says so.",
    value=_days(
        rows=[dict(zip(_DAYS, row, strict=True)) for row in zip(*_DAYS.values(), strict=True)]
    ),
    response_only=True,
    media_type="application/json",
)
IN_COLUMNS = OpenApiExample(
    "In columns",
    summary="The same with layout=columns",
    value=_days(columns=_DAYS),
    response_only=True,
    media_type="application/json",
)


def one_problem(status: int, when: str, detail: str, *errors: dict[str, Any]) -> OpenApiResponse:
    example = OpenApiExample(
        "Problem", value=problem(status, detail, list(errors)), response_only=True
    )
    return OpenApiResponse(ProblemSerializer, description=when, examples=[example])


def invalid(parameter: str, value: str, message: str, example: str) -> dict[Any, Any]:
    """Document 400 with an example."""
    error = {"parameter": parameter, "value": value, "message": message, "example": example}
    when = "A query parameter can't be taken; `errors` names each, with a value that works."
    return {(400, PROBLEM_MEDIA_TYPE): one_problem(400, when, message, error)}


UNAUTHORIZED = {
    (401, PROBLEM_MEDIA_TYPE): one_problem(401, "There is no token, or not a good one.", NOT_GOOD)
}
NO_METER = {
    (404, PROBLEM_MEDIA_TYPE): one_problem(
        404,
        "The tenant has no such meter.",
        "There is no meter 00000000-0000-0000-0000-000000000000 here.",
    )
}
NOT_ACCEPTABLE = {
    (406, PROBLEM_MEDIA_TYPE): one_problem(
        406,
        "The header Accept asks for something else.",
        "Nothing that the header Accept asks for can be served here; there are application/json, "
        "text/html.",
    )
}
ALWAYS = UNAUTHORIZED | NOT_ACCEPTABLE
