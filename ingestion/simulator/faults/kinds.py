"""The registry of faults: each kind's name, its parameters, and where it takes hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self, TypeVar

Value = int | float | str
Function = TypeVar("Function", bound=Callable[..., Any])


class FaultError(ValueError):
    """A fault, a plan or its text that can't be understood; the words say how to write it."""


class Stage(StrEnum):
    """Where on an answer's way a fault takes hold, in this order."""

    QUERY = "the question"
    ROWS = "the rows"
    ANSWER = "the answer"
    DELIVERY = "the connection"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kind: its type is its default's.

    Attributes
    ----------
    default : int, float or str
        Taken where the fault names no other.
    least, most : float
        Bounds of a number.
    """

    default: Value
    least: float = 0
    most: float = math.inf

    def read(self, name: str, given: object) -> Value:
        """Turn what was given into the parameter's type.

        Raises
        ------
        FaultError
            It is none, or out of bounds.
        """
        if isinstance(self.default, str):
            return str(given)
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        try:
            number = type(self.default)(str(given))
        except ValueError:
            raise FaultError(f"{name} must be {kind}, not {given!r}.") from None
        if not self.least <= number <= self.most:
            bounds = f"from {self.least:g}"
            bounds += f" to {self.most:g}" if math.isfinite(self.most) else " up"
            raise FaultError(f"{name} must be {kind} {bounds}, not {given}.")
        return number


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes
    ----------
    name : str
        As it is written in a plan.
    stage : Stage
        Where it takes hold.
    act : callable
        What does it; its signature is that of its stage.
    parameters : mapping of str to Parameter
        The first one may be given as the value of the name: `status=503`.
    words : str
        What the upstream does wrong, in a sentence.
    """

    name: str
    stage: Stage
    act: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    words: str


_kinds: dict[str, Kind] = {}
KINDS: Mapping[str, Kind] = MappingProxyType(_kinds)


def kind(
    name: str, stage: Stage, parameters: Mapping[str, Parameter] | None = None
) -> Callable[[Function], Function]:
    """Enter a function into the registry; its docstring is what the fault is about."""

    def enter(act: Function) -> Function:
        words = (act.__doc__ or "").strip()
        assert name not in _kinds, f"two faults are named {name}"
        assert words, f"{name} has no words"
        _kinds[name] = Kind(name, stage, act, parameters or {}, words)
        return act

    return enter


@dataclass(frozen=True)
class Fault:
    """One way to misbehave; make it with `Fault.of`.

    Attributes
    ----------
    name : str
        Of its kind.
    given : tuple of (str, int, float or str)
        All of its parameters.
    """

    name: str
    given: tuple[tuple[str, Value], ...] = ()

    @classmethod
    def of(cls, name: str, /, *value: object, **given: object) -> Self:
        """Make a fault; what is not given has its kind's default.

        Parameters
        ----------
        name : str
            Of its kind.
        *value : object
            At most one: the kind's first parameter.
        **given : object
            The others, with underscores or hyphens.

        Raises
        ------
        FaultError
            There is no such kind, or it has no such parameter.
        """
        found = KINDS.get(name)
        if found is None:
            raise FaultError(f"There is no fault {name!r}. Known are {', '.join(sorted(KINDS))}.")
        known = list(found.parameters)
        named = {key.replace("_", "-"): one for key, one in given.items()}
        if value:
            if len(value) > 1 or not known or known[0] in named:
                raise FaultError(f"{name} takes no such value.")
            named[known[0]] = value[0]
        for key in named:
            if key not in known:
                has = f"Its parameters are {', '.join(known)}." if known else "It has none."
                raise FaultError(f"{name} has no parameter {key!r}. {has}")
        settings = {key: one.default for key, one in found.parameters.items()}
        settings |= {key: found.parameters[key].read(key, one) for key, one in named.items()}
        return cls(name, tuple(settings.items()))

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    def __getitem__(self, parameter: str) -> Any:
        return dict(self.given)[parameter]

    def __str__(self) -> str:
        # As it may be written again: an empty text can be left out.
        given = [f"{key}={value}" for key, value in self.given if value != ""]
        return " ".join([self.name, *given])
