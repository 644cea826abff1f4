"""An upstream that costs next to nothing: `python -m benchmarks.loading.upstream`.

It serves the same year of quarter-hours for whatever meter is asked for, from rows that are text
already, so that what a trial measures is who reads.
"""

import json
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

START = datetime(2024, 1, 1, tzinfo=UTC)
SLOTS = 366 * 96
NAME = b"muid-of-whoever-is-asked-for"
TIMES = [
    f"{START + slot * timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}".encode() for slot in range(SLOTS)
]
ROWS = [
    b'{"measurement":"energy","timestamp":"%s","tags":{"muid":"%s","quality":"measured"},'
    b'"0100011D00FF":%.4f}' % (time, NAME, (slot * 7919 % 997 + 1) / 1000)
    for slot, time in enumerate(TIMES)
]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        first, last = (bisect_left(TIMES, query[name].encode()) for name in ("start", "stop"))
        first = max(first, last - int(query["limit"]))
        body = b'{"data":[%s]}' % b",".join(reversed(ROWS[first:last]))
        body = body.replace(NAME, query["muid"].encode())
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(json.dumps(f"http://127.0.0.1:{server.server_address[1]}"), flush=True)
        server.serve_forever()
