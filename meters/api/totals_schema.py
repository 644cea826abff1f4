"""The shape of totals as the documentation shows it, their parameters, and an example."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers

from meters.api import examples
from meters.api.words import ADDED_UP, direction_field, quality_field

# How many months a period has, and how many periods are told where no start is given.
PERIODS = {"month": (1, 12), "quarter": (3, 4), "year": (12, 3)}
EDGES = "2023-01-01,2023-03-15,2023-04-01"


class StateSerializer(serializers.Serializer[dict[str, object]]):
    at = serializers.DateTimeField(help_text="When it was read.")
    value = serializers.FloatField()
    quality = quality_field()


class PeriodSerializer(serializers.Serializer[dict[str, object]]):
    start = serializers.DateTimeField(help_text="Included.")
    end = serializers.DateTimeField(help_text="Excluded.")
    total = serializers.FloatField(
        allow_null=True, help_text="null where nothing is there, or values don't add up."
    )
    count = serializers.IntegerField(
        help_text="Intervals that are there; of meter states, advances between two of them."
    )
    expected = serializers.IntegerField(help_text="Intervals that should be there by now.")
    completeness = serializers.FloatField(
        allow_null=True, help_text="The share of those expected that is there, 0 to 1."
    )
    estimated = serializers.FloatField(
        allow_null=True,
        help_text="The share of those there that is estimated, substituted or provisional, 0 to 1.",
    )
    quality = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many intervals have which quality."
    )
    opening = StateSerializer(
        required=False, allow_null=True, help_text="Of meter states: the first one of the period."
    )
    closing = StateSerializer(
        required=False,
        allow_null=True,
        help_text="Of meter states: the first one at the end or after it; the latest one where "
        "there is none yet.",
    )


class RegisterTotalsSerializer(serializers.Serializer[dict[str, object]]):
    register = serializers.CharField(help_text="OBIS code.")
    direction = direction_field()
    unit = serializers.CharField(help_text="Of totals and states.")
    statistic = serializers.ChoiceField(
        choices=ADDED_UP,
        allow_null=True,
        help_text="sum, or advance of meter states; null where nothing adds up.",
    )
    periods = PeriodSerializer(many=True)
    notes = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="What is odd about it, in words."
    )


class TotalsSerializer(serializers.Serializer[dict[str, object]]):
    """Totals of one meter's registers by period."""

    meter = serializers.UUIDField(help_text="MUID.")
    timezone = serializers.CharField()
    period = serializers.ChoiceField(
        choices=list(PERIODS), allow_null=True, help_text="null with given dates."
    )
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    registers = RegisterTotalsSerializer(many=True)


ONE = OpenApiExample(
    "Two days as periods",
    summary="Given dates: edges=2023-02-01,2023-02-02,2023-02-03",
    value={
        "meter": examples.MUID,
        "timezone": "Europe/Zurich",
        "period": None,
        "start": "2023-02-01T00:00:00+01:00",
        "end": "2023-02-03T00:00:00+01:00",
        "registers": [
            {
                "register": "1-0:1.29.0*255",
                "direction": "import",
                "unit": "kWh",
                "statistic": "sum",
                "periods": [
                    {
                        "start": f"2023-02-0{day}T00:00:00+01:00",
                        "end": f"2023-02-0{day + 1}T00:00:00+01:00",
                        "total": total,
                        "count": count,
                        "expected": 96,
                        "completeness": count / 96,
                        "estimated": 0.0,
                        "quality": {"measured": count},
                    }
                    for day, total, count in ((1, 1.8299, 92), (2, 4.0253, 96))
                ],
            }
        ],
    },
    response_only=True,
)
START = OpenApiParameter(
    "start",
    str,
    description="Included: a date, which begins at local midnight in `timezone`, or a time with "
    "offset. Twelve months, four quarters or three years back where none is given.",
)
PERIOD = OpenApiParameter(
    "period",
    str,
    description="Length of a period on the calendar of `timezone`: month by default.",
    enum=list(PERIODS),
)
DATES = OpenApiParameter(
    "edges",
    str,
    description=f"Dates on which periods begin and end, instead of `period`: {EDGES} makes two. "
    "Each begins at local midnight.",
)
