"""Judge a mapped chunk: by what the target's schema implies and by what the mapping declares."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from ..connectors.cell import text_of
from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from ..connectors.schema import Field
from ..mappings.language import Expectation
from ..mappings.mapped import MappedChunk, Misfit
from .declared import prepare
from .limits import Column
from .rule import Cells, Failure, Rule, Stage, rules
from .seen import SeenValues


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a finding's cause is written: the field's rule, or the line of `expect`."""

    field: Field
    severity: Severity
    file: str | None
    line: int | None


class Judge:
    """The judgement of one mapping branch. It keeps no record and no value; what is unique lies in `seen`.

    target_fields: the target fields that the mapping fills. A required field that no rule fills is the mapping's fault
    and reported when it is checked, not here once a record. mapping: its name. file, rule_lines: the mapping's file,
    and by target field the file and line of its rule. expectations: what `expect` declares. seen: the index of unique
    values; without it `unique` is not judged. unwritten: target fields that are never written: the target's schema says
    nothing of them, and a cell that does not fit is only a warning.

    Raises InputError `expectation.refused` with every problem where an expectation cannot be used.
    """

    def __init__(
        self,
        target_fields: Sequence[Field],
        mapping: str,
        file: str | None,
        rule_lines: Mapping[str, tuple[str, int]],
        expectations: Sequence[Expectation] = (),
        seen: SeenValues | None = None,
        unwritten: Collection[str] = (),
    ) -> None:
        self._fields = {field.name: field for field in target_fields}
        self._mapping = mapping
        self._file = file
        self._lines = rule_lines
        self._seen = seen
        self._unwritten = frozenset(unwritten)
        self._prepared = prepare(expectations, target_fields, mapping, try_out=False)
        if problems := self._prepared.problems:
            raise InputError("expectation.refused", problems, mapping=mapping, count=len(problems))

    def judge(self, chunk: MappedChunk) -> list[Finding]:
        """Every problem of every record of the chunk, in the order of its rows: BLOCKS, or WARNS where an expectation
        says so. A cell that would not fit is reported as that and not again as missing.

        Claims the unique values of the records without a blocking problem. Raises InputError `expectation.broken` where
        a declared check broke instead of judging."""
        found = _Found(chunk, self._mapping, self._columns(chunk))
        found.refused()
        misfits = self._misfits(chunk)
        for field, rule in self._implied(Stage.CELLS, found.columns):
            cells = Cells(found.columns[field.name], field, misfits.get(field.name, ()))
            found.add(rule.failing(cells), self._place(field))
        for name in self._unwritten & misfits.keys():
            told = {"type": str(self._fields[name].type)}
            failing = [Failure(each.row, each.code, told, each.sample) for each in misfits[name]]
            found.add(failing, self._place(self._fields[name], Severity.WARNS))
        self._declared(found)
        self._great(found, misfits)
        self._claims(found)
        return found.in_order()

    def missing_parents(self, chunk: MappedChunk, field: str, orphans: pa.BooleanArray) -> list[Finding]:
        """HOLDS findings `reference.missing` for a reference field, with our key of the parent.

        orphans: a row each, true where the parent is not in the target and no record still to come will make it."""
        found = _Found(chunk, self._mapping, self._columns(chunk))
        target = self._fields[field]
        for rule in rules(Stage.ANSWERS):
            if rule.applies(target):
                failing = rule.failing(Cells(found.columns[field], target, orphans=orphans))
                found.add(failing, self._place(target, Severity.HOLDS))
        return found.in_order()

    def _columns(self, chunk: MappedChunk) -> dict[str, Column]:
        return {name: _array(chunk.frame[name]) for name in self._fields if name in chunk.frame}

    def _misfits(self, chunk: MappedChunk) -> dict[str, list[Misfit]]:
        misfits: dict[str, list[Misfit]] = {}
        for misfit in chunk.misfits:
            misfits.setdefault(misfit.field, []).append(misfit)
        if strange := misfits.keys() - self._fields.keys():
            raise ValueError(f"{self._mapping}: misfits of fields that the mapping does not fill: {sorted(strange)}")
        return misfits

    def _implied(self, stage: Stage, columns: Mapping[str, Column]) -> Iterable[tuple[Field, Rule]]:
        for field in self._fields.values():
            if field.name in columns and field.name not in self._unwritten:
                yield from ((field, rule) for rule in rules(stage) if rule.applies(field))

    def _declared(self, found: _Found) -> None:
        for check in self._prepared.checks:
            cells = Cells(found.columns[check.field.name], check.field, arguments=check.arguments)
            place = _Place(check.field, check.severity, check.declared.file, check.declared.line)
            found.add(check.rule.failing(cells), place)

    def _great(self, found: _Found, misfits: Mapping[str, Sequence[Misfit]]) -> None:
        ready = self._prepared.great
        if not ready or not len(found.chunk):
            return
        from .expectations import unexpected_rows

        for each, rows in zip(ready, unexpected_rows(ready, found.columns, self._mapping), strict=True):
            names = ", ".join(field.name for field in each.fields)
            missed = {misfit.row for field in each.fields for misfit in misfits.get(field.name, ())}
            place = _Place(each.fields[0], each.severity, each.declared.file, each.declared.line)
            params = {"expectation": each.declared.name, "field": names}
            found.add([Failure(row, "expectation.failed", params) for row in rows if row not in missed], place)

    def _claims(self, found: _Found) -> None:
        if self._seen is None:
            return
        object_name = found.chunk.target_object
        claimed = list(self._implied(Stage.CLAIMS, found.columns))
        for field, rule in claimed:
            blocked = found.blocked()
            cells = Cells(
                found.columns[field.name],
                field,
                object=object_name,
                our_keys=found.chunk.our_keys,
                blocked=blocked,
                seen=self._seen,
            )
            found.add(rule.failing(cells), self._place(field))
        # A record that a later unique field rejects must give back what it claimed for an earlier one.
        if len(claimed) > 1 and (rejected := sorted(found.blocked())):
            our_keys = [found.chunk.our_keys[row] for row in rejected]
            for field, _ in claimed:
                self._seen.release(object_name, field.name, our_keys)

    def _place(self, field: Field, severity: Severity = Severity.BLOCKS) -> _Place:
        file, line = self._lines.get(field.name, (self._file, None))
        return _Place(field, severity, file, line)


class _Found:
    """The findings of one chunk, gathered by row."""

    def __init__(self, chunk: MappedChunk, mapping: str, columns: Mapping[str, Column]) -> None:
        self.chunk = chunk
        self.columns = columns
        self._mapping = mapping
        self._findings: list[tuple[int, Finding]] = []

    def add(self, failing: Sequence[Failure], place: _Place) -> None:
        if not failing:
            return
        name = place.field.name
        samples = text_of(self.columns[name].take(pa.array([each.row for each in failing]))).to_pylist()
        for each, sample in zip(failing, samples, strict=True):
            finding = Finding(
                code=each.code,
                severity=place.severity,
                params={"field": name, **each.params},
                object=self.chunk.source_object,
                key=self.chunk.source_keys[each.row],
                field=name,
                mapping=self._mapping,
                file=place.file,
                line=place.line,
                sample=each.sample if each.sample is not None else sample,
            )
            self._findings.append((each.row, finding))

    def refused(self) -> None:
        """Records that may not move whatever their cells."""
        self._findings += self.chunk.refused.items()

    def blocked(self) -> frozenset[int]:
        return frozenset(row for row, finding in self._findings if finding.severity is Severity.BLOCKS)

    def in_order(self) -> list[Finding]:
        return [finding for _, finding in sorted(self._findings, key=lambda each: each[0])]


def _array(series: pd.Series) -> Column:
    column = pa.array(series.array)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
