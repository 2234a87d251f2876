"""Nothing forgotten: every source object that has records moves or stays for a reason, and so does every source field
that holds data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.finding import Finding, Severity
from ..connectors.forwarding import layer_of
from ..connectors.nearest import labelled
from ..connectors.pace import Action
from ..connectors.stored import plain_text
from ..mappings.yaml.strict_yaml import read_yaml
from ..runs.report.model import Row, Table, Text
from .fingerprint import arrow_column
from .objects import MOVE, check_entries, decided, in_project
from .pace.predict import calls_of
from .prepare import chosen_files
from .project import FILE, OWN_NAMES
from .session import Session, Tick
from .sources.assembled import AssembledSource

LEFT_OVER = "mapping.left_over"


@dataclass
class Coverage:
    """What of the source is spoken for. data: whether the source may be asked what it holds: the number of records of
    each object that no mapping moves, and one pass over the fields that no mapping speaks of. fates: (object, what
    becomes of it, records of those that stay, why, who)."""

    session: Session
    data: bool = True
    fates: list[tuple[str, str, int | None, str | None, str | None]] = field(default_factory=list)

    def judge(self, findings: Sequence[Finding]) -> list[Finding]:
        """These findings on the mappings, those on what they leave over judged by what the source holds; and those on
        the objects that they do not move."""
        meant = {(each.mapping, each.params["nearest"]) for each in findings if each.code == "mapping.no_source_field"}
        left_over = [each for each in findings if each.code == LEFT_OVER and (each.mapping, each.field) not in meant]
        kept = [each for each in findings if each.code != LEFT_OVER]
        misspelt = {str(each.params["nearest"]) for each in kept if each.code == "mapping.no_source_object"}
        blocked = any(each.severity is Severity.BLOCKS for each in kept)
        there = self.session.source_schema.objects
        # what mappings put together is there only once nothing is wrong with them
        ready = [each for each in left_over if not blocked or each.object in there]
        unready = [each for each in left_over if each not in ready]
        return [*kept, *unready, *self._objects(misspelt), *self._fields(ready)]

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
        self.tell_cost([*said, *silent], [])
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

    def _fields(self, left_over: Sequence[Finding]) -> list[Finding]:
        """Of each field that no mapping speaks of: BLOCKS where it holds data, INFO where it is empty."""
        if not self.data:
            return list(left_over)
        by_object: dict[str, list[Finding]] = defaultdict(list)
        together = layer_of(self.session.source, AssembledSource)
        known = self.session.source_schema.objects.keys() | (together.assemblies.keys() if together else set())
        for each in left_over:
            by_object[each.object or ""].append(each)
        unread = [each for name in by_object.keys() - known for each in by_object.pop(name)]
        self.tell_cost([], list(by_object))
        findings = unread  # nothing can be put together yet
        for name, named in by_object.items():
            filled, read = self._filled(name, [each.field or "" for each in named])
            for each in named:
                count = filled[each.field or ""]
                told = {**each.params, "filled": count, "records": read}
                if count:
                    findings.append(replace(each, code="mapping.data_left_over", severity=Severity.BLOCKS, params=told))
                else:
                    findings.append(replace(each, code="mapping.empty_left_over", severity=Severity.INFO))
        return findings

    def _filled(self, name: str, fields: Sequence[str]) -> tuple[dict[str, int], int]:
        """Field -> records in which it is neither null nor empty; and the number of all. One pass."""
        filled, read = dict.fromkeys(fields, 0), 0
        size = self.session.project.spec.limits.chunk
        for chunk in self.session.source.read(name, list(fields), size=size):
            self.session.interruption.check()
            read += len(chunk)
            self.session.tick(Tick("coverage", name, read))
            for each in fields:
                filled[each] += _there(arrow_column(chunk.frame, each))
        return filled, read

    def _count(self, name: str) -> int | None:
        return self.session.source.count(name) if self.data else None

    def tell_cost(self, counted: Sequence[str], passed: Sequence[str]) -> None:
        """Where the source limits its calls: how many it takes at most, before the first is made."""
        allowance = self.session.source.capabilities.allowance
        if not self.data or not allowance.limited:
            return
        records = sum(self.session.source.count(name) for name in passed)
        most = len(counted) + len(passed) + sum(calls_of({Action.READ: records}, allowance).values())
        self.session.tick(Tick("reading_calls", self.session.source_name, most, most))

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


def _there(column: pa.Array) -> int:
    text = plain_text(column)
    return int(pc.sum(pc.and_(text.is_valid(), pc.fill_null(pc.not_equal(text, ""), False))).as_py() or 0)
