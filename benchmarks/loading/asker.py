"""A process that asks web processes over connections that it keeps, and times each answer.

It is ours, and not one of the well-known tools, for three reasons: each request has to be another
tenant's, as another person; an answer counts when its last byte has come, and only if it is whole;
and at a constant rate the time counts from the moment at which the request was due, not from the
moment at which a connection was free for it: else a server that stands still for a second would be
told to have answered one request late instead of a hundred (Tene's coordinated omission). What it
costs itself is told with the rest.

Orders come as JSON on standard input: the addresses, the questions by kind, how many connections,
for how long [s], and at which rate [1/s], 0 for as fast as answers come.
"""

import json
import random
import select
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import IO, Any

BUFFER = 262_144


@dataclass
class Answers:
    """What came of the questions of one kind: seconds of each, bytes of all, and what was wrong."""

    seconds: list[float] = field(default_factory=list)
    bytes: int = 0
    wrong: list[str] = field(default_factory=list)


class Connection:
    """One that is kept open; it is made anew where the server has closed it after an answer."""

    def __init__(self, address: str) -> None:
        host, port = address.rsplit(":", 1)
        self.place = (host, int(port))
        self._socket: socket.socket | None = None
        self._reader: IO[bytes] | None = None

    def ask(self, request: bytes) -> tuple[int, int]:
        """Return the status, and how many bytes came in all.

        Raises
        ------
        OSError, ValueError
            No whole answer came.
        """
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            # It lay idle for as long as the server lets it.
            self.close()
        if self._socket is None:
            self._socket = socket.create_connection(self.place, timeout=120)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reader = self._socket.makefile("rb", BUFFER)
        assert self._reader is not None
        self._socket.sendall(request)
        line = self._reader.readline()
        status, size = int(line.split(b" ", 2)[1]), len(line)
        length, chunked, closes = 0, False, False
        while (line := self._reader.readline()) not in (b"\r\n", b""):
            size += len(line)
            name, _, value = line.lower().partition(b":")
            length = int(value) if name == b"content-length" else length
            chunked |= name == b"transfer-encoding"
            closes |= name == b"connection" and b"close" in value
        size += self._chunks() if chunked else self._take(length)
        if closes:
            self.close()
        return status, size

    def _take(self, length: int) -> int:
        assert self._reader is not None
        if len(self._reader.read(length)) < length:
            raise ValueError("cut short")
        return length

    def _chunks(self) -> int:
        assert self._reader is not None
        total = 0
        while size := int(self._reader.readline(), 16):
            total += self._take(size + 2)
        return total + self._take(2)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


class Asker:
    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.order = random.Random(orders["seed"])
        self.told = {kind: Answers() for kind in orders["questions"]}
        self._lock = threading.Lock()
        self._began, self._own = time.perf_counter(), time.process_time()
        self._due = self._began
        self._until = self._began + orders["seconds"]

    def run(self) -> dict[str, Any]:
        addresses = self.orders["addresses"]
        threads = [
            threading.Thread(target=self._work, args=[addresses[n % len(addresses)]])
            for n in range(self.orders["connections"])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - self._began
        own = time.process_time() - self._own
        return {
            "seconds": took,
            "own": own,
            "kinds": {kind: asdict(answers) for kind, answers in self.told.items()},
        }

    def _next(self) -> tuple[str, bytes, float] | None:
        """Choose what is asked next, and when that is due; None where it is over."""
        with self._lock:
            kind = self.order.choice(list(self.told))
            request = self.order.choice(self.orders["questions"][kind]).encode()
            if not (rate := self.orders["rate"]):
                now = time.perf_counter()
                return (kind, request, now) if now < self._until else None
            # Those who ask know nothing of one another: a Poisson process.
            self._due += self.order.expovariate(rate)
            return (kind, request, self._due) if self._due < self._until else None

    def _work(self, address: str) -> None:
        connection = Connection(address)
        while found := self._next():
            kind, request, due = found
            if (early := due - time.perf_counter()) > 0:
                time.sleep(early)
            try:
                status, size = connection.ask(request)
                wrong = "" if status == 200 else str(status)
            except (OSError, ValueError, IndexError) as error:
                wrong, size = repr(error), 0
                connection.close()
            answers = self.told[kind]
            with self._lock:
                answers.seconds.append(time.perf_counter() - due)
                answers.bytes += size
                if wrong:
                    answers.wrong.append(wrong)
        connection.close()


if __name__ == "__main__":
    json.dump(Asker(json.load(sys.stdin)).run(), sys.stdout)
