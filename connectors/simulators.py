"""Simulators by name: local servers that imitate a system. Like connectors they are found by entry point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, cast

from .clock import Clock
from .errors import InputError

GROUP = "changeover.simulators"


@dataclass(frozen=True, slots=True)
class Setting:
    """choices: what may be given; none where anything may. about: by language, `en` at least. known: whether the
    default is told by the vendor or is the tenant's own affair; else it is a guess."""

    name: str
    default: str
    choices: tuple[str, ...]
    about: Mapping[str, str]
    known: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """port: 0 takes any free one. data: the folder with what the tenant has and where rows are kept; None keeps
    nothing. faults: a file."""

    port: int = 0
    data: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    faults: Path | None = None


class Running(Protocol):
    """A simulator that answers."""

    @property
    def url(self) -> str: ...

    @property
    def credentials(self) -> Mapping[str, str]:
        """What lets a client in; made up."""

    def close(self) -> None: ...


class Simulated(Protocol):
    """What the entry point leads to."""

    def settings(self) -> tuple[Setting, ...]: ...

    def start(self, wanted: Wanted, clock: Clock) -> Running:
        """Raises InputError where the order, the data or the faults are wrong, or the port is taken."""


def available() -> dict[str, EntryPoint]:
    """Every simulator that is installed, by name."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def simulator(name: str) -> Simulated:
    """Raises InputError `simulator.unknown`."""
    points = available()
    if name not in points:
        raise InputError("simulator.unknown", name=name, known=", ".join(points))
    return cast(Simulated, points[name].load())
