"""One question to an upstream that misbehaves."""

import json
from uuid import UUID

from ingestion.client import Client, Endpoint, Limits, Page, UpstreamError
from tests.ingestion.upstreams import Running, row, rows

MUID = UUID("95ce3367-cbce-4a4d-bbe3-da082831d7bd")
START, STOP = 1_675_209_600, 1_677_628_800
ROWS = [row(MUID, f"2023-02-01T00:{minute}:00.000Z") for minute in (45, 30, 15)]
GOOD = rows({"data": ROWS})
TOKEN = "s3cr3t-t0ken"
BODY = json.dumps({"data": ROWS}).encode()
QUICK = Limits(connect=0.3, read=0.25, total=0.6, size=200_000, attempts=3, wait=30)


def ask(
    running: Running, *, token: str = "", limits: Limits = QUICK, limit: int = 100
) -> tuple[Page | str, Client, list[float]]:
    """Ask for one page; return it or the words of the failure, the client, and how it waited."""
    waits: list[float] = []
    endpoint = Endpoint(running.address, "energy", token, limit)
    with Client(endpoint, limits=limits, sleep=waits.append) as client:
        try:
            return client.page(MUID, START, STOP), client, waits
        except UpstreamError as error:
            told = str(error)
    assert TOKEN not in told
    return told, client, waits


def host(running: Running) -> str:
    return running.address.removeprefix("http://")
