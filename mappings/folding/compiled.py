"""Children as lines of text, in one cell of each parent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.cell import cast
from ...connectors.chunk import Chunk
from ...connectors.schema import Field, FieldType, ObjectSchema, Schema
from ...connectors.stored import as_stored, plain_text
from ..condition import CompiledConditions, compile_conditions
from ..language import Fold, MappingFile
from ..rule import joined_key, key_text
from . import FOLD, called
from .filed import CHECKSUM
from .lines import fields_in, line_of

_PLACE, _LINE, _TIE, _OWN = "@place", "@line", "@tie", "@own"
_TIMES = (FieldType.INSTANT, FieldType.LOCAL_TIME)
_NO_TEXT = pa.scalar(None, pa.string())
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Folded:
    """What the children of some parents come to. text: a cell a parent, null where there is no line. children, lines,
    kept: a number a parent: its records, those that give a line, and those of them that `most` lets in. untold:
    children that `where` leaves out because nobody can tell."""

    text: pa.StringArray
    children: Numbers
    lines: Numbers
    kept: Numbers
    untold: int


@dataclass(frozen=True)
class CompiledFold:
    """One fold of a mapping file. by: the child's fields that hold the parent's key. zone: of the child's wall clock
    times."""

    name: str
    spec: Fold
    child: ObjectSchema
    by: tuple[Field, ...]
    order: tuple[Field, ...]
    conditions: CompiledConditions | None
    zone: ZoneInfo | None
    file: str
    line: int

    @property
    def field(self) -> str:
        return called(self.name)

    @property
    def named_by(self) -> tuple[str, ...]:
        """The parent's fields that the name of its file is made of."""
        return fields_in(self.spec.file)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The child's fields that are looked at."""
        return used_fields(self.spec)

    @property
    def zones(self) -> list[str]:
        """The zones that have a say in which lines there are, and in their order."""
        own = [str(self.zone)] if any(each.type in _TIMES for each in self.order) else []
        return sorted({*own, *(self.conditions.zones if self.conditions else ())})

    def keys(self, chunk: Chunk) -> pa.StringArray:
        """The key of each child's parent, null where a part of it is null or blank. The frame holds `by` at least."""
        return joined_key([key_text(as_stored(chunk.frame[each.name]), each) for each in self.by])

    def fold(self, chunks: Iterable[Chunk], parents: Sequence[str]) -> Folded:
        """chunks: children with `reads` of them; those of no parent are passed over. parents: keys, each once."""
        known = pa.array(parents, pa.string())
        children = np.zeros(len(parents), np.int64)
        tables, untold = [], 0
        for chunk in chunks:
            place = pc.index_in(self.keys(chunk), value_set=known)
            columns = {name: as_stored(chunk.frame[name]) for name in self.reads}
            told = pa.array(np.ones(len(chunk), dtype=bool))
            if self.conditions is not None:
                told = self.conditions.met(columns, len(chunk))
            there = place.is_valid()
            untold += pc.sum(pc.and_(there, told.is_null())).as_py() or 0
            children += np.bincount(place.filter(there).to_numpy(), minlength=len(parents))
            table = pa.table(
                {_PLACE: place, _LINE: line_of(self.spec.line, columns, len(chunk)), **self._ranks(columns, chunk)}
            )
            tables.append(table.filter(pc.and_(there, pc.and_(pc.fill_null(told, False), table[_LINE].is_valid()))))
        if not tables or not sum(map(len, tables)):
            none = np.zeros(len(parents), np.int64)
            return Folded(pa.nulls(len(parents), pa.string()), children, none, none, untold)
        text, lines, kept = self._joined(pa.concat_tables(tables), len(parents))
        return Folded(text, children, lines, kept, untold)

    def _ranks(self, columns: Mapping[str, pa.Array], chunk: Chunk) -> dict[str, pa.Array]:
        """By what lines are put in order, each record by itself: what is empty or no value of its field's type goes
        first. Records that are equal so far go by key, as a number where it is one."""
        ranks: dict[str, pa.Array] = {}
        for at, each in enumerate(self.order):
            typed, missed = cast(columns[each.name], replace(each, required=False), self.zone)
            text = pc.if_else(missed, plain_text(columns[each.name]), _NO_TEXT)
            ranks |= {f"@{at} is": typed.is_valid().cast(pa.int8()), f"@{at}": typed, f"@{at} text": text}
        own = pa.array(chunk.keys, pa.string())
        key = self.child.field(self.child.key[0]) if len(self.child.key) == 1 else None
        if key is not None and key.type in (FieldType.INTEGER, FieldType.DECIMAL):
            ranks[_TIE] = cast(own, replace(key, required=False))[0]
        return {**ranks, _OWN: own}

    def _joined(self, table: pa.Table, count: int) -> tuple[pa.StringArray, Numbers, Numbers]:
        ranks = [name for name in table.column_names if name != _LINE]
        order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in ranks])
        table = table.take(order)
        places = table.column(_PLACE).to_numpy().astype(np.int64)
        lines = np.bincount(places, minlength=count)
        kept = lines if self.spec.most is None else np.minimum(lines, self.spec.most)
        from_last = np.cumsum(lines)[places] - np.arange(len(places))
        told = table.column(_LINE).combine_chunks().filter(pa.array(from_last <= kept[places]))
        ends = np.concatenate([[0], np.cumsum(kept)]).astype(np.int32)
        text = pc.binary_join(pa.ListArray.from_arrays(pa.array(ends), told), self.spec.between)
        return pc.if_else(pa.array(kept > 0), text, _NO_TEXT), lines, kept


def field_of(name: str, spec: Fold) -> Field:
    """The field of the parent that a fold makes."""
    plain = Field(called(name), FieldType.TEXT, writable=False)
    return replace(plain, type=FieldType.FILE, checksum=CHECKSUM) if spec.file else plain


def with_folds(source: ObjectSchema, files: Iterable[MappingFile]) -> ObjectSchema:
    """The source object with what these of its mappings fold into it."""
    folds = [each for file in files if file.model.from_ == source.name for each in file.model.fold.items()]
    made = {name: field_of(name, spec) for name, spec in folds}
    return replace(source, fields=(*source.fields, *made.values())) if made else source


def used_fields(spec: Fold) -> tuple[str, ...]:
    """The child's fields that a fold looks at."""
    return tuple(
        dict.fromkeys([*spec.by, *spec.order, *fields_in(spec.line), *(spec.where.names if spec.where else ())])
    )


def compile_folds(
    file: MappingFile, source: Schema, zone_of: Callable[[str], ZoneInfo | None]
) -> tuple[CompiledFold, ...]:
    """Of a file with whose folds nothing is wrong. source: with the children. zone_of: the zone of an object's wall
    clock times."""
    return tuple(
        CompiledFold(
            name,
            spec,
            (child := source.objects[spec.from_]),
            tuple(found for each in spec.by if (found := child.field(each))),
            tuple(found for each in spec.order if (found := child.field(each))),
            compile_conditions(spec.where, child.field, zone_of(child.name)) if spec.where is not None else None,
            zone_of(child.name),
            file.file,
            file.line(FOLD, name),
        )
        for name, spec in file.model.fold.items()
    )
