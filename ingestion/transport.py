"""One GET over HTTP: to checked addresses alone, within a time for the whole of it.

requests and urllib3 do the talking. What is ours is what they leave open: a name is looked up once
and the connection made to exactly the address that was checked; redirects are followed here, each
checked as the first address was; and the time limit also holds for headers that come byte by byte.
"""

import io
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import structlog
import urllib3.connection
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

from ingestion.addresses import ForbiddenAddressError, Guard, is_written
from ingestion.endpoint import Limits, host_of
from ingestion.failures import UpstreamError
from ingestion.resolving import LookUp, Target, targets_of

USER_AGENT = "Lastgang"
DEFAULT_PORTS = {"http": 80, "https": 443}

log = structlog.get_logger(__name__)


class Dialler:
    """Makes the connections of one transport, and knows by when its question must be answered.

    Attributes
    ----------
    guard
        Which addresses may be asked; None where a proxy is asked, which the operator has chosen.
    deadline
        When the present question must have been answered, on the monotonic clock [s].
    reading
        The connection from which an answer has last been awaited.
    looking
        The name that has last been looked up.
    is_over
        Whether nobody waits for an answer any more.
    """

    def __init__(self, guard: Guard | None, limits: Limits) -> None:
        self.guard, self._limits = guard, limits
        self.deadline = 0.0
        self.reading: socket.socket | None = None
        self.looking: LookUp | None = None
        self.is_over = False

    def read_from(self, connected: socket.socket) -> None:
        """Note from which connection an answer is awaited now."""
        self.reading = connected
        # Looked at after it was noted: whoever hangs up says so before looking which connection
        # there is, so one of the two sees what the other has done.
        if self.is_over:
            self._break_off()

    def hang_up(self) -> None:
        """Break off, from another thread, what is awaited; nothing is awaited any more."""
        self.is_over = True
        self._break_off()

    def _break_off(self) -> None:
        if self.looking is not None:
            self.looking.give_up()
        if self.reading is not None:
            # Where it has been closed already, there is nothing to break off.
            with suppress(OSError):
                # Past TLS, which would want to say goodbye first.
                socket.socket.shutdown(self.reading, socket.SHUT_RDWR)

    def _look_up(self, host: str, port: int) -> list[Target]:
        if is_written(host):
            return targets_of(host, port)
        self.looking = LookUp(host, port)
        # As in `read_from`: one of the two sees what the other has done.
        if self.is_over:
            self._break_off()
        return self.looking.result(self._patience())

    def _patience(self) -> float:
        """How long a connection, or a name before it, is waited for now [s]."""
        return max(min(self._limits.connect, self.deadline - time.monotonic()), 0.001)

    def connect(self, connection: urllib3.connection.HTTPConnection) -> socket.socket:
        """Connect to a checked address of the connection's host; the first that answers counts."""
        host = connection._dns_host.strip("[]")  # noqa: SLF001 - the name with its final dot
        try:
            targets = (self.guard or _ANYWHERE).resolve(
                host, int(connection.port or 0), self._look_up
            )
        except OSError as error:
            raise urllib3.exceptions.NameResolutionError(host, connection, error) from error  # type: ignore[arg-type]
        except UnicodeError:
            raise urllib3.exceptions.LocationParseError(f"{host!r} is no host name") from None
        for place, (family, target) in enumerate(targets, 1):
            try:
                return self._connected(family, target, connection.socket_options or ())
            except OSError as error:
                if place < len(targets):
                    continue
                if isinstance(error, TimeoutError):
                    raise urllib3.exceptions.ConnectTimeoutError(connection, str(error)) from error
                raise urllib3.exceptions.NewConnectionError(connection, str(error)) from error
        raise AssertionError("a name leads to one address or more, or is refused")

    def _connected(self, family: socket.AddressFamily, target: Any, options: Any) -> socket.socket:
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            for option in options:
                made.setsockopt(*option)
            made.settimeout(self._patience())
            made.connect(target)
        except BaseException:
            made.close()
            raise
        sys.audit("http.client.connect", None, *target[:2])
        return made


class _Timed(io.RawIOBase):
    """Reads from a socket until the question's deadline, however steadily the bytes drip in."""

    def __init__(self, raw: Any, connected: socket.socket, dialler: Dialler) -> None:
        self._raw, self._socket, self._dialler = raw, connected, dialler
        dialler.read_from(connected)
        self._read = connected.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._dialler.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The answer took too long.")
        self._socket.settimeout(left if self._read is None else min(self._read, left))
        return self._raw.readinto(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, dialler: Dialler, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, dialler), 65_536)


class _Checked:
    """A connection that its dialler makes; host name, Host header and TLS stay those of the URL."""

    dialler: Dialler

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.response_class = partial(_TimedResponse, self.dialler)

    def _new_conn(self) -> socket.socket:
        return self.dialler.connect(self)  # type: ignore[arg-type]


class _Adapter(HTTPAdapter):
    """Gives all its pools connections that the dialler makes."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler
        # Retrying is the client's: it must honour the total time-out and be counted.
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools()

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools()
        return manager

    def _pools(self) -> dict[str, type[HTTPConnectionPool]]:
        ours = {"dialler": self._dialler}
        plain, tls = urllib3.connection.HTTPConnection, urllib3.connection.HTTPSConnection
        return {
            "http": type(
                "Pool", (HTTPConnectionPool,), {"ConnectionCls": type("C", (_Checked, plain), ours)}
            ),
            "https": type(
                "Pool", (HTTPSConnectionPool,), {"ConnectionCls": type("C", (_Checked, tls), ours)}
            ),
        }


class _Session(requests.Session):
    """Leaves redirects to us: requests would read their bodies, however long they are."""

    def resolve_redirects(self, *_args: Any, **_options: Any) -> Iterator[Any]:
        return iter(())


class _NoAuth(requests.auth.AuthBase):
    """Sends nothing by itself: neither what a .netrc file holds nor what stands in an address."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Transport:
    """Asks; keeps its connections open between questions.

    Parameters
    ----------
    limits
        How long and how far.
    guard
        Which addresses may be asked.
    proxy
        Through which proxy, as an address; empty where none. The environment's are not used.
    ca_file
        Who is trusted to vouch for hosts; empty for the public authorities.
    """

    def __init__(self, limits: Limits, guard: Guard, *, proxy: str = "", ca_file: str = "") -> None:
        self.limits, self._guard = limits, guard
        self._dialler = Dialler(None if proxy else guard, limits)
        self._session = _Session()
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        self._session.auth = _NoAuth()
        self._session.verify = ca_file or True
        if proxy:
            self._session.proxies = {"http": proxy, "https": proxy}
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Adapter(self._dialler))

    def close(self) -> None:
        self._session.close()

    def hang_up(self) -> None:
        """Break off, from another thread, the answer that is awaited, and any that would be."""
        self._dialler.hang_up()

    @contextmanager
    def get(
        self,
        url: str,
        parameters: dict[str, str],
        credentials: dict[str, str],
        deadline: float,
    ) -> Iterator[requests.Response]:
        """Ask, follow redirects, and give the answer with its body still to be read.

        Parameters
        ----------
        credentials
            Headers that say who asks; they go to the address's own host alone.
        deadline
            When all of it must be over, on the monotonic clock [s].

        Raises
        ------
        UpstreamError
            The address, or one that it redirects to, is not asked from here.
        requests.RequestException, urllib3.exceptions.HTTPError
            It could not be asked, or the answer broke off.
        """
        self._dialler.deadline = deadline
        headers, asked, before = dict(credentials), dict(parameters), ""
        for _ in range(self.limits.redirects + 1):
            with self._once(url, asked, headers, before) as response:
                target = self._session.get_redirect_target(response)
                if target is None:
                    yield response
                    return
                following = _following(response.url, target)
            if not _is_same_place(url, following):
                headers = {}
            # The address that a redirect names is whole: it has the parameters that it is to have.
            before, url, asked = url, following, {}
        raise UpstreamError(
            f"{host_of(url)} redirects more than {self.limits.redirects} times. "
            "Check the source's address.",
            of_source=True,
        )

    @contextmanager
    def _once(
        self, url: str, parameters: dict[str, str], headers: dict[str, str], before: str
    ) -> Iterator[requests.Response]:
        try:
            host = urlsplit(url).hostname
            if host:
                # Where a proxy looks names up, what is written as an address is still ours to see.
                self._guard.check_at_once(host)
            with self._session.get(
                url,
                params=parameters,
                headers=headers,
                timeout=(self.limits.connect, self.limits.read),
                allow_redirects=False,
                stream=True,
            ) as response:
                yield response
        except ForbiddenAddressError as error:
            log.warning("address refused", host=host, addresses=error.addresses)
            # A host that nobody has entered is told together with the one that led to it.
            origin = f"{host_of(before)} redirects, but " if before else ""
            raise UpstreamError(f"{origin}{error}", of_source=True) from None
        except ValueError as error:
            if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError):
                raise
            # An address that can't even be taken apart.
            raise requests.exceptions.InvalidURL(str(error)) from None


_ANYWHERE = Guard.of(["0.0.0.0/0", "::/0"])


def _following(url: str, target: str) -> str:
    """Return the address that a redirect leads to, or say why it is not followed."""
    host = host_of(url)
    try:
        following = urljoin(url, target)
        before, after = urlsplit(url), urlsplit(following)
    except ValueError:
        raise UpstreamError(
            f"{host} redirects to what is no address. Check the source's address.", of_source=True
        ) from None
    why = ""
    if after.scheme not in DEFAULT_PORTS or not after.hostname:
        why = "to an address that does not begin with https://"
    elif (before.scheme, after.scheme) == ("https", "http"):
        why = "from https to http, where everybody on the way could read along"
    elif after.username is not None or after.password is not None:
        why = "to an address with a name or password in it"
    if why:
        raise UpstreamError(
            f"{host} redirects {why}; that is not followed. Check the source's address.",
            of_source=True,
        )
    return following


def _is_same_place(url: str, following: str) -> bool:
    """Whether who asked at one address may say who they are at the other."""
    before, after = urlsplit(url), urlsplit(following)
    if before.hostname != after.hostname:
        return False
    ports = [parts.port or DEFAULT_PORTS[parts.scheme] for parts in (before, after)]
    # A host may send us on from plain HTTP to its own HTTPS.
    return ports in ([ports[0], ports[0]], [80, 443])
