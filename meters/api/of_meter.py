"""What views of one meter have in common: how it is found, and what is told where it is not."""

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.views import APIView

from config.compiled import CompiledQuery
from meters.api.examples import MUID
from meters.api.negotiation import Negotiation
from meters.api.problems import InvalidQuery, ParameterError
from meters.models import Meter, Register

TIMEZONE = OpenApiParameter(
    "timezone",
    str,
    description="IANA name of the zone in which times are given and dates begin; the meter's by "
    "default.",
)


class NotHere(InvalidQuery):
    """404: a query parameter names a meter or a site that the tenant doesn't have."""

    status_code = HTTPStatus.NOT_FOUND


def no_such_meters(missing: Sequence[UUID]) -> NotHere:
    """Say which of the meters that the parameter `meter` names there are not."""
    others = f", nor {len(missing) - 1:,} others" if len(missing) > 1 else ""
    words = f"There is no meter {missing[0]} here{others}."
    return NotHere([ParameterError("meter", str(missing[0]), words, MUID)])


def no_such_site(name: str) -> NotHere:
    """Say that there is no site of that name."""
    words = f"There is no site “{name[:60]}” here; the sites are listed at /api/v1/sites/."
    return NotHere([ParameterError("site", name, words, "Mill Street 4")])


_registers_of = CompiledQuery(
    lambda: Register.objects.filter(meter__muid=UUID(MUID)).select_related("meter__site"),
)


def find_meter(muid: UUID) -> tuple[Meter, Sequence[Register]]:
    """Find a meter with its site and its registers, each of which knows it, or answer 404."""
    registers = _registers_of(muid)
    if registers:
        meter = registers[0].meter
    else:
        found = Meter.objects.select_related("site").filter(muid=muid).first()
        if found is None:
            raise NotFound(f"There is no meter {muid} here.")
        meter = found
    for register in registers:
        register.meter = meter
    return meter, registers


class MeterView(APIView):
    """A view of one meter, by its MUID in the address."""

    content_negotiation_class = Negotiation

    def find(self, muid: UUID) -> tuple[Meter, Sequence[Register]]:
        return find_meter(muid)
