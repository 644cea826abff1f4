"""What the query says of readings that are sent."""

import re
from dataclasses import dataclass
from uuid import UUID

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from ingestion.api.answering_once import IDEMPOTENCY_KEY
from ingestion.doors.columns import MARKS, Wishes, parse_code, parse_mapping, parse_muid, parse_unit
from ingestion.doors.table import DoorError
from ingestion.intervals import LENGTHS
from meters.api.parameters import Parameters, one_of
from meters.models import Meter
from meters.qualities import BY_NAME, Quality
from meters.zones import zone

DECIMALS = {"comma": ",", "point": "."}
ORDERS = ("dmy", "mdy")
SWITCH = ("true", "false")
OF_TABLES = (
    "timezone",
    "mapping",
    "interval_mark",
    "interval",
    "decimal",
    "dates",
    "obis",
    "unit",
    "quality",
    "power_as_energy",
)
NAMES = ("meter", *OF_TABLES)


def _text(name: str, description: str, **more: object) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=description, **more)  # type: ignore[arg-type]


PARAMETERS = [
    _text("meter", "MUID of the meter, where the readings name none; others are refused."),
    _text("timezone", "Of CSV: IANA zone whose clock the times show, where they have no offset."),
    OpenApiParameter(
        "mapping",
        str,
        many=True,
        description="Of CSV: what a column holds, such as `Zeit=time` or `C=value "
        "register=1-0:2.29.0*255 unit=Wh`; may be given several times.",
    ),
    _text(
        "interval_mark",
        "Of CSV: which end of its interval a time marks; the start, unless headers say otherwise.",
        enum=MARKS,
    ),
    _text("interval", "Of CSV: how long intervals are, where the times don't show it: `PT15M`."),
    _text("decimal", "Of CSV: the decimal mark.", enum=list(DECIMALS)),
    _text("dates", "Of CSV: whether day or month comes first in 03/04/2023.", enum=ORDERS),
    _text("obis", "Of CSV: the register, where nothing names one; by default 1-0:1.29.0*255."),
    _text("unit", "Of CSV: the unit, where nothing names one."),
    _text("quality", "Of CSV: the quality, where no column says it.", enum=sorted(BY_NAME)),
    _text(
        "power_as_energy",
        "Of CSV: `true` takes mean power (kW) as the energy of its interval (kWh).",
        enum=SWITCH,
    ),
    IDEMPOTENCY_KEY,
]


@dataclass(frozen=True)
class Said:
    """What the query says: the one meter that is meant, how a table is to be read."""

    muid: UUID | None
    wishes: Wishes


def read_parameters(given: QueryDict, *, is_table: bool) -> Said:
    """Read the query, and name everything in it that can't be taken.

    Raises
    ------
    InvalidQuery
        400, with each parameter at fault.
    """
    parameters = Parameters(given, NAMES, "timezone=Europe/Zurich")
    if not is_table:
        for name in OF_TABLES:
            if name in given:
                words = f"“{name}” goes with text/csv; JSON says this itself."
                parameters.refuse(name, words, "", given.getlist(name)[-1])
    muid = parameters.read("meter", _meter, None, "95ce3367-cbce-4a4d-bbe3-da082831d7bd")
    quality = parameters.read("quality", one_of(sorted(BY_NAME)), "", "measured")
    wishes = Wishes(
        zone=parameters.read("timezone", lambda text: zone(text).name, None, "Europe/Zurich"),
        mark=parameters.read("interval_mark", one_of(MARKS), None, "end"),
        interval=parameters.read("interval", _interval, None, "PT15M"),
        decimal=DECIMALS.get(parameters.read("decimal", one_of(DECIMALS), "", "comma")),
        order=parameters.read("dates", one_of(ORDERS), None, "dmy"),
        muid=muid,
        obis=parameters.read("obis", parse_code, None, "1-0:1.29.0*255"),
        unit=parameters.read("unit", parse_unit, "", "kWh"),
        quality=Quality[quality.upper()] if quality else None,
        power=parameters.read("power_as_energy", one_of(SWITCH), "false", "true") == "true",
    )
    try:
        columns = parse_mapping(given.getlist("mapping") if is_table else [])
    except DoorError as error:
        parameters.refuse("mapping", str(error), "Zeit=time")
        columns = {}
    parameters.check()
    return Said(muid, Wishes(**{**vars(wishes), "columns": columns}))


def _meter(text: str) -> UUID:
    muid = parse_muid(text)
    if not Meter.objects.filter(muid=muid).exists():
        raise ValueError(f"There is no meter {muid} here. Register it first.")
    return muid


def _interval(text: str) -> int:
    """Read a length of intervals into seconds."""
    found = re.fullmatch(r"PT(\d{1,3})([MH])", text, re.ASCII)
    seconds = int(found[1]) * {"M": 60, "H": 3600}[found[2]] if found else 0
    if seconds not in map(int, LENGTHS):
        listed = ", ".join(f"PT{int(length) // 60}M" for length in LENGTHS)
        raise ValueError(f"“{text[:20]}” is no length of intervals; there are {listed}.")
    return seconds
