"""Nothing forgotten: every source object that has records moves or stays for a reason, and so does every source field
that holds data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..connectors.finding import Finding, Severity
from ..connectors.nearest import labelled
from ..mappings.yaml.strict_yaml import read_yaml
from ..runs.report.model import Row, Table, Text
from .checking.left_over import LeftOver
from .checking.reading import read_through
from .objects import MOVE, check_entries, decided, in_project
from .prepare import chosen_files
from .project import FILE, OWN_NAMES
from .session import Session, Tick

LEFT_OVER = "mapping.left_over"


@dataclass
class Coverage:
    """What of the source is spoken for. data: whether the source may be asked what it holds: the number of records of
    each object that no mapping moves, and the fields that no mapping speaks of. fates: (object, what becomes of it,
    records of those that stay, why, who). probes: of these fields, for the pass over the records that follows where
    nothing is wrong."""

    session: Session
    data: bool = True
    fates: list[tuple[str, str, int | None, str | None, str | None]] = field(default_factory=list)
    probes: list[LeftOver] = field(default_factory=list)

    def judge(self, findings: Sequence[Finding]) -> list[Finding]:
        """These findings on the mappings, and those on the objects that they do not move. Those on what they leave over
        are for `found`, once its probes have seen the source; where anything blocks, so that its records are not looked
        through, that is now."""
        meant = {(each.mapping, each.params["nearest"]) for each in findings if each.code == "mapping.no_source_field"}
        left_over = [each for each in findings if each.code == LEFT_OVER and (each.mapping, each.field) not in meant]
        kept = [each for each in findings if each.code != LEFT_OVER]
        misspelt = {str(each.params["nearest"]) for each in kept if each.code == "mapping.no_source_object"}
        blocked = any(each.severity is Severity.BLOCKS for each in kept)
        there = self.session.source_schema.objects
        # what mappings put together is there only once nothing is wrong with them
        ready = [each for each in left_over if not blocked or each.object in there]
        unready = [each for each in left_over if each not in ready]
        found = [*kept, *unready, *self._objects(misspelt)]
        if not self.data:
            return [*found, *ready]
        self.probes = self._probes(ready)
        if not self.probes or not any(each.severity is Severity.BLOCKS for each in found):
            return found
        for _ in read_through(self.session, self.probes):
            pass
        return found + self.found()

    def found(self) -> list[Finding]:
        """What is to be said of the fields that no mapping speaks of."""
        return [finding for probe in self.probes for finding in probe.found()]

    def _objects(self, misspelt: set[str]) -> list[Finding]:
        """People are spoken for where the project says who is who. misspelt: objects that a mapping may mean."""
        files, _ = chosen_files(self.session.project)
        spec, source = self.session.project.spec, self.session.source_schema
        moved = {name for file in files for name in file.source_objects}
        people = set(spec.people.source_objects) if spec.people is not None else set()
        document = read_yaml(self.session.project.folder / FILE, FILE, own_names=OWN_NAMES)
        said = decided(spec.objects, source, moved)
        findings = list(check_entries(document, spec.objects, source, moved))
        silent = [name for name in source.objects if name not in moved | people | misspelt | said.keys()]
        self._tell_cost(len(said) + len(silent))
        for name in source.objects:
            if name in moved:
                self.fates.append((name, MOVE, None, None, None))
            elif name in said:
                self.fates.append((name, said[name].fate, self._count(name), said[name].reason, said[name].who))
        for name in silent:
            records = self._count(name)
            if records:
                called = labelled(name, source.objects[name].label)
                told = in_project(document, "objects.undecided", name, name=name, called=called, count=records)
                findings.append(told)
        if silent and not self.data:
            findings.append(Finding("objects.not_counted", Severity.WARNS, {"count": len(silent)}, file=FILE))
        return findings

    def _probes(self, left_over: Sequence[Finding]) -> list[LeftOver]:
        by_object: dict[str, list[Finding]] = defaultdict(list)
        for each in left_over:
            by_object[each.object or ""].append(each)
        return [LeftOver(name, findings) for name, findings in by_object.items()]

    def _count(self, name: str) -> int | None:
        return self.session.source.count(name) if self.data else None

    def _tell_cost(self, counts: int) -> None:
        """Where the source limits its calls: how many the counting takes, before the first is made."""
        if self.data and self.session.source.capabilities.allowance.limited:
            self.session.tick(Tick("reading_calls", self.session.source_name, counts, counts))

    def tables(self) -> tuple[Table, ...]:
        """What becomes of each object that somebody has spoken of, and moves not."""
        rows: tuple[Row, ...] = tuple(
            (name, Text(f"objects.{fate}"), records, reason, who)
            for name, fate, records, reason, who in self.fates
            if fate != MOVE
        )
        columns = ("column.object", "column.fate", "column.records", "column.reason", "column.decided_by")
        return (Table(Text("table.staying"), columns, rows),) if rows else ()

    def told(self) -> dict[str, dict[str, str | int | None]]:
        """The same for the JSON document, and the objects that move besides."""
        return {
            name: {"fate": fate, "records": records, "reason": reason, "who": who}
            for name, fate, records, reason, who in self.fates
        }
