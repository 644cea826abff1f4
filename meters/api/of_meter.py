"""What views of one meter have in common: how it is found, and how its registers are chosen."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.views import APIView

from meters.api.negotiation import Negotiation
from meters.api.problems import InvalidQuery
from meters.models import Meter, Register
from meters.obis import ObisCode

TIMEZONE = OpenApiParameter(
    "timezone",
    str,
    description="IANA name of the zone in which times are given and dates begin; the meter's by "
    "default.",
)
REGISTER = OpenApiParameter(
    "register",
    str,
    description="OBIS code of one register, in any notation; all of them by default.",
)
RANGE = [
    OpenApiParameter(
        "start",
        str,
        description="Included: a date, which begins at local midnight in `timezone`, or a time "
        "with offset. Six days before today where none is given.",
    ),
    OpenApiParameter(
        "end",
        str,
        description="Excluded, written like `start`; the present where none is given.",
    ),
]


class UnknownMeter(InvalidQuery):
    """404: a query parameter names a meter that the tenant doesn't have."""

    status_code = HTTPStatus.NOT_FOUND


class MeterView(APIView):
    """A view of one meter, by its MUID in the address."""

    content_negotiation_class = Negotiation

    def find(self, muid: UUID) -> tuple[Meter, Sequence[Register]]:
        """Find a meter with its registers, or answer 404."""
        meter = Meter.objects.all().with_registers().filter(muid=muid).first()
        if meter is None:
            raise NotFound(f"There is no meter {muid} here.")
        registers = list(meter.registers.all())
        for register in registers:
            register.meter = meter
        return meter, registers


def chosen(registers: Sequence[Register]) -> Callable[[str], Sequence[Register]]:
    """Make a parser of the parameter `register`."""

    def parse(text: str) -> Sequence[Register]:
        code = str(ObisCode.parse(text))
        found = [register for register in registers if register.obis == code]
        if not found:
            have = ", ".join(register.obis for register in registers) or "none"
            raise ValueError(f"The meter has no register {code}; it has {have}.")
        return found

    return parse
