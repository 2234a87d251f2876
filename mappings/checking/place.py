"""A mapping file under examination: both schemas beside it, and the findings with their file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...connectors.finding import Finding, Severity
from ...connectors.schema import Field, ObjectSchema
from ..classes import DataClass
from ..language import MappingFile, Rule
from ..linking.language import NONE, Links
from ..transform import Transform, available
from ..yaml.document import YamlPath


@dataclass(frozen=True, slots=True)
class Examined:
    """One mapping and what its names mean.

    source, target: the objects it speaks of. zone, target_zone: of wall clock times on either side. people,
    departments: they are configured. others: every mapping file that could be read, by name, this one among them.
    sources: the source objects of all of them that are known. inside: of a case of a rule under examination, its place
    below that rule. clocks: zones of source fields that have one of their own. own: the project's own transforms.
    classes: its data classes; None where nobody asks for them. links: addresses of records.
    """

    file: MappingFile
    source: ObjectSchema
    target: ObjectSchema
    zone: ZoneInfo | None
    target_zone: ZoneInfo | None
    people: bool
    others: Mapping[str, MappingFile]
    sources: Mapping[str, ObjectSchema]
    inside: YamlPath = ()
    clocks: Mapping[str, ZoneInfo | None] = field(default_factory=dict)
    own: Mapping[str, Transform] = field(default_factory=dict)
    links: Links = NONE
    departments: bool = False
    classes: Mapping[str, DataClass] | None = None

    @property
    def transforms(self) -> Mapping[str, Transform]:
        """Every transform that a rule may name."""
        return {**available(), **self.own}

    @property
    def rules(self) -> Mapping[str, Rule]:
        return self.file.model.fields

    def filled(self) -> Iterator[tuple[str, Rule, Field]]:
        """Every rule whose target field there is."""
        for name, rule in self.rules.items():
            field = self.target.field(name)
            if field is not None:
                yield name, rule, field

    def ways(self, rule: Rule) -> Iterator[tuple[Examined, Rule]]:
        """The rule, or those among its cases that fill the field by themselves, each examined where it stands."""
        for place, way in rule.ways():
            yield self.within(place), way

    def within(self, place: YamlPath) -> Examined:
        """The same, with what is told of a rule told of its case at that place."""
        return replace(self, inside=(*self.inside, *place)) if place else self

    def source_fields(self, rule: Rule) -> list[Field]:
        """The source fields of a rule that there are."""
        return [field for name in rule.from_ if (field := self.source.field(name)) is not None]

    def zone_of(self, rule: Rule) -> ZoneInfo | None:
        """The zone of the rule's wall clock times: its own, where it names one that exists, else the connection's."""
        own = next((self.clocks[name] for name in rule.from_ if name in self.clocks), self.zone)
        return known_zone(rule.zone) or own

    def found(self, code: str, severity: Severity, *path: str | int, **params: str | int) -> Finding:
        """A finding on that place of the file. The target field of a rule is the finding's field."""
        return finding_in(self.file, code, severity, *self._placed(path), **params)

    def line(self, *path: str | int) -> int:
        return self.file.line(*self._placed(path))

    def _placed(self, path: YamlPath) -> YamlPath:
        return (*path[:2], *self.inside, *path[2:]) if path[:1] == ("fields",) else path


def known_zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def finding_in(file: MappingFile, code: str, severity: Severity, *path: str | int, **params: str | int) -> Finding:
    field = str(path[1]) if len(path) > 1 and path[0] in ("fields", "drop", "where") else None
    table = file.table(path[:-1])
    if table is not None and path[-1] in table.lines:  # of a value that lies in a file of its own
        shown, line = table.file, table.lines[str(path[-1])]
    else:
        shown, line = file.file, file.line(*path)
    return Finding(code, severity, params, mapping=file.name, field=field, file=shown, line=line)


def labels(fields: Iterable[Field]) -> dict[str, str]:
    """Name -> label, for `nearest`."""
    return {field.name: field.label for field in fields}
