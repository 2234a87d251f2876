"""DEGRADED mode: where our key cannot be asked for, what became of a create is told by reading the target's object and
comparing digests. No value is needed, so it works after a crash too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ...connectors.finding import Finding, Severity
from ...connectors.port import OurKeyPlace
from ...mappings.compile import CompiledMapping
from ...runs.digest import pack, unpack
from ...runs.ledger import operations, proofs, records, runlog
from ...runs.ledger.operations import OpenOperation, Settled
from ...runs.ledger.proofs import EFFECTS
from ..fingerprint import Digests, TargetRows
from ..proving.grade import grades
from ..session import Session, Tick

SEVERAL: Final = "degraded.several"
"""Why a create is in conflict: more records than one may be it."""
UNCOMPARED: Final = "degraded.uncompared"
"""The same: today's mappings have nothing of what it wrote to compare by."""
DUPLICATE: Final = "degraded.duplicate"
"""A record that is not ours and holds the same as one of ours."""
CHUNK = 20_000


def sweeps(session: Session, object_name: str) -> bool:
    """Whether a record of this object may be there although our key is not found: nothing else is degraded by the
    object's taking our key twice."""
    if session.target.capabilities.our_key is OurKeyPlace.NONE:
        return True
    if object_name not in session.degraded:
        return False
    [graded] = grades(proofs.of(session.ledger, object_name).values())
    return set(graded.reasons) != {"degraded.twice"}


def sweep(session: Session, mapping_name: str, members: Sequence[OpenOperation]) -> dict[str, Settled]:
    """Our key -> how each of these creates of one object is settled: done where exactly one record that the crosswalk
    does not know holds all that was written, not sent where none does, in conflict where there are more; of creates
    that are all alike, as many are done as there are records. What the target was seen to change by itself is not
    compared. The records that may be it are told in a finding of the operation's run. One with nothing left to compare
    by may be there, and is in conflict."""
    mapping = session.maker(mapping_name)
    object_name = members[0].object
    if mapping is None or mapping.target.name != object_name:
        return {each.our_key: Settled(each.our_key, "conflict", code=UNCOMPARED) for each in members}
    sought = _Sought(session, mapping, members)
    blind = [each for alike in sought.wanted.pop((), {}).values() for each in alike]
    answers = {each.our_key: Settled(each.our_key, "conflict", code=UNCOMPARED) for each in blind}
    for rows, foreign in _foreign(session, mapping) if sought.wanted else ():
        sought.look(rows, foreign)
    for alike, keys in sought.told():
        if len(keys) > len(alike):
            answers |= {each.our_key: Settled(each.our_key, "conflict", code=SEVERAL) for each in alike}
            _tell(session, mapping, alike, keys)
            continue
        for each, key in zip(alike, keys, strict=False):
            answers[each.our_key] = Settled(each.our_key, "acked", target_key=key)
        for each in alike[len(keys) :]:
            answers[each.our_key] = Settled(each.our_key, "not_sent", code="target.no_answer")
    return answers


def _foreign(session: Session, mapping: CompiledMapping) -> Iterator[tuple[TargetRows, list[int]]]:
    """The target object in chunks, and which rows of each the crosswalk does not know."""
    name, done = mapping.target.name, 0
    total = session.target.count(name)
    for chunk in session.target.read(name, [each.name for each in mapping.target_fields], size=CHUNK):
        session.interruption.check()
        rows = TargetRows(session, mapping, chunk)
        ours = records.our_keys(session.ledger, name, rows.keys)
        yield rows, [row for row, key in enumerate(rows.keys) if key not in ours]
        done += len(rows.keys)
        session.tick(Tick("sweep", name, done, total))


@dataclass
class _Sought:
    """Creates that are sought by what they wrote. wanted: columns compared -> packed digests -> the creates that are
    alike in them. found: the same -> target keys."""

    session: Session
    mapping: CompiledMapping
    members: Sequence[OpenOperation]
    wanted: dict[tuple[int, ...], dict[bytes, list[OpenOperation]]] = field(default_factory=dict)
    found: dict[tuple[int, ...], dict[bytes, list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [each.name for each in self.mapping.target_fields]
        changed = changed_by_target(self.session, self.mapping.target.name)
        for each in self.members:
            fields = records.fieldset_of(self.session.ledger, each.fieldset or 0).fields
            sent = dict(zip(fields, unpack([each.sent or b""], len(fields))[0], strict=True))
            marks = dict(zip(fields, each.written or b"", strict=True))
            columns = tuple(place for place, name in enumerate(names) if marks.get(name) and name not in changed)
            [digests] = pack(np.array([[sent[names[place]] for place in columns]], np.uint64))
            self.wanted.setdefault(columns, {}).setdefault(digests, []).append(each)

    def look(self, rows: TargetRows, places: Sequence[int]) -> None:
        for columns, alike in self.wanted.items():
            told = pack(rows.digests[np.ix_(places, columns)])
            for place, digests in zip(places, told, strict=True):
                if digests in alike:
                    self.found.setdefault(columns, {}).setdefault(digests, []).append(rows.keys[place])

    def told(self) -> Iterator[tuple[list[OpenOperation], list[str]]]:
        """Creates that are alike, and the target keys of what may be they."""
        for columns, groups in self.wanted.items():
            for digests, alike in groups.items():
                yield alike, self.found.get(columns, {}).get(digests, [])


def changed_by_target(session: Session, object_name: str) -> set[str]:
    """Fields that the proof found changed by the target itself."""
    effects = proofs.of(session.ledger, object_name).get(EFFECTS)
    told = effects.told.get("fields", ()) if effects is not None else ()
    return set(told) if isinstance(told, Sequence) else set()


def _tell(session: Session, mapping: CompiledMapping, alike: Sequence[OpenOperation], keys: Sequence[str]) -> None:
    by_run: dict[int, list[Finding]] = defaultdict(list)
    for each in alike:
        params: Mapping[str, str | int] = {"object": mapping.target.name, "keys": ", ".join(keys)}
        by_run[each.run].append(_finding(mapping, "degraded.candidates", Severity.HOLDS, each.source_key, params))
    with session.ledger.transaction():
        for run_id, findings in by_run.items():
            runlog.add_findings(session.ledger, run_id, findings)


def _finding(
    mapping: CompiledMapping, code: str, severity: Severity, key: str | None, params: Mapping[str, str | int]
) -> Finding:
    return Finding(code, severity, params, object=mapping.source.name, key=key, mapping=mapping.name, file=mapping.file)


def note_duplicates(session: Session, run_id: int) -> None:
    """At the end of a run: of each degraded object of which this run did not learn at once what became of a call, the
    records that hold in every mapped field what one of ours holds, and that are not ours. They are told and left."""
    if not session.degraded:
        return
    doubted = operations.doubted(session.ledger, run_id) & session.degraded
    findings = [
        finding
        for mapping in session.mappings.values()
        if mapping.target.name in doubted
        for finding in _duplicates(session, mapping)
    ]
    with session.ledger.transaction():
        runlog.forget_findings(session.ledger, run_id, DUPLICATE)
        runlog.add_findings(session.ledger, run_id, findings)


def _duplicates(session: Session, mapping: CompiledMapping) -> list[Finding]:
    """A number a record is kept in between, not the record."""
    ours: list[Digests] = []
    theirs: list[tuple[int, str]] = []
    for rows, foreign in _foreign(session, mapping):
        numbers = _numbers(rows.digests)
        own = np.ones(len(numbers), dtype=bool)
        own[foreign] = False
        ours.append(numbers[own])
        theirs += [(int(numbers[row]), rows.keys[row]) for row in foreign]
    known = np.concatenate(ours) if ours else np.zeros(0, np.uint64)
    twins = np.isin(np.array([number for number, _ in theirs], np.uint64), known)
    name = mapping.target.name
    return [
        _finding(mapping, DUPLICATE, Severity.WARNS, None, {"object": name, "key": key})
        for twin, (_, key) in zip(twins, theirs, strict=True)
        if twin
    ]


def _numbers(digests: Digests) -> np.ndarray:
    """One number for all fields of a row; two rows have the same only where all their digests are the same, but for a
    chance of one in 2**64."""
    weights = np.arange(1, digests.shape[1] + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1)
    with np.errstate(over="ignore"):
        mixed = (digests ^ (digests >> np.uint64(31))) * weights
        return np.asarray(mixed.sum(axis=1, dtype=np.uint64))
