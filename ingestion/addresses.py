"""Which addresses an upstream may have: none inside our own network, unless the operator allows it.

Who sets up a source chooses where this installation sends requests to, and reads in words what came
back. Without a guard that is a way into everything that only our own network can reach.

References
----------
IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890); RFC 6052 for IPv4 addresses that
an IPv6 address carries (NAT64); RFC 4291, section 2.4, for what of IPv6 is global.
"""

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from ingestion.resolving import Target, targets_of

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Where clouds tell a machine its secrets. Most are link-local anyway; Azure's is not. A wide
# network that is allowed does not cover them: they have to be named.
METADATA = {
    ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
}
# By name of what they are, the first that fits counts.
KINDS: tuple[tuple[str, tuple[Network, ...]], ...] = tuple(
    (kind, tuple(ip_network(text) for text in texts))
    for kind, texts in (
        ("a loopback address", ("127.0.0.0/8", "::1/128")),
        ("an unspecified address", ("0.0.0.0/8", "::/128")),
        ("a link-local address", ("169.254.0.0/16", "fe80::/10")),
        ("a private address", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
        ("a private address", ("fec0::/10", "64:ff9b:1::/48")),
        ("an address shared behind a carrier's NAT", ("100.64.0.0/10",)),
        ("a multicast address", ("224.0.0.0/4", "ff00::/8")),
        ("an IPv4 address written as IPv6", ("::ffff:0:0/96", "::/96")),
        ("an address of a tunnel", ("2002::/16", "2001::/32", "192.88.99.0/24")),
        (
            "an address reserved for special use",
            (
                *("192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24"),
                *("203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20"),
            ),
        ),
    )
)
NAT64 = IPv6Network("64:ff9b::/96")
GLOBAL_UNICAST = IPv6Network("2000::/3")
# Names that never lead outside.
INSIDE = re.compile(r"(?:.+\.)?(?:localhost|local|internal|localdomain)\.?", re.IGNORECASE)


class ForbiddenAddressError(RuntimeError):
    """A target that this installation does not ask; the text says what it is.

    Attributes
    ----------
    addresses
        What the host's name led to, for the log: who set the source up is not told.
    """

    def __init__(self, host: str, kind: str, addresses: Iterable[str] = ()) -> None:
        super().__init__(
            f"{host} is {kind}, which is not asked from here. The operator of this installation "
            "can allow it (UPSTREAM_ALLOW)."
        )
        self.addresses = tuple(addresses)


@dataclass(frozen=True, slots=True)
class Guard:
    """What the operator allows beyond the public internet.

    Attributes
    ----------
    networks
        Addresses in these are allowed, whatever they are.
    hosts
        Whatever these names lead to is allowed.
    """

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, allowed: Iterable[str]) -> "Guard":
        """Read a list of networks, addresses and host names."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for text in allowed:
            try:
                networks.append(ip_network(text, strict=False))
            except ValueError:
                hosts.add(_plain(text))
        return cls(tuple(networks), frozenset(hosts))

    def objection(self, address: Address) -> str:
        """Say what an address is that may not be asked; empty where it may."""
        whole = address.max_prefixlen
        inside = [network for network in self.networks if address in network]
        if address in METADATA:
            named = any(network.prefixlen == whole for network in inside)
            return "" if named else "a cloud's metadata address"
        if inside:
            return ""
        if isinstance(address, IPv6Address) and address in NAT64:
            return self.objection(IPv4Address(int(address) & 0xFFFFFFFF))
        for kind, networks in KINDS:
            if any(address in network for network in networks):
                return kind
        if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
            return "an address reserved for special use"
        return ""

    def check_at_once(self, host: str) -> None:
        """Refuse what can be seen without asking anybody.

        Raises
        ------
        ForbiddenAddressError
            It is an address, in whatever notation, or a name that leads inside.
        """
        if _plain(host) in self.hosts:
            return
        address = _written(host)
        if address is not None:
            if kind := self.objection(address):
                raise ForbiddenAddressError(host, kind)
        elif INSIDE.fullmatch(host) and not self.networks:
            # Where some networks are allowed, where the name leads is for the resolver to say.
            raise ForbiddenAddressError(host, "a name of this machine or its own network")

    def resolve(
        self, host: str, port: int, look_up: Callable[[str, int], list[Target]] = targets_of
    ) -> list[Target]:
        """Look a host up, once, and return those of its addresses that may be asked.

        Parameters
        ----------
        look_up
            How; it may raise what it likes.

        Returns
        -------
        Family and socket address of each. Whoever connects, connects to these: asked again, the
        name might lead elsewhere.

        Raises
        ------
        ForbiddenAddressError
            It has none that may be asked.
        OSError, UnicodeError
            It can't be looked up.
        """
        targets = look_up(host, port)
        if _plain(host) in self.hosts:
            return targets
        kinds = [self.objection(ip_address(str(t[0]).partition("%")[0])) for _, t in targets]
        allowed = [target for target, kind in zip(targets, kinds, strict=True) if not kind]
        if not allowed:
            kind = kinds[0] if is_written(host) else f"at {kinds[0]}"
            raise ForbiddenAddressError(host, kind, [str(t[0]) for _, t in targets])
        return allowed


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def is_written(host: str) -> bool:
    """Whether a host is an address, which nobody need be asked for."""
    return _written(host) is not None


def _written(host: str) -> Address | None:
    """Read a host that is an address, also as resolvers do: 127.1, 0x7f.0.0.1, 2130706433."""
    text = host.strip("[]").partition("%")[0].rstrip(".")
    try:
        return ip_address(text)
    except ValueError:
        pass
    if not re.fullmatch(r"[0-9a-fx.]+", text, re.IGNORECASE) or not text[:1].isdigit():
        return None
    try:
        return IPv4Address(socket.inet_aton(text))
    except OSError:
        return None
