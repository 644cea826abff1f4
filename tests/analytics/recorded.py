"""The challenge's two recorded meters as loads."""

from pathlib import Path

import numpy as np
import orjson

from analytics.methods.load import Load
from tests.analytics.loads import ZURICH, load
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT


def recorded(folder: Path, muid: str, key: str) -> Load:
    """Read a recording, newest reading first, in quarter-hours without a gap."""
    rows = orjson.loads((folder / f"{muid}.json").read_bytes())["data"][::-1]
    instants = np.array([row["timestamp"].rstrip("Z") for row in rows], "datetime64[s]")
    seconds = instants.astype(np.int64)
    assert set(np.diff(seconds).tolist()) == {900}
    energy = np.array([row[key] for row in rows], dtype=float)
    return load(energy * 4, start=int(seconds[0]), place=ZURICH)


def recorded_import(folder: Path) -> Load:
    return recorded(folder, RECORDED_IMPORT, "0100011D00FF")


def recorded_export(folder: Path) -> Load:
    return recorded(folder, RECORDED_EXPORT, "0100021D00FF")
