"""A field of files, filled from several: those of the source as they are, those that a fold makes, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import pyarrow as pa

from ..connectors.held_file import cell_of, files_in
from ..connectors.schema import Field, FieldType
from ..connectors.stored import plain_text
from .folding import FOLD
from .folding.filed import marked
from .rule import Columns, CompiledRule, Filled, Note


@dataclass(frozen=True, slots=True)
class FilesRule(CompiledRule):
    """marks: source fields whose files get a name that changes with their content, because nothing else that is
    compared would, where they do not become longer or shorter."""

    marks: frozenset[str]

    def _text(self, source: Columns, filled: Filled, note: Note) -> list[pa.Array]:
        """One column: the files of all of `from`, in its order. A cell that is no list of files stays as it is, for the
        cast to refuse."""
        columns = [plain_text(source[name]).to_pylist() for name in self.rule.from_]
        named = [name in self.marks for name in self.rule.from_]
        column = pa.array([_together(cells, named) for cells in zip(*columns, strict=True)], pa.string())
        note("files", column)
        return [column]


def _together(cells: Sequence[str | None], named: Sequence[bool]) -> str | None:
    files = []
    for cell, marks in zip(cells, named, strict=True):
        try:
            files += [marked(each) if marks else each for each in files_in(cell)]
        except ValueError:
            return cell
    return cell_of(files)


def by_files(plain: CompiledRule, field: Field) -> CompiledRule:
    """The rule, where it has several fields of files or one that is made; else as it is. field: the target's, with the
    checksums that its source tells, too."""
    folds = frozenset(each for each in plain.rule.from_ if each.startswith(f"{FOLD}."))
    if field.type is not FieldType.FILE or not (folds or len(plain.rule.from_) > 1):
        return plain
    said = {each.name: getattr(plain, each.name) for each in fields(CompiledRule)}
    return FilesRule(**said, marks=frozenset() if field.checksum else folds)
