"""A source whose records have, besides their own fields, the texts and files that mappings fold their children into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd
import pyarrow as pa

from ...connectors.cell import Cell
from ...connectors.chunk import Chunk, split_key
from ...connectors.finding import Finding, Severity
from ...connectors.forwarding import Forwarding, layer_of
from ...connectors.held_file import HeldFile
from ...connectors.port import Connector
from ...mappings.assembly.chunk import AssembledChunk
from ...mappings.compile import CompiledMapping
from ...mappings.folding.compiled import CompiledFold, Folded
from ...mappings.folding.filed import parted
from ...runs.report.model import Table, Text
from .made_files import MadeFiles

CHILDREN = 50_000
"""Of the parents whose files are made at a time, about."""
FIRST = 100
"""Parents, while nobody knows how many children they have."""
Folds = Mapping[str, Mapping[str, CompiledFold]]
"""Source object -> field -> fold."""


def with_folded(source: Connector, mappings: Iterable[CompiledMapping]) -> Connector:
    """The source with what these mappings fold; the source itself where they fold nothing."""
    folds: dict[str, dict[str, CompiledFold]] = defaultdict(dict)
    for mapping in mappings:
        for each in mapping.folds:
            folds[mapping.source.name].setdefault(each.field, each)
    return FoldedSource(source, folds) if folds else source


class FoldedSource(Forwarding):
    """The children of each chunk are asked for by its keys, so that they alone are in memory."""

    def __init__(self, inner: Connector, folds: Folds) -> None:
        super().__init__(inner)
        self.folds = folds
        self._files = {
            (name, each.field): MadeFiles(each, self._pieces)
            for name, by_field in folds.items()
            for each in by_field.values()
            if each.spec.file
        }
        self._some = FIRST
        if self._files:
            self.capabilities = replace(inner.capabilities, holds_files=True)

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        own, mine = self._apart(object_name, fields)
        for chunk in self.inner.read(object_name, own, after=after, size=size):
            yield self._with(chunk, mine, fields)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        own, mine = self._apart(object_name, fields)
        return self._with(self.inner.find(object_name, by, values, own), mine, fields)

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        made = self._files.get((object_name, parted(file.id)[0]))
        return super().body(object_name, file) if made is None else made.body(file)

    def told(self, object_name: str, key: str) -> list[tuple[CompiledFold, Folded]]:
        """What the children of one record come to."""
        return [(each, self._folded(each, [key])) for each in self.folds.get(object_name, {}).values()]

    def _apart(self, object_name: str, fields: Sequence[str]) -> tuple[list[str], list[CompiledFold]]:
        """The fields to read of the object itself, and the folds."""
        folds = self.folds.get(object_name, {})
        mine = [folds[each] for each in fields if each in folds]
        own = [*(each for each in fields if each not in folds), *(name for each in mine for name in each.named_by)]
        return list(dict.fromkeys(own)), mine

    def _with(self, chunk: Chunk, folds: Sequence[CompiledFold], fields: Sequence[str]) -> Chunk:
        if not folds:
            return chunk
        keys = pa.array(chunk.keys, pa.string()).dictionary_encode()
        parents = keys.dictionary.to_pylist()
        columns, findings = {}, list[Finding]()
        for each in folds:
            if (files := self._files.get((chunk.object, each.field))) is not None:
                cells, folded = files.cells(chunk, parents, keys.indices)
            else:
                folded = self._folded(each, parents)
                cells = folded.text.take(keys.indices)
            columns[each.field] = pd.Series(pd.arrays.ArrowExtensionArray(cells), index=chunk.frame.index)
            findings += _noticed(each, chunk.object, folded, parents)
        frame = chunk.frame.assign(**columns)[list(fields)]
        if not findings:
            return replace(chunk, frame=frame)
        if isinstance(chunk, AssembledChunk):
            return replace(chunk, frame=frame, findings=(*chunk.findings, *findings))
        return AssembledChunk(chunk.object, frame, chunk.keys, chunk.cursor, chunk.our_keys, tuple(findings))

    def _folded(self, fold: CompiledFold, parents: Sequence[str]) -> Folded:
        return fold.fold(self._children(fold, parents), parents)

    def _pieces(self, fold: CompiledFold, parents: Sequence[str]) -> Iterator[Folded]:
        """The same, some parents at a time: as many as can be asked for at once and, as far as those before them tell,
        have no more than CHILDREN."""
        most, start = self.capabilities.find_size, 0
        while start < len(parents):
            some = parents[start : start + min(most, self._some)]
            folded = self._folded(fold, some)
            yield folded
            start += len(some)
            self._some = max(1, CHILDREN * len(some) // max(1, int(folded.children.sum())))

    def _children(self, fold: CompiledFold, parents: Sequence[str]) -> Iterator[Chunk]:
        by, size = tuple(each.name for each in fold.by), self.capabilities.find_size
        for start in range(0, len(parents), size):
            wanted = [split_key(key, len(by)) for key in parents[start : start + size]]
            yield self.inner.find(fold.child.name, by, wanted, fold.reads)


def _noticed(fold: CompiledFold, parent: str, folded: Folded, parents: Sequence[str]) -> Iterator[Finding]:
    """One finding a parent that has more lines than there may be; and how many children nobody can tell about."""
    place = {"object": parent, "field": fold.field, "file": fold.file}
    for row in (folded.lines > folded.kept).nonzero()[0].tolist():
        told: dict[str, str | int] = {
            "name": fold.field,
            "kept": int(folded.kept[row]),
            "lines": int(folded.lines[row]),
        }
        yield Finding("fold.too_many", Severity.WARNS, told, key=parents[row], line=fold.line, **place)
    if folded.untold:
        told = {"name": fold.child.name, "count": folded.untold}
        yield Finding("fold.where_untold", Severity.WARNS, told, line=fold.line, **place)


def folded_table(source: Connector, mapping: CompiledMapping, key: str) -> tuple[Table, ...]:
    """For people: how many children went into each text and file of this record."""
    folding = layer_of(source, FoldedSource)
    if folding is None or not mapping.folds:
        return ()
    used = {each.field for each in mapping.folds} & set(mapping.source_fields)
    rows = tuple(
        (fold.field, fold.child.name, int(folded.children[0]), int(folded.kept[0]), f"{fold.file}:{fold.line}")
        for fold, folded in folding.told(mapping.source.name, key)
        if fold.field in used
    )
    columns = ("source_field", "object", "children", "lines", "rule")
    return (Table(Text("table.folded"), tuple(f"column.{each}" for each in columns), rows),) if rows else ()
