"""Read back what was written: the target's own word that it is there, and what it made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..connectors.finding import Finding, Severity
from ..connectors.port import KEY, OUR_KEY, OurKeyPlace
from ..mappings.compile import CompiledMapping
from ..runs.digest import pack
from ..runs.ledger import operations
from .fingerprint import Digests, Marks, find_rows
from .session import Session
from .tally import chosen


@dataclass(frozen=True, slots=True)
class Written:
    """Records that the target acknowledged: a row each. sent: digests of all fields. written: which of them this write
    touched. before: the digests last read back, kept for the fields it did not touch."""

    our_keys: Sequence[str]
    source_keys: Sequence[str]
    target_keys: Sequence[str]
    sent: Digests
    written: Marks
    before: Digests


def read_back(session: Session, mapping: CompiledMapping, done: Written, batches: Sequence[int]) -> list[Finding]:
    """Compare the target's rows with what was sent and keep the digests as read. Findings: `readback.diverged` for each
    field that the target holds differently, `readback.missing` for a record that it acknowledged and does not show."""
    if not done.our_keys or session.rehearsal:
        return []
    session.clock.sleep(session.target.capabilities.read_back_lag.total_seconds())
    ours = session.target.capabilities.our_key is not OurKeyPlace.NONE
    keys = done.our_keys if ours else done.target_keys
    rows = find_rows(session, mapping, OUR_KEY if ours else KEY, list(keys))
    place_of = {key: row for row, key in enumerate(rows.our_keys if ours else rows.keys)}
    places = np.array([place_of.get(key, -1) for key in keys])
    there = places >= 0
    now = np.zeros_like(done.sent)
    now[there] = rows.digests[places[there]]
    back = np.where(done.written, now, done.before)
    off = done.written & (now != done.sent)
    equal = there & ~off.any(axis=1)
    operations.verify(
        session.ledger,
        mapping.target.name,
        [(key, packed, bool(same)) for key, packed, same in zip(done.our_keys, pack(back), equal, strict=True)],
        batches,
    )
    return _findings(mapping, done, there, off)


def _findings(mapping: CompiledMapping, done: Written, there: Marks, off: Marks) -> list[Finding]:
    found = []
    for row in chosen(~there | off.any(axis=1)):
        source_key = done.source_keys[row]
        if not there[row]:
            found.append(
                Finding(
                    "readback.missing",
                    Severity.WARNS,
                    {"object": mapping.target.name},
                    object=mapping.source.name,
                    key=source_key,
                    mapping=mapping.name,
                )
            )
            continue
        for column in chosen(off[row]):
            field = mapping.target_fields[column].name
            file, line = mapping.rule_lines.get(field, (mapping.file, None))
            found.append(
                Finding(
                    "readback.diverged",
                    Severity.WARNS,
                    {"field": field},
                    object=mapping.source.name,
                    key=source_key,
                    field=field,
                    mapping=mapping.name,
                    file=file,
                    line=line,
                )
            )
    return found
