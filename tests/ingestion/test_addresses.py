"""Which addresses an upstream may have: in every notation, by name, and by what a name leads to."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from django.core.checks import run_checks

from ingestion.addresses import ForbiddenAddressError, Guard

CLOSED = Guard()
INSIDE = [
    ("127.0.0.1", "a loopback address"),
    ("127.255.255.254", "a loopback address"),
    ("::1", "a loopback address"),
    ("0.0.0.0", "an unspecified address"),  # noqa: S104 - nothing listens
    ("::", "an unspecified address"),
    ("169.254.1.1", "a link-local address"),
    ("fe80::1", "a link-local address"),
    ("10.0.0.1", "a private address"),
    ("172.31.255.255", "a private address"),
    ("192.168.1.1", "a private address"),
    ("fd12:3456::1", "a private address"),
    ("64:ff9b:1::a00:1", "a private address"),
    ("100.64.0.1", "an address shared behind a carrier's NAT"),
    ("224.0.0.1", "a multicast address"),
    ("ff02::1", "a multicast address"),
    ("::ffff:127.0.0.1", "an IPv4 address written as IPv6"),
    ("::ffff:93.184.216.34", "an IPv4 address written as IPv6"),
    ("::10.0.0.1", "an IPv4 address written as IPv6"),
    ("64:ff9b::7f00:1", "a loopback address"),
    ("64:ff9b::a00:1", "a private address"),
    ("2002:7f00:1::1", "an address of a tunnel"),
    ("2001::1", "an address of a tunnel"),
    ("192.0.2.7", "an address reserved for special use"),
    ("198.18.0.1", "an address reserved for special use"),
    ("255.255.255.255", "an address reserved for special use"),
    ("2001:db8::1", "an address reserved for special use"),
    ("4000::1", "an address reserved for special use"),
    ("169.254.169.254", "a cloud's metadata address"),
    ("168.63.129.16", "a cloud's metadata address"),
    ("64:ff9b::a9fe:a9fe", "a cloud's metadata address"),
    ("fd00:ec2::254", "a cloud's metadata address"),
]


@pytest.mark.parametrize(("address", "kind"), INSIDE)
def test_what_is_inside_is_refused(address: str, kind: str) -> None:
    assert CLOSED.objection(ip_address(address)) == kind


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800::1", "64:ff9b::5db8:d822"]
)
def test_what_is_outside_is_asked(address: str) -> None:
    assert CLOSED.objection(ip_address(address)) == ""


@pytest.mark.parametrize(
    "host",
    [
        *("127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.1."),
        *("[::1]", "[::ffff:127.0.0.1]", "[fe80::1%25eth0]", "fe80::1%lo"),
        *("localhost", "LOCALHOST.", "db.internal", "printer.local"),
    ],
)
def test_every_notation_is_seen_through(host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="UPSTREAM_ALLOW"):
        CLOSED.check_at_once(host)


def test_a_name_that_looks_like_digits_is_left_to_the_resolver() -> None:
    for host in ("meters.example.com", "1.example", "0xmeters.example", "face.example"):
        CLOSED.check_at_once(host)


def test_the_operator_allows_networks_addresses_and_hosts() -> None:
    guard = Guard.of(["10.20.0.0/16", "192.168.7.9", "fd00::/8", "grid.internal", "Localhost."])
    assert guard.objection(ip_address("10.20.3.4")) == ""
    assert guard.objection(ip_address("10.21.3.4")) == "a private address"
    assert guard.objection(ip_address("192.168.7.9")) == ""
    assert guard.objection(ip_address("192.168.7.8")) == "a private address"
    assert guard.objection(ip_address("fd12::1")) == ""
    guard.check_at_once("GRID.internal.")
    assert guard.resolve("localhost", 80)


def test_a_wide_network_does_not_open_the_way_to_a_clouds_secrets() -> None:
    assert Guard.of(["169.254.0.0/16"]).objection(ip_address("169.254.169.254"))
    assert Guard.of(["0.0.0.0/0"]).objection(ip_address("169.254.169.254"))
    assert Guard.of(["169.254.169.254"]).objection(ip_address("169.254.169.254")) == ""


def leading_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [
        (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 443))
        for a in addresses
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)


def test_a_name_is_judged_by_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    leading_to(monkeypatch, "10.0.0.7", "fe80::1%eth0")
    with pytest.raises(ForbiddenAddressError) as refused:
        CLOSED.resolve("meters.example.com", 443)
    assert str(refused.value) == (
        "meters.example.com is at a private address, which is not asked from here. The operator "
        "of this installation can allow it (UPSTREAM_ALLOW)."
    )
    # Where the name leads is for the log alone: it would draw a map of the network.
    assert refused.value.addresses == ("10.0.0.7", "fe80::1%eth0")


def test_of_several_addresses_those_outside_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    leading_to(monkeypatch, "10.0.0.7", "93.184.216.34", "::ffff:10.0.0.7")
    assert CLOSED.resolve("meters.example.com", 443) == [(socket.AF_INET, ("93.184.216.34", 443))]


def warnings(settings: Any, *allowed: str) -> list[str | None]:
    settings.UPSTREAM_ALLOW = list(allowed)
    found = run_checks(include_deployment_checks=True)
    return [one.id for one in found if one.id and one.id.startswith("ingestion.W")]


def test_an_open_guard_is_warned_of(settings: Any) -> None:
    assert warnings(settings) == []
    assert warnings(settings, "10.20.0.0/16", "grid.internal") == []
    assert warnings(settings, "127.0.0.0/8") == ["ingestion.W001"]
    assert warnings(settings, "0.0.0.0/0") == ["ingestion.W001"]
    assert warnings(settings, "169.254.169.254") == ["ingestion.W002"]
