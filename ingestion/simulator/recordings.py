"""Recorded answers of the upstream: a folder of `<muid>.json`, served row by row as they stand."""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from ingestion.simulator.contract import Query, milliseconds


class RecordingError(Exception):
    """A recording that cannot be served, with the file and what is wrong with it."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of one measurement, newest first; `ages` are their negated instants [ms]."""

    ages: list[int]
    rows: list[bytes]


class Recording:
    """One file of recorded readings, read when it is first asked for.

    Parameters
    ----------
    path : pathlib.Path
        A file in the upstream's shape, named by its meter: `<muid>.json`.
    """

    kind = "recording"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.muid = path.stem
        self.name = path.name
        self._loading = threading.Lock()
        self._by_measurement: dict[str, _Rows] | None = None

    def measurements(self) -> list[str]:
        """The measurements in the file, sorted.

        Raises
        ------
        RecordingError
            If the file cannot be served.
        """
        return sorted(self._load())

    def newest(self, query: Query, now: int) -> list[bytes]:
        """Rows of the range, newest first; `now` has no say in what was recorded.

        Raises
        ------
        RecordingError
            If the file cannot be served.
        """
        recorded = self._load()[query.measurement]
        first = bisect_right(recorded.ages, -query.stop)
        last = bisect_right(recorded.ages, -query.start, lo=first)
        return recorded.rows[first : min(last, first + query.limit)]

    def _load(self) -> dict[str, _Rows]:
        with self._loading:
            if self._by_measurement is None:
                self._by_measurement = _read(self.path)
            return self._by_measurement


def load_recordings(folder: Path) -> list[Recording]:
    """All recordings of a folder, sorted by name, none of them read yet.

    Raises
    ------
    RecordingError
        If there is no such folder, or no `.json` file in it.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder} is not a folder.")
    found = [Recording(path) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise RecordingError(f"{folder} holds no recording: a file named <muid>.json.")
    return found


def _read(path: Path) -> dict[str, _Rows]:
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise RecordingError(f"{path.name} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise RecordingError(f"{path.name} is not JSON: {error}.") from error
    rows = document.get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise RecordingError(f'{path.name} is not of the shape {{"data": […]}}.')
    grouped: dict[str, list[tuple[int, bytes]]] = {}
    for number, row in enumerate(rows):
        measurement, age = _key(path, number, row)
        # orjson writes what it read in the same order and with the shortest digits, as the
        # upstream's own writer does: a recorded 0 stays 0, and 0.17325000000000002 stays that.
        grouped.setdefault(measurement, []).append((age, orjson.dumps(row)))
    return {name: _newest_first(pairs) for name, pairs in grouped.items()}


def _key(path: Path, number: int, row: Any) -> tuple[str, int]:
    place = f"{path.name}, row {number}"
    if not isinstance(row, dict) or not isinstance(row.get("measurement"), str):
        raise RecordingError(f"{place}: no object with a measurement.")
    try:
        moment = datetime.fromisoformat(row["timestamp"])
    except (KeyError, TypeError, ValueError):
        message = f"{place}: timestamp {row.get('timestamp')!r} is no date-time."
        raise RecordingError(message) from None
    if moment.utcoffset() is None:
        raise RecordingError(f"{place}: timestamp {row['timestamp']!r} has no offset.")
    return row["measurement"], -milliseconds(moment)


def _newest_first(pairs: list[tuple[int, bytes]]) -> _Rows:
    # A stable sort by the instant alone keeps rows of one instant in the file's order.
    pairs.sort(key=lambda pair: pair[0])
    return _Rows([age for age, _ in pairs], [row for _, row in pairs])
