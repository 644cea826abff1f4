"""Rows as the upstream sends them, for tests of parsing."""

from typing import Any
from uuid import UUID

import numpy as np

from ingestion.batch import Batch, RegisterKey
from ingestion.parsing import Asked

MUID = UUID("95ce3367-cbce-4a4d-bbe3-da082831d7bd")
OTHER = UUID("1db7649e-9342-4e04-97c7-f0ebb88ed1f8")
CODE = "0100011D00FF"
IMPORT = RegisterKey(MUID, "1-0:1.29.0*255", "energy")
FEBRUARY = 1_675_209_600
ASKED = Asked(now=FEBRUARY + 100 * 86_400, muid=MUID)


def stamp(instant: int) -> str:
    return f"{np.datetime64(instant, 's')}.000Z"


def row(instant: int = FEBRUARY, value: Any = 1.5, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "measurement": "energy",
        "timestamp": stamp(instant),
        "tags": {"muid": str(MUID), "quality": "measured"},
        CODE: value,
    }
    return {key: value for key, value in (made | changes).items() if value is not ...}


def readings(batch: Batch) -> list[tuple[RegisterKey, int, float, int, int]]:
    columns = (batch.instants, batch.values, batch.qualities, batch.row)
    return [
        (batch.keys[key], *rest)
        for key, *rest in zip(batch.index, *(c.tolist() for c in columns), strict=True)
    ]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value
