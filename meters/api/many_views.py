"""The readings of several meters; `ingestion` serves them where it takes readings in."""

import time
from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from meters.api.answers import many_answer
from meters.api.many import for_meters
from meters.api.query import ReadingsQuery
from meters.api.serving import most_points, served
from meters.readings import readings


def many_readings(request: Request) -> Response | HttpResponseBase:
    """Answer a request for the readings of several meters on one grid."""
    meters, asked = for_meters(request.query_params, int(time.time()), most_points(request))

    def answer(asked: ReadingsQuery) -> dict[str, Any]:
        return many_answer(meters, asked, readings(asked.registers, asked.query))

    return served(request, meters, asked, answer)
