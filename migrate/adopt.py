"""Find records that are in the target already, before anything is created. Ambiguous is held, never guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..connectors.cell import Cell, canonical_value
from ..connectors.schema import Field
from ..mappings.compile import CompiledMapping
from ..mappings.mapped import MappedChunk
from ..runs.ledger import records
from .fingerprint import TargetRows, arrow_column, joined
from .references import Resolved
from .session import Session


@dataclass
class Matches:
    """What the match rules found. adopted: row -> (the target's rows, place in them). ambiguous: row -> how many target
    records it could be. taken: row -> our key of the record that has the target record already."""

    adopted: dict[int, tuple[TargetRows, int]] = field(default_factory=dict)
    ambiguous: dict[int, int] = field(default_factory=dict)
    taken: dict[int, str] = field(default_factory=dict)


def find_matches(
    session: Session, mapping: CompiledMapping, mapped: MappedChunk, resolved: Resolved, rows: Sequence[int]
) -> Matches:
    """Try the mapping's match rules in order on these rows, which the ledger does not know yet."""
    result = Matches()
    open_rows = list(rows)
    claimed: dict[str, str] = {}
    for rule in mapping.match:
        if not open_rows:
            break
        fields = [_field(mapping, name) for name in rule]
        values = _match_values(mapped, resolved, mapping, rule, open_rows)
        hits = _hits(session, mapping, fields, values)
        for row in list(values):
            places = hits.get(_text(values[row], fields), [])
            if places:
                open_rows.remove(row)
                _decide(session, mapping, result, claimed, row, mapped.our_keys[row], places)
    return result


def _field(mapping: CompiledMapping, name: str) -> Field:
    return next(each for each in mapping.target_fields if each.name == name)


def _match_values(
    mapped: MappedChunk, resolved: Resolved, mapping: CompiledMapping, rule: Sequence[str], rows: Sequence[int]
) -> dict[int, tuple[Cell, ...]]:
    """Row -> its cells of the rule's fields; rows with an empty one cannot match and are left out."""
    columns = [
        resolved.target_keys[name] if name in mapping.references else arrow_column(mapped.frame, name).to_pylist()
        for name in rule
    ]
    cells = {row: tuple(column[row] for column in columns) for row in rows}
    return {row: each for row, each in cells.items() if all(cell is not None and cell != "" for cell in each)}


def _text(cells: Sequence[Cell], fields: Sequence[Field]) -> tuple[str | None, ...]:
    return tuple(canonical_value(cell, each) for cell, each in zip(cells, fields, strict=True))


def _hits(
    session: Session, mapping: CompiledMapping, fields: Sequence[Field], values: Mapping[int, tuple[Cell, ...]]
) -> dict[tuple[str | None, ...], list[tuple[TargetRows, int]]]:
    """Canonical texts of the match fields -> where the target has them."""
    size = session.target.capabilities.find_size
    wanted = sorted(set(values.values()), key=repr)
    names = [each.name for each in mapping.target_fields]
    by = tuple(each.name for each in fields)
    pieces = [
        session.target.find(mapping.target.name, by, wanted[start : start + size], names)
        for start in range(0, len(wanted), size)
    ]
    hits: dict[tuple[str | None, ...], list[tuple[TargetRows, int]]] = defaultdict(list)
    if not pieces:
        return hits
    found = TargetRows(session, mapping, joined(mapping.target.name, names, pieces))
    columns = [found.columns[name].to_pylist() for name in by]
    for place, cells in enumerate(zip(*columns, strict=True)):
        hits[_text(cells, fields)].append((found, place))
    return hits


def _decide(
    session: Session,
    mapping: CompiledMapping,
    result: Matches,
    claimed: dict[str, str],
    row: int,
    our_key: str,
    places: Sequence[tuple[TargetRows, int]],
) -> None:
    if len(places) > 1:
        result.ambiguous[row] = len(places)
        return
    rows, place = places[0]
    key = rows.keys[place]
    holder = rows.our_keys[place] if rows.our_keys else None
    holder = holder or claimed.get(key) or records.our_keys(session.ledger, mapping.target.name, [key]).get(key)
    if holder is not None and holder != our_key:
        result.taken[row] = holder
    elif holder is None:
        claimed[key] = our_key
        result.adopted[row] = (rows, place)
