"""Find records that are in the target already, before anything is created. Ambiguous is held, never guessed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import pyarrow as pa

from ...connectors.cell import Cell, canonical_text
from ...connectors.change import Change, ChangeKind
from ...connectors.port import OurKeyPlace
from ...connectors.schema import Field
from ...mappings.compile import CompiledMapping
from ...mappings.language import WritePolicy
from ...mappings.mapped import MappedChunk
from ...runs.ledger import operations, records
from ...runs.ledger.operations import Settled
from ..fingerprint import TargetRows, arrow_column, joined
from ..sending.answer import Planned
from ..session import Session
from .classify import Sorted
from .references import Resolved


@dataclass
class Matches:
    """What the match rules found. adopted: row -> (the target's rows, place in them). ambiguous: row -> how many target
    records it could be. taken: row -> our key of the record that has the target record already. claimed: target key ->
    our key of the row that adopts it."""

    adopted: dict[int, tuple[TargetRows, int]] = field(default_factory=dict)
    ambiguous: dict[int, int] = field(default_factory=dict)
    taken: dict[int, str] = field(default_factory=dict)
    claimed: dict[str, str] = field(default_factory=dict)


def find_matches(
    session: Session,
    mapping: CompiledMapping,
    mapped: MappedChunk,
    resolved: Resolved,
    rows: Sequence[int],
    claimed: Mapping[str, str] = MappingProxyType({}),
) -> Matches:
    """Try the mapping's match rules in order on these rows, which the ledger does not know yet. claimed: by other rows,
    or by these when they were looked for before."""
    result = Matches(claimed=dict(claimed))
    open_rows = list(rows)
    for rule in mapping.match:
        if not open_rows:
            break
        wanted = _wanted(mapping, mapped, resolved, rule, open_rows)
        hits = _hits(session, mapping, rule, [cells for cells, _ in wanted.values()])
        for row, (_, texts) in wanted.items():
            places = hits.get(texts, [])
            if places:
                open_rows.remove(row)
                _decide(session, mapping, result, row, mapped.our_keys[row], places)
    return result


Texts = tuple[str | None, ...]


def _field(mapping: CompiledMapping, name: str) -> Field:
    return next(each for each in mapping.target_fields if each.name == name)


def _wanted(
    mapping: CompiledMapping, mapped: MappedChunk, resolved: Resolved, rule: Sequence[str], rows: Sequence[int]
) -> dict[int, tuple[tuple[Cell, ...], Texts]]:
    """Row -> its cells of the rule's fields, and their canonical texts; rows with an empty one cannot match."""
    columns, texts = [], []
    for name in rule:
        if name in mapping.references:
            column = pa.array(resolved.target_keys[name], pa.string())
        else:
            column = arrow_column(mapped.frame, name)
        column = column.take(pa.array(rows, pa.int64()))
        columns.append(column.to_pylist())
        texts.append(canonical_text(column, _field(mapping, name)).to_pylist())
    told = zip(rows, zip(*columns, strict=True), zip(*texts, strict=True), strict=True)
    return {row: (cells, text) for row, cells, text in told if all(cell is not None and cell != "" for cell in cells)}


def _hits(
    session: Session, mapping: CompiledMapping, rule: Sequence[str], values: Sequence[tuple[Cell, ...]]
) -> dict[Texts, list[tuple[TargetRows, int]]]:
    """Canonical texts of the match fields -> where the target has them."""
    size = session.target.capabilities.find_size
    wanted = list(dict.fromkeys(values))
    names = [each.name for each in mapping.target_fields]
    pieces = [
        session.target.find(mapping.target.name, tuple(rule), wanted[start : start + size], names)
        for start in range(0, len(wanted), size)
    ]
    hits: dict[Texts, list[tuple[TargetRows, int]]] = defaultdict(list)
    if not pieces:
        return hits
    found = TargetRows(session, mapping, joined(mapping.target.name, names, pieces))
    texts = [canonical_text(found.columns[name], _field(mapping, name)).to_pylist() for name in rule]
    for place, each in enumerate(zip(*texts, strict=True)):
        hits[each].append((found, place))
    return hits


def _decide(
    session: Session,
    mapping: CompiledMapping,
    result: Matches,
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
    holder = holder or result.claimed.get(key) or records.our_keys(session.ledger, mapping.target.name, [key]).get(key)
    if holder is not None and holder != our_key:
        result.taken[row] = holder
    else:  # nobody's, or ours by a run that this ledger has forgotten: whoever made it, undo must not delete it
        result.claimed[key] = our_key
        result.adopted[row] = (rows, place)


def keep_adopted(
    session: Session, run_id: int, names: tuple[str, str, str], fieldset: int, planned: Sequence[Planned]
) -> tuple[list[Settled], list[Planned], list[int]]:
    """On a target with no room for our key, adopt in the crosswalk alone what needs nothing written: (how it ended,
    what is left to be sent, the batches written down). names: mapping, target object, source object."""
    if session.target.capabilities.our_key is not OurKeyPlace.NONE or session.rehearsal:
        return [], list(planned), []
    kept = [each for each in planned if each.change.kind is ChangeKind.ADOPT and not each.change.values]
    if not kept:
        return [], list(planned), []
    mapping, name, source = names
    now = session.clock.now()
    intents = [each.intent for each in kept]
    batch = operations.intend(session.ledger, run_id, name, source, fieldset, intents, now, dt.timedelta(0))
    ended = [Settled(each.change.our_key, "acked", each.record, each.change.target_key) for each in kept]
    operations.settle(session.ledger, run_id, batch, mapping, ended, now)
    return ended, [each for each in planned if each not in kept], [batch]


def adoption(
    mapping: CompiledMapping, rows: Sorted, row: int, cells: Mapping[str, Cell], target: TargetRows, spot: int
) -> tuple[Change, dict[str, Cell], str]:
    """The change that makes an existing record ours: our key, and the fields that may be brought in line. With it what
    these fields hold now, and what the record counts as once it is done."""
    values: dict[str, Cell] = {}
    image: dict[str, Cell] = {}
    for column, each in enumerate(mapping.target_fields):
        if rows.digests[row, column] == target.digests[spot, column]:
            continue
        now: Cell = target.columns[each.name][spot].as_py()
        policy = mapping.write_policy[each.name]
        if policy is WritePolicy.ALWAYS or (policy is WritePolicy.ONLY_IF_EMPTY and now is None):
            values[each.name], image[each.name] = cells[each.name], now
    change = Change(ChangeKind.ADOPT, rows.mapped.our_keys[row], target.keys[spot], values, image or None)
    return change, image, "updated" if values else "unchanged"
