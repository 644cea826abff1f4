"""Every address that a URLconf answers, found by looking and not by a list."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

TENANT, PUBLIC = "config.urls_tenant", "config.urls_public"
GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")

# What a parameter may be: given the address, all values to try. `None` where none is known.
Fill = Callable[["Address", str], list[Any] | None]


@dataclass(frozen=True)
class Address:
    """One URL pattern with everything that leads to it.

    Attributes
    ----------
    name
        With its namespaces; the route where it has none.
    route
        As written in the URLconfs.
    parameters
        Names of its parameters.
    """

    name: str
    route: str
    parameters: tuple[str, ...]
    patterns: tuple[Any, ...]

    def path(self, arguments: dict[str, Any]) -> str:
        return "/" + "".join(_fill(pattern, arguments) for pattern in self.patterns)


def addresses(urlconf: str) -> list[Address]:
    return list(_walk(get_resolver(urlconf).url_patterns, (), ()))


def _walk(found: list[Any], patterns: tuple[Any, ...], spaces: tuple[str, ...]) -> Iterator[Any]:
    for one in found:
        deeper = (*patterns, one.pattern)
        if isinstance(one, URLResolver):
            space = (one.namespace,) if one.namespace else ()
            yield from _walk(one.url_patterns, deeper, (*spaces, *space))
            continue
        assert isinstance(one, URLPattern)
        route = "".join(str(pattern) for pattern in deeper)
        names = [name for pattern in deeper for name in _parameters(pattern)]
        yield Address(
            ":".join((*spaces, one.name)) if one.name else route, route, tuple(names), deeper
        )


def _parameters(pattern: Any) -> list[str]:
    if isinstance(pattern, RoutePattern):
        return list(pattern.converters)
    return [match[1] for match in GROUP.finditer(str(pattern))]


def _fill(pattern: Any, arguments: dict[str, Any]) -> str:
    text = str(pattern)
    if isinstance(pattern, RoutePattern):
        for name, converter in pattern.converters.items():
            written = str(converter.to_url(arguments[name]))
            text = re.sub(rf"<(?:[^<>:]+:)?{name}>", lambda _: written, text)  # noqa: B023
        return text
    text = GROUP.sub(lambda match: str(arguments[match[1]]), text)
    return re.sub(r"[\^$\\]|/\?", "", text)


def paths(urlconf: str, fill: Fill) -> list[tuple[Address, str]]:
    """Return each address with every combination of its arguments, as paths to ask for.

    A parameter that `fill` knows nothing of fails the test: an address that nobody has thought of
    may not be left out silently.
    """
    found = []
    for address in addresses(urlconf):
        columns = []
        for name in address.parameters:
            values = fill(address, name)
            if not values:
                pytest.fail(
                    f"No argument is known for <{name}> of {address.route} ({address.name}). "
                    "Add one in tests/tenants/marks.py, so that this address is tried as well."
                )
            columns.append(values)
        found += [
            (address, address.path(dict(zip(address.parameters, row, strict=True))))
            for row in product(*columns)
        ]
    return found
