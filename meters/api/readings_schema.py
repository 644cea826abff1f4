"""How the endpoints that give readings are described."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from meters.api.query import DIRECTIONS, FILLS, LAYOUTS
from meters.api.renderers import TABLES
from meters.combining import Combine
from meters.grid import OFFERED
from meters.measures import STATISTICS, UNITS
from meters.qualities import BY_NAME


def _text(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, more.pop("type", str), description=description, **more)


START = _text(
    "start",
    "Included: a date, which begins at local midnight in `timezone`, a time with offset, or a "
    "duration before the end, such as -P7D (of the calendar) or -PT6H. Six days before today "
    "where none is given.",
)
END = _text("end", "Excluded: a date or a time with offset; the present where none is given.")
REGISTER = _text(
    "register",
    "OBIS code of a register in any notation, or "
    f"{' or '.join(DIRECTIONS)} for the one that counts all active energy of that direction; "
    "several with commas or by giving it again. All of them by default.",
)
READINGS_PARAMETERS = [
    START,
    END,
    _text(
        "resolution",
        "Length of a bucket; by default the finest that fits every register.",
        enum=OFFERED,
    ),
    _text("timezone", "IANA name of the zone whose days and hours count; the meter's by default."),
    REGISTER,
    _text(
        "statistic",
        "What is said of the intervals of a bucket; by default what the register's code says.",
        enum=[str(one) for one in STATISTICS],
    ),
    _text(
        "unit",
        "In which unit. Energy may be given as mean power (kWh as kW); the register's own unit by "
        "default.",
        enum=list(UNITS),
    ),
    _text(
        "quality",
        f"Only readings of these qualities count: {', '.join(BY_NAME)}; several with commas.",
    ),
    _text("fill", "What stands for an empty bucket: null, nothing at all, or zero.", enum=FILLS),
    _text("layout", "Buckets as rows, or each field as one array.", enum=LAYOUTS),
]
MANY_PARAMETERS = [
    _text(
        "meter",
        "MUID of a meter; several with commas or by giving it again. All of the tenant's where "
        "neither meters nor sites are named.",
    ),
    _text("site", "Name of a site, whose meters are taken; several by giving it again."),
    _text(
        "combine",
        "Put the meters together: sum adds their active energy up by direction, net takes export "
        "from import. Registers of one phase or tariff are left out: they count parts of others.",
        enum=[str(one) for one in Combine],
    ),
    *READINGS_PARAMETERS,
]
# Beside JSON, by `Accept` or by `format`.
FILES = {(200, one.media_type): OpenApiTypes.BINARY for one in TABLES}
