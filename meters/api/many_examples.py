"""What the documentation shows of readings of several meters."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from meters.api.examples import MUID

_FRAME: dict[str, Any] = {
    "timezone": "Europe/Zurich",
    "resolution": "P1D",
    "start": "2023-02-01T00:00:00+01:00",
    "end": "2023-02-02T00:00:00+01:00",
}
_DAY: dict[str, Any] = {
    "start": "2023-02-01T00:00:00+01:00",
    "end": "2023-02-02T00:00:00+01:00",
    "value": 1.8299,
    "count": 92,
    "expected": 96,
    "quality": {"measured": 92},
}
_SUMS = {"unit": "kWh", "statistic": "sum", "count": 92, "expected": 96}
EACH = OpenApiExample(
    "Each by itself",
    value={
        **_FRAME,
        "meters": [
            {
                "meter": MUID,
                "name": "Bakery, main meter",
                "site": "Mill Street 4",
                "series": [
                    {
                        "register": "1-0:1.29.0*255",
                        "direction": "import",
                        **_SUMS,
                        "rows": [_DAY],
                    }
                ],
            }
        ],
    },
    response_only=True,
    media_type="application/json",
)
TOGETHER = OpenApiExample(
    "Put together",
    summary="The same with combine=sum",
    value={
        **_FRAME,
        "combined_meters": [MUID],
        "combined": [{"direction": "import", "registers": 1, **_SUMS, "rows": [_DAY]}],
    },
    response_only=True,
    media_type="application/json",
)
