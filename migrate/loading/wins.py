"""Fields that both systems have changed: who wins them, as their mapping says.

A record in which nobody wins one of these fields is conflicted, and nothing is decided of its others either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from ...connectors.cell import cast
from ...connectors.finding import Finding, Severity
from ...connectors.port import KEY, Connector
from ...connectors.schema import Field, FieldType
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ...mappings.wins import Wins
from ...runs.ledger import decided, runlog
from ...runs.ledger.operations import Settled
from ...runs.ledger.runlog import SETTLED
from ..fingerprint import Digests, Marks, arrow_column
from ..session import Session

WRITTEN_OVER: Final = "wins.old"
STAYS: Final = "wins.new"
EDITED, NO_NEWEST = "conflict.edited", "conflict.no_newest"


@dataclass(frozen=True, slots=True)
class Decided:
    """Per row and field that both sides have changed: the source wins, the target wins, nobody does."""

    over: Marks
    stays: Marks
    asks: Marks


def decide(
    session: Session,
    mapping: CompiledMapping,
    clash: Marks,
    source_keys: Sequence[str],
    target_keys: Sequence[str],
) -> Decided:
    """clash: rows x fields of what both sides have changed. source_keys, target_keys: of these rows."""
    said = np.array([mapping.wins.get(each.name, Wins.ASK) for each in mapping.target_fields], dtype=object)
    over, stays = clash & (said == Wins.OLD), clash & (said == Wins.NEW)
    newest = clash & (said == Wins.NEWEST)
    rows = [int(row) for row in np.flatnonzero(newest.any(axis=1) & ~(clash & (said == Wins.ASK)).any(axis=1))]
    if rows:
        ours = _changed_at(session.source, mapping.source.name, _zone(session, mapping), [source_keys[r] for r in rows])
        theirs = _changed_at(session.target, mapping.target.name, session.target_zone, [target_keys[r] for r in rows])
        for row, old, new in zip(rows, ours, theirs, strict=True):
            if old is not None and new is not None and old != new:
                (over if old > new else stays)[row] |= newest[row]
    asks = clash & ~over & ~stays
    whole = ~asks.any(axis=1)[:, None]
    return Decided(over & whole, stays & whole, asks)


def asked_code(mapping: CompiledMapping, field: str) -> str:
    """Why nobody wins that field."""
    return NO_NEWEST if mapping.wins.get(field) is Wins.NEWEST else EDITED


def _zone(session: Session, mapping: CompiledMapping) -> ZoneInfo | None:
    return session.project.environment.zone_of(mapping.source.name)


def _changed_at(system: Connector, object_name: str, zone: ZoneInfo | None, keys: Sequence[str]) -> list[int | None]:
    """When these records were last changed, in microseconds; None where that cannot be told."""
    name = system.audit_fields(object_name).modified_at
    assert name is not None  # noqa: S101 - check_newest saw to it
    moments: dict[str, int | None] = {}
    size = system.capabilities.find_size
    for start in range(0, len(keys), size):
        chunk = system.find(object_name, (KEY,), [(key,) for key in keys[start : start + size]], (name,))
        typed, _ = cast(arrow_column(chunk.frame, name), Field(name, FieldType.INSTANT), zone)
        moments |= zip(chunk.keys, typed.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist(), strict=True)
    return [moments.get(key) for key in keys]


def told(
    mapping: CompiledMapping, mapped: MappedChunk, row: int, over: Marks, stays: Marks, wanted: Digests, now: Digests
) -> Iterator[Finding]:
    """One finding a field that was decided in that row. over, stays, wanted, now: of its fields."""
    for column in np.flatnonzero(over | stays):
        name = mapping.target_fields[column].name
        file, line = mapping.rule_lines[name]
        settled = {SETTLED: agreed(wanted[column], now[column])} if stays[column] else {}
        yield Finding(
            WRITTEN_OVER if over[column] else STAYS,
            Severity.WARNS,
            {"field": name, "wins": mapping.wins[name].value, **settled},
            object=mapping.source.name,
            key=mapped.source_keys[row],
            field=name,
            mapping=mapping.name,
            file=file,
            line=line,
        )


def agreed(source: np.uint64, target: np.uint64) -> str:
    """What both sides held when the target won: digests."""
    return f"{int(source):016x}{int(target):016x}"


def unsay(
    session: Session, run_id: int, mapped: MappedChunk, findings: Sequence[Finding], ended: Sequence[Settled]
) -> None:
    """Take back what was said of writing over fields of records that were not written after all."""
    over = [each for each in findings if each.code == WRITTEN_OVER]
    if not over:
        return
    done = {each.our_key for each in ended if each.state == "acked"}
    written = {key for key, our_key in zip(mapped.source_keys, mapped.our_keys, strict=True) if our_key in done}
    undone = [each for each in over if each.key not in written]
    if undone:
        with session.ledger.transaction():
            runlog.take_out(session.ledger, run_id, undone)


def won_by_target(
    session: Session, mapping: CompiledMapping, keys: Sequence[str], source: Digests, target: Digests
) -> Marks:
    """Per row and field: it was decided that the target's value stays, and both sides hold what they held then. keys:
    source keys of the rows."""
    marks = np.zeros(source.shape, dtype=bool)
    known = decided.settled(session.ledger, mapping.source.name, mapping.name, STAYS, keys)
    names = [each.name for each in mapping.target_fields]
    row_of = {key: row for row, key in enumerate(keys)}
    for key, name, was in known:
        if name in names:
            row, column = row_of[key], names.index(name)
            marks[row, column] |= was == agreed(source[row, column], target[row, column])
    return marks
