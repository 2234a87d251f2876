"""Sort a mapped chunk against the ledger: what is new, what changed, what is as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ...runs.ledger import operations, records
from ...runs.ledger.records import RecordRow
from ..fingerprint import UNKNOWN, Digests, Marks, known_digests, mapped_digests
from ..session import Session
from ..settling.sweep import SEVERAL, UNCOMPARED
from .stub_records import stubs_among
from .tally import chosen

_AT_MOST = ("only_create", "never")
_ITS_OWN = frozenset({"target.gone", "target.taken"})
"""Refused for what has become of the target's record since it was found, not for the cells: to be looked for anew."""


@dataclass
class Sorted:
    """A chunk's rows by what the ledger knows of them.

    digests: of the mapped cells, rows x fields, 0 for those that are never written. sent, back: of the ledger, 0 where
    it knows nothing. differs: where digests and sent are not the same, of fields that may be written to an existing
    record. known: the ledger's record a row. renamed: where the ledger has its digests under another meaning of the
    mapping, and it is no stub. rejected: rows our own rules refuse. refused: rows the target refused
    before, unchanged since, with the field that it named. new, changed, unchanged: the rest.
    """

    mapped: MappedChunk
    digests: Digests
    sent: Digests
    back: Digests
    differs: Marks
    known: list[RecordRow | None]
    renamed: Marks
    rejected: list[int] = field(default_factory=list)
    refused: dict[int, str | None] = field(default_factory=dict)
    new: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)


def classify(
    session: Session,
    mapping: CompiledMapping,
    fieldset: int,
    mapped: MappedChunk,
    findings: Sequence[Finding],
    insist: bool = False,
) -> Sorted:
    """Sort the rows of one mapped chunk. findings: what the validators said of it. insist: what the target refused
    before is to be sent again, though it is the same."""
    names = [each.name for each in mapping.target_fields]
    digests = mapped_digests(mapping, mapped.frame, session.keys.digest)
    digests[:, [name in mapping.unwritten for name in names]] = UNKNOWN  # what is never sent is never known
    found = records.lookup(session.ledger, mapping.target.name, mapped.our_keys)
    known = [found.get(key) for key in mapped.our_keys]
    sent, back = np.zeros_like(digests), np.zeros_like(digests)
    there = [place for place, row in enumerate(known) if row is not None]
    if there:
        rows = [row for row in known if row is not None]
        sent[there], back[there] = known_digests(session, rows, names, fieldset)
    stubs = stubs_among(session, mapping, [row for row in known if row is not None])
    stands = np.array([row is not None and row.our_key in stubs for row in known], dtype=bool).reshape(-1, 1)
    once, never = (np.array([mapping.write_policy[name] == each for name in names], dtype=bool) for each in _AT_MOST)
    changeable = np.array([each.changeable for each in mapping.target_fields], dtype=bool)
    unborn = stands | _owed(mapping, names, known, sent)  # what stands for a record is not yet created as that one
    writable = ~never & (~once | unborn & changeable)
    renamed = np.array([row is not None and row.fieldset not in (None, fieldset) for row in known], dtype=bool)
    renamed &= ~stands[:, 0]
    result = Sorted(mapped, digests, sent, back, (digests != sent) & writable, known, renamed)
    refused = {} if insist else _refused_before(session, mapping, fieldset, mapped, known, digests)
    _spread(result, _blocked(mapped, findings), refused)
    return result


def _owed(mapping: CompiledMapping, names: Sequence[str], known: Sequence[RecordRow | None], sent: Digests) -> Marks:
    """References that a record of ours was created without, for it waits until they can be filled."""
    marks: Marks = sent == UNKNOWN
    marks &= np.array([name in mapping.references for name in names], dtype=bool)
    marks &= np.array(
        [row is not None and row.state == "pending" and not row.adopted for row in known], dtype=bool
    ).reshape(-1, 1)
    return marks


def _spread(result: Sorted, blocked: Marks, refused: Mapping[int, str | None]) -> None:
    in_target = np.array([row is not None and row.target_key is not None for row in result.known], dtype=bool)
    waiting = np.array([row is not None and row.state in ("conflicted", "pending") for row in result.known], dtype=bool)
    waiting[list(result.mapped.waiting)] = True
    differs = result.differs.any(axis=1) | waiting if len(result.known) else in_target
    again = np.zeros(len(blocked), dtype=bool)
    again[sorted(refused)] = True
    again &= ~blocked & (differs | ~in_target)
    result.rejected = chosen(blocked)
    result.refused = {row: refused[row] for row in chosen(again)}
    free = ~blocked & ~again
    result.new = chosen(free & ~in_target)
    result.changed = chosen(free & in_target & differs)
    result.unchanged = chosen(free & in_target & ~differs)


def _blocked(mapped: MappedChunk, findings: Sequence[Finding]) -> Marks:
    bad = {finding.key for finding in findings if finding.severity is Severity.BLOCKS}
    if not bad:
        return np.zeros(len(mapped), dtype=bool)
    return np.array([key in bad for key in mapped.source_keys], dtype=bool)


def _refused_before(
    session: Session,
    mapping: CompiledMapping,
    fieldset: int,
    mapped: MappedChunk,
    known: Sequence[RecordRow | None],
    digests: Digests,
) -> dict[int, str | None]:
    """Rows whose latest attempt the target refused and whose cells are still the same: row -> the field at fault. Also
    those that may be there already, as nobody but the operator can tell."""
    several = [place for place, row in enumerate(known) if row is not None and row.code in (SEVERAL, UNCOMPARED)]
    suspects = [
        place
        for place, row in enumerate(known)
        if row is not None and row.code is not None and row.code.startswith("target.") and row.code not in _ITS_OWN
    ]
    if not suspects:
        return dict.fromkeys(several)
    keys = [mapped.our_keys[place] for place in suspects]
    refused = operations.last_refused(session.ledger, mapping.target.name, keys)
    return dict.fromkeys(several) | {
        place: refused[key][2]
        for place, key in zip(suspects, keys, strict=True)
        if key in refused and refused[key][:2] == (fieldset, digests[place].tobytes())
    }
