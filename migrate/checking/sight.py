"""What the users as whom we read and write cannot see, said by `check` where a system lets it be proven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from ...connectors.finding import Finding
from ...connectors.port import Connector, TellsUnseen
from ..answers import connections_of
from ..session import Session
from ..sources.several import BETWEEN


def unseen(session: Session) -> list[Finding]:
    return [
        finding
        for connector, objects in _mapped(session)
        if connector.capabilities.tells_unseen and objects
        for finding in cast(TellsUnseen, connector).unseen(objects)
    ]


def _mapped(session: Session) -> Iterator[tuple[Connector, list[str]]]:
    """Each connection with its objects that mappings, or who is who, read or write."""
    people = session.project.spec.people
    read = [name for each in session.mappings.values() for name in each.mapping_file.source_objects]
    read += people.source_objects if people is not None else []
    for name, connector in connections_of(session):
        if connector is session.target:
            written = [each.target.name for each in session.mappings.values()]
            written += [people.target.object] if people is not None else []
            yield connector, list(dict.fromkeys(written))
        elif isinstance(session.project.environment.source, tuple):
            own = f"{name}{BETWEEN}"
            yield connector, [each.removeprefix(own) for each in dict.fromkeys(read) if each.startswith(own)]
        else:
            yield connector, list(dict.fromkeys(read))
