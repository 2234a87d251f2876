"""Values that the business has corrected: laid over the source's cells before any rule sees them.

A correction holds while the source's cell is what was corrected; once somebody has changed it there, it has lapsed and
the source's own value counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.cell import canonical_text, cast
from ..connectors.chunk import Chunk
from ..connectors.finding import Finding, Severity
from ..connectors.nearest import nearest
from ..connectors.schema import Field, ObjectSchema, Schema
from ..connectors.stored import plain_text, readable
from .checking.place import labels
from .strict_csv import NotCsvError, records

COLUMNS: Final = ("object", "key", "field", "old", "new", "who", "why")
MAY_BE_EMPTY: Final = ("old", "new")


@dataclass(frozen=True, slots=True)
class Correction:
    """One line of a corrections file. old, new: texts; an empty one stands for null. file, line: where it stands."""

    object: str
    key: str
    field: str
    old: str
    new: str
    who: str
    why: str
    file: str
    line: int

    def found(self, code: str, severity: Severity, **params: str | int) -> Finding:
        told = {"name": self.field, **params}
        place = {"object": self.object, "key": self.key, "field": self.field, "file": self.file, "line": self.line}
        return Finding(code, severity, told, **place)  # type: ignore[arg-type]


ByField = Mapping[str, Mapping[str, Correction]]
"""Field -> key -> correction, of one object."""

ZoneOf = Callable[[str], ZoneInfo | None]


def read_corrections(text: str, file: str) -> tuple[list[Correction], list[Finding]]:
    """The corrections of one file, and whatever is wrong with its lines. file: how findings name it."""
    read: list[Correction] = []
    wrong: list[Finding] = []
    order: list[str] = []
    try:
        for line, cells in records(text):
            if not order:
                order = [cell.strip() for cell in cells]
                wrong += _heading(order, file)
                if wrong:
                    break
            elif any(cell.strip() for cell in cells):
                said = _line(dict(zip(order, cells, strict=False)), len(cells), file, line)
                (read if isinstance(said, Correction) else wrong).append(said)  # type: ignore[arg-type]
    except NotCsvError as error:
        told = {"reason": error.reason}
        wrong.append(Finding("correction.unreadable", Severity.BLOCKS, told, file=file, line=error.line))
    return read, wrong or ([] if order else list(_heading([], file)))


def _heading(order: Sequence[str], file: str) -> Iterator[Finding]:
    for name in COLUMNS:
        if order.count(name) != 1:
            yield Finding("correction.no_column", Severity.BLOCKS, {"name": name}, file=file, line=1)
    for name in order:
        if name not in COLUMNS:
            told: dict[str, str | int] = {"name": name, "nearest": nearest(name, COLUMNS)}
            yield Finding("correction.strange_column", Severity.BLOCKS, told, file=file, line=1)


def _line(cells: Mapping[str, str], count: int, file: str, line: int) -> Correction | Finding:
    if count != len(COLUMNS):
        told: dict[str, str | int] = {"count": count, "wanted": len(COLUMNS)}
        return Finding("correction.cells", Severity.BLOCKS, told, file=file, line=line)
    plain = {name: cell if name in (*MAY_BE_EMPTY, "key") else cell.strip() for name, cell in cells.items()}
    empty = [name for name in COLUMNS if name not in MAY_BE_EMPTY and not plain[name]]
    if empty:
        return Finding("correction.empty", Severity.BLOCKS, {"names": ", ".join(empty)}, file=file, line=line)
    return Correction(**plain, file=file, line=line)


def once_each(corrections: Iterable[Correction]) -> Iterator[Finding]:
    """A cell that is corrected twice has no one value."""
    first: dict[tuple[str, str, str], Correction] = {}
    for each in corrections:
        earlier = first.setdefault((each.object, each.key, each.field), each)
        if earlier is not each:
            yield each.found("correction.twice", Severity.BLOCKS, first=f"{earlier.file}:{earlier.line}")


def check_corrections(
    corrections: Sequence[Correction], source: Schema, used: Mapping[str, set[str]], zone_of: ZoneOf
) -> Iterator[Finding]:
    """Whether what they name is there and their new values fit. used: source object -> fields that are read.
    zone_of: source object -> what its wall clock times mean."""
    yield from once_each(corrections)
    for each in corrections:
        described = source.object(each.object)
        if described is None:
            known = {name: found.label for name, found in source.objects.items()}
            told = {"name": each.object, "nearest": nearest(each.object, known)}
            yield each.found("correction.no_object", Severity.BLOCKS, **told)
            continue
        field = described.field(each.field)
        if field is None:
            told = {"object": each.object, "nearest": nearest(each.field, labels(described.fields))}
            yield each.found("correction.no_field", Severity.BLOCKS, **told)
        elif field.name in described.key:
            yield each.found("correction.of_the_key", Severity.BLOCKS)
        elif each.new and pc.any(_typed([each.new], field, zone_of(each.object))[1]).as_py():
            yield each.found("correction.value_type", Severity.BLOCKS, type=field.type.value)
        elif each.field not in used.get(each.object, set()):
            yield each.found("correction.not_read", Severity.WARNS)


def by_object(corrections: Iterable[Correction]) -> dict[str, dict[str, dict[str, Correction]]]:
    """Object -> field -> key -> correction."""
    told: dict[str, dict[str, dict[str, Correction]]] = defaultdict(lambda: defaultdict(dict))
    for each in corrections:
        told[each.object][each.field][each.key] = each
    return told


def correct(
    chunk: Chunk, described: ObjectSchema, mine: ByField, zone: ZoneInfo | None
) -> tuple[Chunk, dict[Correction, bool]]:
    """The chunk with the cells corrected whose value is still the one that was corrected; and of each correction of
    these cells whether it holds. Nothing is changed in the given chunk."""
    looked: dict[Correction, bool] = {}
    frame = chunk.frame
    for name, by_key in mine.items():
        field = described.field(name)
        if field is None or name not in frame.columns:
            continue
        rows = [row for row, key in enumerate(chunk.keys) if key in by_key]
        if not rows:
            continue
        told = [by_key[chunk.keys[row]] for row in rows]
        column = _array(frame[name])
        now = comparable(column.take(pa.array(rows)), field, zone)
        then = comparable(pa.array([each.old for each in told], pa.string()), field, zone)
        holds = pc.equal(pc.fill_null(now, ""), pc.fill_null(then, "")).to_pylist()
        looked |= dict(zip(told, holds, strict=True))
        news = {row: each.new for row, each, held in zip(rows, told, holds, strict=True) if held}
        if news:
            placed = pd.Series(pd.arrays.ArrowExtensionArray(_placed(column, news, field, zone)), index=frame.index)
            frame = frame.assign(**{name: placed})
    return (chunk if frame is chunk.frame else replace(chunk, frame=frame)), looked


def comparable(column: pa.Array, field: Field, zone: ZoneInfo | None) -> pa.StringArray:
    """Cells as stored so that two are equal where the field's own type has no difference; a misfit as its text."""
    plain, _ = readable(column)
    typed, missed = cast(plain, replace(field, required=False), zone)
    return pc.if_else(missed, plain_text(plain), canonical_text(typed, field))


def _array(column: pd.Series) -> pa.Array:
    array = pa.array(column)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _typed(texts: Sequence[str | None], field: Field, zone: ZoneInfo | None) -> tuple[pa.Array, pa.BooleanArray]:
    return cast(pa.array(texts, pa.string()), replace(field, required=False), zone)


def _placed(column: pa.Array, news: Mapping[int, str], field: Field, zone: ZoneInfo | None) -> pa.Array:
    """The column with these cells in these rows, in its own type where they have a place there, else as text."""
    texts = [text or None for text in news.values()]
    cells = pa.array(texts, pa.string())
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    elif not pa.types.is_string(column.type):
        try:
            cells = _typed(texts, field, zone)[0].cast(column.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            column = plain_text(readable(column)[0])
    order = list(range(len(column)))
    for place, row in enumerate(news):
        order[row] = len(order) + place
    return pa.concat_arrays([column, cells]).take(pa.array(order))
