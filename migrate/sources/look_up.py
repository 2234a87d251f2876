"""A few assembled records, looked for by key or by a field: each contributor is asked for its part."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.cell import Cell, text_of
from ...connectors.chunk import Chunk, split_key
from ...connectors.port import KEY, Connector
from ...mappings.assembly.chunk import AssembledChunk
from ...mappings.assembly.compiled import CompiledAssembly
from ...mappings.assembly.contributor import KEY as ASSEMBLED_KEY
from ...mappings.assembly.contributor import CompiledContributor


def found_by(
    source: Connector,
    assembly: CompiledAssembly,
    by: Sequence[str],
    values: Sequence[tuple[Cell, ...]],
    fields: Sequence[str],
) -> AssembledChunk:
    """By KEY, or by one field of the assembled object. A contributor whose keys go through a transform is read whole:
    no system can be asked for what only the transform makes of a cell."""
    if tuple(by) == (KEY,):
        return _by_key(source, assembly, {str(value) for (value,) in values if value is not None}, fields)
    (name,) = by
    keys: set[str] = set()
    for contributor, own in assembly.made_of(name):
        asked = assembly.contributors[contributor]
        chunk = source.find(asked.object.name, (own,), values, asked.reads(()))
        keys |= set(asked.gather(chunk, ()).table.column(ASSEMBLED_KEY).to_pylist())
    found = _by_key(source, assembly, keys, [*fields, name])
    wanted = {str(value) for (value,) in values}
    rows = [row for row, text in enumerate(text_of(found.frame[name]).to_pylist()) if text in wanted]
    return _rows(found, rows, fields)


def _by_key(
    source: Connector, assembly: CompiledAssembly, keys: Collection[str], fields: Sequence[str]
) -> AssembledChunk:
    asked = pa.array(sorted(keys), pa.string())
    gathered: dict[str, list[pa.Table]] = {}
    for name, own in assembly.needs(fields).items():
        contributor = assembly.contributors[name]
        for chunk in _read(source, contributor, keys, contributor.reads(own)):
            table = contributor.gather(chunk, own).table
            table = table.filter(pc.is_in(table.column(ASSEMBLED_KEY), value_set=asked))
            if len(table):
                gathered.setdefault(name, []).append(table)
    return assembly.assemble(gathered, fields)


def _read(
    source: Connector, contributor: CompiledContributor, keys: Collection[str], fields: Sequence[str]
) -> Iterator[Chunk]:
    """Every record of a contributor that may have one of these keys."""
    if not keys:
        return
    if contributor.transforms:
        yield from source.read(contributor.object.name, fields)
        return
    count = len(contributor.key)
    values = [parts for key in sorted(keys) if (parts := _parts(key, count)) is not None]
    size = source.capabilities.find_size
    for start in range(0, len(values), size):
        by = [each.name for each in contributor.key]
        yield source.find(contributor.object.name, by, values[start : start + size], fields)


def _parts(key: str, count: int) -> tuple[str, ...] | None:
    try:
        return split_key(key, count)
    except ValueError:
        return None


def _rows(chunk: AssembledChunk, rows: Sequence[int], fields: Sequence[str]) -> AssembledChunk:
    keys = [chunk.keys[row] for row in rows]
    return AssembledChunk(
        chunk.object,
        chunk.frame.iloc[list(rows)][list(fields)].reset_index(drop=True),
        keys,
        findings=tuple(each for each in chunk.findings if each.key in set(keys)),
        made_of={name: [own[row] for row in rows] for name, own in chunk.made_of.items()},
    )
