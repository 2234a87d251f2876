"""`wins: newest`: that both systems say when a record was last changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...connectors.finding import Finding, Severity
from ...connectors.port import Connector
from ...connectors.schema import FieldType, ObjectSchema
from ...mappings.compile import CompiledMapping
from ...mappings.wins import Wins
from ..project import FILE
from ..session import Session

_BY_THE_CLOCK = (FieldType.LOCAL_TIME, FieldType.TEXT)


def check_newest(session: Session, mappings: Iterable[CompiledMapping]) -> Iterator[Finding]:
    """Of every field of which its rule says that the newest side wins it, on which system nobody can tell that side;
    where the project alone says so, once a mapping."""
    for mapping in mappings:
        named = [name for name, wins in mapping.wins.items() if wins is Wins.NEWEST]
        if not named:
            continue
        zone = session.project.environment.zone_of(mapping.source.name)
        sides = (
            ("source", session.source, mapping.source, zone is not None),
            ("target", session.target, mapping.target, session.target_zone is not None),
        )
        for role, system, described, zoned in sides:
            if not _tells(system, described, zoned):
                yield from _findings(mapping, named, role, described.name)


def _tells(system: Connector, described: ObjectSchema, zoned: bool) -> bool:
    field = described.field(system.audit_fields(described.name).modified_at or "")
    return field is not None and (field.type is FieldType.INSTANT or (zoned and field.type in _BY_THE_CLOCK))


def _findings(mapping: CompiledMapping, named: Iterable[str], role: str, object_name: str) -> Iterator[Finding]:
    told = {"side": f"@org.{role}", "object": object_name}
    own = [name for name in named if mapping.mapping_file.model.fields[name].wins is not None]
    for name in own:
        file, line = mapping.rule_lines[name]
        place = {"mapping": mapping.name, "field": name, "file": file, "line": line}
        yield Finding("mapping.wins_no_time", Severity.BLOCKS, {**told, "name": name}, **place)  # type: ignore[arg-type]
    if not own:
        yield Finding("mapping.wins_no_time", Severity.BLOCKS, {**told, "name": "*"}, mapping=mapping.name, file=FILE)
