"""A mapping file under examination: both schemas beside it, and the findings with their file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..connectors.finding import Finding, Severity
from ..connectors.schema import Field, ObjectSchema
from .language import MappingFile, Rule


@dataclass(frozen=True, slots=True)
class Examined:
    """One mapping and what its names mean.

    source, target: the objects it speaks of. zone, target_zone: of wall clock times on either side. people: they are
    configured. others: every mapping file that could be read, by name, this one among them. sources: the source objects
    of all of them that are known. clocks: zones of source fields that have one of their own.
    """

    file: MappingFile
    source: ObjectSchema
    target: ObjectSchema
    zone: ZoneInfo | None
    target_zone: ZoneInfo | None
    people: bool
    others: Mapping[str, MappingFile]
    sources: Mapping[str, ObjectSchema]
    clocks: Mapping[str, ZoneInfo | None] = field(default_factory=dict)

    @property
    def rules(self) -> Mapping[str, Rule]:
        return self.file.model.fields

    def filled(self) -> Iterator[tuple[str, Rule, Field]]:
        """Every rule whose target field there is."""
        for name, rule in self.rules.items():
            field = self.target.field(name)
            if field is not None:
                yield name, rule, field

    def source_fields(self, rule: Rule) -> list[Field]:
        """The source fields of a rule that there are."""
        return [field for name in rule.from_ if (field := self.source.field(name)) is not None]

    def zone_of(self, rule: Rule) -> ZoneInfo | None:
        """The zone of the rule's wall clock times: its own, where it names one that exists, else the connection's."""
        own = next((self.clocks[name] for name in rule.from_ if name in self.clocks), self.zone)
        return known_zone(rule.zone) or own

    def found(self, code: str, severity: Severity, *path: str | int, **params: str | int) -> Finding:
        """A finding on that place of the file. The target field of a rule is the finding's field."""
        return finding_in(self.file, code, severity, *path, **params)


def known_zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def finding_in(file: MappingFile, code: str, severity: Severity, *path: str | int, **params: str | int) -> Finding:
    field = str(path[1]) if len(path) > 1 and path[0] in ("fields", "drop", "where") else None
    line = file.line(*path)
    return Finding(code, severity, params, mapping=file.name, field=field, file=file.file, line=line)


def labels(fields: Iterable[Field]) -> dict[str, str]:
    """Name -> label, for `nearest`."""
    return {field.name: field.label for field in fields}
