"""Host names looked up within a time: the system's resolver knows none that one could set.

Each look-up is done by a thread of its own. One that hangs can't be ended, but need not be waited
for: it is a daemon, which keeps no process from ending, and of such there are only so many.
"""

import socket
import threading
from typing import Any

Target = tuple[socket.AddressFamily, Any]

# So many may hang in one process. A worker asks one name at a time: with so many still under way,
# the resolver is not there, and another one would tell nothing else.
MOST_AT_ONCE = 8

_free = threading.BoundedSemaphore(MOST_AT_ONCE)


class LookUpError(OSError):
    """A name could not be looked up; the text says why, in words."""


def targets_of(host: str, port: int) -> list[Target]:
    """Look a host up, however long that takes: family and socket address of each it leads to.

    Raises
    ------
    OSError, UnicodeError
        It can't be looked up.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, target) for family, _, _, _, target in found]


class LookUp:
    """One name that is being looked up.

    Raises
    ------
    LookUpError
        Too many are under way already.
    """

    def __init__(self, host: str, port: int) -> None:
        self._name = host, port
        self._settled = threading.Event()
        self._found: list[Target] | Exception | None = None
        if not _free.acquire(blocking=False):
            raise LookUpError(
                f"{MOST_AT_ONCE} names are being looked up already, and the resolver says nothing"
            )
        try:
            threading.Thread(target=self._ask, name=f"look up {host}", daemon=True).start()
        except BaseException:
            _free.release()
            raise

    def _ask(self) -> None:
        try:
            self._found = targets_of(*self._name)
        except Exception as error:  # noqa: BLE001 - whoever waits meets it
            self._found = error
        finally:
            _free.release()
            self._settled.set()

    def result(self, seconds: float) -> list[Target]:
        """Wait for what is found.

        Raises
        ------
        LookUpError
            It took longer, or nobody waits for it any more.
        OSError, UnicodeError
            It can't be looked up.
        """
        in_time, found = self._settled.wait(seconds), self._found
        if isinstance(found, Exception):
            raise found
        if found is None:
            words = f"its name could not be looked up within {seconds:.3g} s"
            raise LookUpError("nobody waits for it any more" if in_time else words)
        return found

    def give_up(self) -> None:
        """Tell whoever waits, from another thread, that there is nothing to wait for."""
        self._settled.set()
