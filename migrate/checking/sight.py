"""What the users as whom we read and write cannot see, said by `check` where a system lets it be proven."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from ...connectors.finding import Finding, Severity
from ...connectors.port import Connector, TellsUnseen
from ...connectors.schema import FieldType
from ...runs.report.model import Report, Text
from ..session import Session
from ..sources.several import BETWEEN
from .answered import named_connections


def unseen(session: Session) -> list[Finding]:
    return [
        finding
        for connector, objects in _mapped(session)
        if connector.capabilities.tells_unseen and objects
        for finding in cast(TellsUnseen, connector).unseen(objects)
        if _concerns(session, finding, written=connector is session.target)
    ]


def _concerns(session: Session, finding: Finding, *, written: bool) -> bool:
    """Files are said something of only where they move."""
    schema = session.target_schema if written else session.source_schema
    field = finding.field or ""
    for name, described in schema.objects.items():
        if name in (finding.object, f"{name.partition(BETWEEN)[0]}{BETWEEN}{finding.object}"):
            found = described.field(field)
            if found is not None and found.type is FieldType.FILE:
                return field in _moved(session, name, written)
    return True


def _moved(session: Session, name: str, written: bool) -> set[str]:
    """The fields of an object that mappings write, or read."""
    if written:
        mapped = [each for each in session.mappings.values() if each.target.name == name]
        return {field.name for each in mapped for field in each.target_fields}
    return {field for each in session.mappings.values() if each.source.name == name for field in each.source_fields}


def incomplete(report: Report, hidden: Sequence[Finding], command: str) -> Report:
    """The report of a check, whose command this is: not good where something is hidden that nobody has spoken for."""
    count = sum(each.severity is Severity.HOLDS for each in hidden)
    if not count or report.exit_code == 2:
        return report
    return replace(
        report, verdict=Text("check.unseen", {"count": count}), good=False, exit_code=1, next_steps=(command,)
    )


def _mapped(session: Session) -> Iterator[tuple[Connector, list[str]]]:
    """Each connection with its objects that mappings, or who is who, read or write."""
    people = session.project.spec.people
    read = [name for each in session.mappings.values() for name in each.mapping_file.source_objects]
    read += people.source_objects if people is not None else []
    for name, connector in named_connections(session):
        if connector is session.target:
            written = [each.target.name for each in session.mappings.values()]
            written += [people.target.object] if people is not None else []
            yield connector, list(dict.fromkeys(written))
        elif isinstance(session.project.environment.source, tuple):
            own = f"{name}{BETWEEN}"
            yield connector, [each.removeprefix(own) for each in dict.fromkeys(read) if each.startswith(own)]
        else:
            yield connector, list(dict.fromkeys(read))
