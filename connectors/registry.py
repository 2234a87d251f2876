"""Connectors by name: shipped ones and third parties' alike are found by entry point."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from .clock import Clock
from .errors import InputError
from .pace import Pace
from .port import Connect, Connector, Settings
from .secrets import Secrets

GROUP = "changeover.connectors"


def available() -> dict[str, EntryPoint]:
    """Every connector that is installed, by name."""
    return dict(_found(tuple(sys.path)))


@cache
def _found(_path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Looked for once: that reads a file of every distribution there is."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def connect(settings: Settings, secrets: Secrets, pace: Pace, clock: Clock) -> Connector:
    """Open the connection; from then on its pace obeys what the connector says of its system. Raises InputError
    `connector.unknown` where no such connector is installed."""
    points = available()
    point = points.get(settings.connector)
    if point is None:
        raise InputError("connector.unknown", name=settings.connector, known=", ".join(points))
    connector = cast(Connect, point.load())(settings, secrets, pace, clock)
    pace.obey(connector.capabilities.allowance)
    return connector
