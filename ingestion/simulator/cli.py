"""The command behind `manage.py simulate_upstream`: options in, a server until a signal ends it."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.contract import PATH
from ingestion.simulator.faults import Plan, read_file, read_plan
from ingestion.simulator.faults.reading import EXAMPLE
from ingestion.simulator.recordings import RecordingError, load_recordings
from ingestion.simulator.server import SimulatorServer
from ingestion.simulator.upstream import Upstream

SHOWN = 20
"""How many meters the greeting lists."""

COUNTED = {
    "households": "households",
    "photovoltaics": "photovoltaic feed-ins",
    "constants": "constant technical loads",
    "prosumers": "households behind photovoltaics",
    "businesses": "businesses",
    "heat_pumps": "heat pumps",
    "chargers": "wall boxes that charge cars",
    "productions": "production meters, of the prosumers' roofs",
}
"""What there can be some of, by the names of options and parameters."""

Write = Callable[[str], object]


class CannotServeError(Exception):
    """Options that cannot be served, in words."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    add("--port", type=int, default=8100, help="0 takes a free one (default: %(default)s)")
    add(
        "--recordings",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder of <muid>.json files to serve; may be given several times",
    )
    for kind, unit in COUNTED.items():
        help_text = f"number of synthetic {unit} (default: %(default)s)"
        add(f"--{kind.replace('_', '-')}", type=_count, default=0, metavar="N", help=help_text)
    add("--seed", type=int, default=1, help="of the synthetic meters (default: %(default)s)")
    add("--interval", type=int, default=900, help="of theirs, in seconds (default: %(default)s)")
    add("--timezone", default="Europe/Zurich", help="of theirs (default: %(default)s)")
    add("--latitude", type=float, default=47.38, help="degrees north (default: %(default)s)")
    add("--longitude", type=float, default=8.54, help="degrees east (default: %(default)s)")
    add("--token", help="require Authorization: Bearer TOKEN")
    add("--no-gzip", action="store_true", help="never compress answers, for benchmarks")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="'METER: FAULT …'",
        help=f"misbehave, for example {EXAMPLE}; may be given several times; "
        "docs/simulator.md lists all faults",
    )
    add("--faults", type=Path, metavar="FILE", help="faults from a file, TOML or JSON")
    add("--quiet", action="store_true", help="no line per request")


def run(options: dict[str, Any], write: Write) -> None:
    """Serve until SIGINT or SIGTERM.

    Parameters
    ----------
    options : dict
        As `add_arguments` declares them.
    write : callable
        Takes lines for the person at the terminal.

    Raises
    ------
    CannotServeError
        If a folder, an option or the address cannot be served.
    """
    with build(options, None if options["quiet"] else write) as server:
        # Before the greeting: whoever has read it may send a signal.
        previous = [signal.signal(number, _interrupt) for number in _SIGNALS]
        try:
            for line in greeting(server, options["token"]):
                write(line)
            server.serve_forever()
        except KeyboardInterrupt:
            write("Stopped.")
        finally:
            for number, handler in zip(_SIGNALS, previous, strict=True):
                signal.signal(number, handler)


def build(options: dict[str, Any], log: Write | None) -> SimulatorServer:
    """Make the server that the options describe, listening but not yet answering.

    Raises
    ------
    CannotServeError
        If a folder, an option or the address cannot be served.
    """
    try:
        ZoneInfo(options["timezone"])
    except (ZoneInfoNotFoundError, ValueError) as error:
        message = f"--timezone {options['timezone']} is no time zone; write Europe/Zurich."
        raise CannotServeError(message) from error
    if options["token"] == "":
        raise CannotServeError("--token is empty: give one, or leave the option out.")
    folders = options["recordings"]
    try:
        recordings = [found for folder in folders for found in load_recordings(folder)]
        meters = default_meters(
            options["seed"],
            options["timezone"],
            options["latitude"],
            options["longitude"],
            interval=options["interval"],
            **{kind: options[kind] for kind in COUNTED},
        )
        plan = _plan(options["fault"], options["faults"])
        upstream = Upstream(
            recordings=recordings,
            meters=meters,
            token=options["token"],
            compress=not options["no_gzip"],
            plan=plan,
        )
    except (RecordingError, ValueError) as error:
        raise CannotServeError(str(error)) from error
    if not upstream.meters:
        raise CannotServeError("No meters: give --recordings, --households or another number.")
    host, port = options["host"], options["port"]
    try:
        return SimulatorServer((host, port), upstream, log)
    except (OSError, OverflowError) as error:
        raise CannotServeError(f"Cannot listen on {host}, port {port}: {error}") from error


def _plan(texts: list[str], file: Path | None) -> Plan:
    rules = read_file(file).rules if file else ()
    return Plan([*rules, *read_plan(texts).rules])


def greeting(server: SimulatorServer, token: str | None) -> list[str]:
    """What the person at the terminal is told: the address, the meters, a request to try."""
    meters = list(server.upstream.meters.values())
    lines = [f"Simulated upstream at {server.base_url}{PATH}", f"Meters: {len(meters)}"]
    lines += [f"  {meter.muid}  {meter.kind:<13}  {meter.name}" for meter in meters[:SHOWN]]
    if len(meters) > SHOWN:
        lines.append(f"  and {len(meters) - SHOWN} more")
    lines += [f"Misbehaves: {rule}" for rule in server.upstream.plan.rules]
    query = {"muid": meters[0].muid, "measurement": "energy", "limit": 5000}
    query |= {"start": "2023-02-01", "stop": "2023-03-01"}
    header = " -H 'Authorization: Bearer <token>'" if token else ""
    lines.append(f"Try: curl --compressed{header} '{server.base_url}{PATH}?{urlencode(query)}'")
    return lines


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Set for SIGINT too: a shell starts background jobs with it ignored.
    raise KeyboardInterrupt


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number
