"""An assembly that was found to be right, ready to put records together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.cell import canonical_text, cast
from ...connectors.chunk import split_key
from ...connectors.finding import Finding, Severity
from ...connectors.schema import Field, ObjectSchema, Schema
from ...connectors.stored import plain_text
from ..condition import compile_conditions
from ..language import Assemble, AssembledField, Contributor, MappingFile
from ..transform import available
from .chunk import AssembledChunk
from .contributor import KEY, OWN, CompiledContributor
from .derived import key_fields, source_field

_WARNS, _HOLDS = Severity.WARNS, Severity.HOLDS
_NOTHING = pa.table({KEY: pa.array([], pa.string()), OWN: pa.array([], pa.string())})


@dataclass(frozen=True)
class CompiledAssembly:
    """object: what it makes, as a source object. source: the schema that its contributors are of."""

    file: MappingFile
    object: ObjectSchema
    contributors: Mapping[str, CompiledContributor]

    @property
    def spec(self) -> Assemble:
        if self.file.model.assemble is None:
            raise TypeError(f"{self.file.name} puts nothing together")
        return self.file.model.assemble

    def needs(self, fields: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Contributor -> its own fields that these fields of the assembled object are made of."""
        needed: dict[str, dict[str, None]] = {name: {} for name in self.contributors}
        for name in fields:
            for contributor, own in self.made_of(name):
                needed[contributor][own] = None
        return {name: tuple(each) for name, each in needed.items()}

    def made_of(self, name: str) -> list[tuple[str, str]]:
        """(contributor, its field) of a field of the assembled object, the preferred first; none for a part of the key
        and for what only tells whether a contributor is there."""
        merged = self.spec.fields.get(name)
        if merged is not None:
            return [(each, source_field(merged, name, each)) for each in merged.prefer]
        contributor, dot, own = name.partition(".")
        return [(contributor, own)] if dot and contributor in self.contributors else []

    def assemble(self, gathered: Mapping[str, Sequence[pa.Table]], fields: Sequence[str]) -> AssembledChunk:
        """Put together everything that was gathered, one record a key, in the order of the keys. gathered: by
        contributor; all records of a key must be among them."""
        return _Assembling(self, gathered, fields).chunk()


@dataclass(eq=False)
class _Assembling:
    """One go at it."""

    assembly: CompiledAssembly
    gathered: Mapping[str, Sequence[pa.Table]]
    fields: Sequence[str]
    findings: list[Finding] = field(default_factory=list)

    def chunk(self) -> AssembledChunk:
        for name, keys in self.several.items():
            self._tell_several(name, keys)
        columns = {name: self._column(name) for name in self.fields}
        frame = pd.DataFrame(
            {name: pd.Series(pd.arrays.ArrowExtensionArray(column), copy=False) for name, column in columns.items()},
            index=pd.RangeIndex(len(self.keys)),
            copy=False,
        )
        made_of = {
            name: table.column(OWN).combine_chunks().take(self.places[name]).to_pylist()
            for name, table in self.tables.items()
        }
        return AssembledChunk(
            self.assembly.object.name, frame, self.keys, findings=tuple(self._told()), made_of=made_of
        )

    @cached_property
    def _one_each(self) -> dict[str, tuple[pa.Table, list[str]]]:
        return {
            name: each.one_each(tables) if (tables := self.gathered.get(name)) else (_NOTHING, [])
            for name, each in self.assembly.contributors.items()
        }

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        return {name: table for name, (table, _) in self._one_each.items()}

    @cached_property
    def several(self) -> dict[str, list[str]]:
        return {name: keys for name, (_, keys) in self._one_each.items() if keys}

    @cached_property
    def keys(self) -> list[str]:
        return sorted({key for table in self.tables.values() for key in table.column(KEY).to_pylist()})

    @cached_property
    def places(self) -> dict[str, pa.Array]:
        """Of each key the row in each contributor's table; null where it has none."""
        keys = pa.array(self.keys, pa.string())
        return {
            name: pc.index_in(keys, value_set=table.column(KEY).combine_chunks()) for name, table in self.tables.items()
        }

    @cached_property
    def _without(self) -> dict[str, str]:
        """Key -> the first required contributor that has no record."""
        lacking: dict[str, str] = {}
        for name in reversed(self.assembly.spec.required):
            missing = self.places[name].is_null().to_numpy(zero_copy_only=False)
            lacking |= {self.keys[row]: name for row in np.flatnonzero(missing)}
        return lacking

    def _column(self, name: str) -> pa.Array:
        if name in self.assembly.spec.key:
            part, count = self.assembly.spec.key.index(name), len(self.assembly.spec.key)
            return pa.array([split_key(key, count)[part] for key in self.keys], pa.string())
        if name in self.assembly.contributors:
            return self.places[name].is_valid()
        merged = self.assembly.spec.fields.get(name)
        given = [(each, self._of(each, own)) for each, own in self.assembly.made_of(name)]
        return given[0][1] if merged is None else self._merged(name, merged, given)

    def _of(self, contributor: str, own: str) -> pa.Array:
        table = self.tables[contributor]
        if own not in table.column_names:  # it gave no record at all
            return pa.nulls(len(self.keys))
        return table.column(own).combine_chunks().take(self.places[contributor])

    def _merged(self, name: str, spec: AssembledField, given: Sequence[tuple[str, pa.Array]]) -> pa.Array:
        """The first value that there is, by preference."""
        columns = _of_one_kind([column for _, column in given])
        there = [_there(column) for column in columns]
        result = pc.if_else(there[0], columns[0], pa.scalar(None, columns[0].type))
        for column, present in zip(columns[1:], there[1:], strict=True):
            result = pc.if_else(result.is_valid(), result, pc.if_else(present, column, pa.scalar(None, column.type)))
        if spec.differ != "ignore":
            self._tell_differing(name, spec, [each for each, _ in given], columns, there)
        return result

    def _tell_differing(
        self,
        name: str,
        spec: AssembledField,
        names: Sequence[str],
        columns: Sequence[pa.Array],
        there: Sequence[pa.Array],
    ) -> None:
        described = self.assembly.object.field(name)
        texts = [_comparable(column, described) for column in columns]
        severity, line = _HOLDS if spec.differ == "holds" else _WARNS, self._line("fields", name)
        for second in range(1, len(names)):
            told = np.zeros(len(self.keys), dtype=bool)
            for first in range(second):
                both = pc.and_(there[first], there[second])
                apart = pc.fill_null(pc.and_(both, pc.not_equal(texts[first], texts[second])), False)
                rows = np.flatnonzero(apart.to_numpy(zero_copy_only=False) & ~told)
                told[rows] = True
                params = {"name": name, "first": names[first], "second": names[second]}
                taken = pa.array(rows, pa.int64())
                samples = zip(
                    plain_text(columns[first].take(taken)).to_pylist(),
                    plain_text(columns[second].take(taken)).to_pylist(),
                    strict=True,
                )
                self.findings += [
                    self._finding("assembly.differ", severity, params, self.keys[row], line, name, f"{one} | {other}")
                    for row, (one, other) in zip(rows.tolist(), samples, strict=True)
                ]

    def _tell_several(self, name: str, keys: Sequence[str]) -> None:
        waits = self.assembly.contributors[name].order is None
        severity, code = (_HOLDS, "assembly.several") if waits else (_WARNS, "assembly.one_of_several")
        line = self._line("contributors", name)
        self.findings += [self._finding(code, severity, {"contributor": name}, key, line) for key in keys]

    def _told(self) -> Iterator[Finding]:
        """Of a record that is not made for want of a contributor nothing else is told."""
        line = self._line("required")
        for key, name in self._without.items():
            yield self._finding("assembly.required_missing", _WARNS, {"contributor": name}, key, line)
        for each in self.findings:
            if each.key not in self._without:
                yield each

    def _line(self, *path: str) -> int:
        return self.assembly.file.line("assemble", *path)

    def _finding(
        self,
        code: str,
        severity: Severity,
        params: Mapping[str, str | int],
        key: str,
        line: int,
        name: str | None = None,
        sample: str | None = None,
    ) -> Finding:
        file = self.assembly.file
        where = (file.name, file.file, line)
        return Finding(code, severity, params, self.assembly.object.name, key, name, *where, sample)


def _there(column: pa.Array) -> pa.BooleanArray:
    """Neither null nor empty text."""
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        return pc.fill_null(pc.greater(pc.binary_length(column), 0), False)
    return column.is_valid()


def _of_one_kind(columns: Sequence[pa.Array]) -> list[pa.Array]:
    kinds = {each.type for each in columns if not pa.types.is_null(each.type)}
    if len(kinds) == 1:
        kind = kinds.pop()
        return [each if each.type == kind else each.cast(kind) for each in columns]
    return [plain_text(each) for each in columns] if kinds else list(columns)


def _comparable(column: pa.Array, described: Field | None) -> pa.StringArray:
    """As values of the field's type where they are such, so that 0.1 and 0.100 are the same."""
    if described is None:
        return plain_text(column)
    typed, missed = cast(column, replace(described, required=False))
    return pc.if_else(missed, plain_text(column), canonical_text(typed, described))


def compile_assemblies(
    files: Iterable[MappingFile], source: Schema, zone_of: Callable[[str], ZoneInfo | None] = lambda _: None
) -> dict[str, CompiledAssembly]:
    """The assemblies of these mappings by the name of the object that they make. source: with those objects. zone_of:
    the zone of an object's wall clock times. Only for files that `check_assembly` found nothing wrong with."""
    return {
        file.model.from_: CompiledAssembly(
            file,
            source.objects[file.model.from_],
            {
                name: _contributor(name, each, key_fields(spec, name), source.objects[each.from_], zone_of(each.from_))
                for name, each in spec.contributors.items()
            },
        )
        for file in files
        if (spec := file.model.assemble) is not None
    }


def _contributor(
    name: str, spec: Contributor, key: Sequence[str], described: ObjectSchema, zone: ZoneInfo | None
) -> CompiledContributor:
    return CompiledContributor(
        name,
        described,
        tuple(found for each in key if (found := described.field(each)) is not None),
        tuple(available()[call.name].bind(call.arguments) for call in spec.transform),
        compile_conditions(spec.where, described.field, zone) if spec.where is not None else None,
        None if spec.several.by is None else described.field(spec.several.by),
        spec.several.kind == "last",
    )
