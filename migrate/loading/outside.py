"""References that leave the scope: the parent is left out by its mapping, or not in the source at all.

Whether a parent will come is asked of the source itself, when the reference is first met: that answer is right in a
whole run and in one of a few records, after a crash, and whatever the source has become since. A parent that is in the
target, or in the same chunk, is not asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...mappings.language import Outside
from ...mappings.left_out import Cause
from ...mappings.mapped import MappedChunk, branch_suffix, make_our_key
from ...mappings.people_cells import UNFOUND
from ...runs.ledger import records
from ...runs.report.model import Table, Text
from ..fingerprint import Marks, arrow_column
from ..session import Session
from .parked import find_pieces
from .stub_records import without_stubs
from .tally import Tally, chosen, parts_of

NAMED = 5
"""Records that are named of each cause in a chunk; the others are counted."""

LEFT_OUT, ABSENT, UNKNOWN = "left_out", "absent", "unknown"
"""Why a reference leaves the scope: its parent is left out by the mapping, is not in the source, or, of a person or
department, is none of the target."""

_TALLIED = "outside"
CODES = {
    Outside.ERROR: "reference.outside",
    Outside.NULL: "reference.nulled",
    Outside.SKIP: "reference.skipped",
    Outside.STUB: "reference.stubbed",
}
SEVERITIES = {
    Outside.ERROR: Severity.BLOCKS,
    Outside.NULL: Severity.WARNS,
    Outside.SKIP: Severity.WARNS,
    Outside.STUB: Severity.WARNS,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """field: the target's. policy: what was done. why: see above."""

    field: str
    policy: Outside
    why: str


@dataclass
class Scoped:
    """A chunk less the records that are skipped, its references emptied where the mapping says so. rows: reason ->
    rows of it. skipped: reason -> number. keys: of the skipped, our key -> reason. stubs: mapping -> our keys of
    parents that stubs have to stand for."""

    mapped: MappedChunk
    findings: list[Finding] = field(default_factory=list)
    rows: dict[Reason, Marks] = field(default_factory=dict)
    skipped: dict[str, Reason] = field(default_factory=dict)
    stubs: dict[str, set[str]] = field(default_factory=dict)

    @property
    def left(self) -> Counter[Cause]:
        """What left records out: the mapping itself, or a reference."""
        return self.mapped.left + Counter(Cause("outside", each.field, "") for each in self.skipped.values())

    def counted(self, buckets: Sequence[str]) -> Counter[Reason]:
        """How many references of each reason. buckets: what became of the rows; those that were not come to, or were
        rejected for something else, do not count."""
        counts = Counter(self.skipped.values())
        through = np.array([bucket not in ("", "rejected") for bucket in buckets], dtype=bool)
        rejected = np.array([bucket == "rejected" for bucket in buckets], dtype=bool)
        for reason, marks in self.rows.items():
            counts[reason] += int((marks & (rejected if reason.policy is Outside.ERROR else through)).sum())
        return counts


def scoped(session: Session, mapping: CompiledMapping, mapped: MappedChunk, *, asks: bool = True) -> Scoped:
    """What `outside` makes of this chunk. asks: of references too, for which the source has to be asked; else only of
    people."""
    return _Scope(session, asks).of(mapping, mapped) if mapping.outside and len(mapped) else Scoped(mapped)


def leaving(session: Session, maker: CompiledMapping, our_keys: Iterable[str]) -> dict[str, str]:
    """Of these records that the mapping would make and that are not in the target: those that never come, and why."""
    return _Scope(session, asks=True).leaving(maker, our_keys)


class _Scope:
    """asked: parents of which it was asked whether they come, while one chunk is looked at."""

    def __init__(self, session: Session, asks: bool) -> None:
        self._session = session
        self._asks = asks
        self._asked: dict[str, dict[str, str | None]] = {}

    def of(self, mapping: CompiledMapping, mapped: MappedChunk) -> Scoped:
        skipped: dict[int, Reason] = {}
        while True:
            found = dict(self._found(mapping, mapped, {mapped.our_keys[row] for row in skipped}))
            more = {row: each for each, marks in found.items() if each.policy is Outside.SKIP for row in chosen(marks)}
            if more.keys() <= skipped.keys():  # else they may be the parents of others in this chunk
                break
            skipped = more | skipped
        return _applied(mapping, mapped, found, skipped)

    def _found(
        self, mapping: CompiledMapping, mapped: MappedChunk, skipped: set[str]
    ) -> Iterable[tuple[Reason, Marks]]:
        for name, policy in mapping.outside.items():
            referred = mapping.references.get(name)
            if referred is None:
                marks = np.zeros(len(mapped), dtype=bool)
                marks[[each.row for each in mapped.misfits if each.field == name and each.code in UNFOUND]] = True
                yield Reason(name, policy, UNKNOWN), marks
            if referred is None or not self._asks:
                continue
            parents = arrow_column(mapped.frame, name).to_pylist()
            whys = dict.fromkeys(skipped, LEFT_OUT) if mapping.name in referred else {}
            for maker, keys in mapping.by_maker(name, set(parents) - {None}).items():
                whys = self._leaving(self._session.mappings[maker], mapping, mapped, set(keys)) | whys
            for why in (LEFT_OUT, ABSENT):
                yield Reason(name, policy, why), np.array([whys.get(each) == why for each in parents], dtype=bool)

    def _leaving(
        self, parent: CompiledMapping, child: CompiledMapping, mapped: MappedChunk, wanted: set[str]
    ) -> dict[str, str]:
        """Of these parents, those that will not come, and why."""
        if parent.name == child.name:
            wanted = wanted - set(mapped.our_keys)
        there = records.target_keys(self._session.ledger, parent.target.name, sorted(wanted))
        there = without_stubs(self._session, parent, there)
        known = self._asked.setdefault(parent.name, {})
        missing = sorted(wanted - there.keys() - known.keys())
        known |= dict.fromkeys(missing)  # while they are asked for, and in a circle, they count as coming
        known |= self._ask(parent, missing)
        return {key: why for key in wanted - there.keys() if (why := known[key]) is not None}

    def leaving(self, maker: CompiledMapping, our_keys: Iterable[str]) -> dict[str, str]:
        return self._ask(maker, sorted(our_keys))

    def _ask(self, parent: CompiledMapping, our_keys: Sequence[str]) -> dict[str, str]:
        place = parent.system, parent.source.name
        before, behind = make_our_key(*place, ""), branch_suffix(parent.branch)
        keys = {key.removeprefix(before).removesuffix(behind): key for key in our_keys}
        gone: dict[str, str] = {}
        for wanted, chunk in find_pieces(self._session.source, parent, list(keys), parent.source_fields):
            gone |= dict.fromkeys((keys[key] for key in set(wanted) - set(chunk.keys)), ABSENT)
            moves = parent.apply(chunk, self._session.people)
            if Outside.SKIP in parent.outside.values():
                moves = self.of(parent, moves).mapped
            left = set(chunk.keys) - set(moves.source_keys)
            gone |= dict.fromkeys((keys[key] for key in left if key in keys), LEFT_OUT)
        return gone


def _applied(
    mapping: CompiledMapping, mapped: MappedChunk, found: Mapping[Reason, Marks], skipped: Mapping[int, Reason]
) -> Scoped:
    stays = np.ones(len(mapped), dtype=bool)
    stays[list(skipped)] = False
    bad = np.zeros(len(mapped), dtype=bool)
    for reason, marks in found.items():
        if reason.policy is Outside.ERROR:
            bad |= marks
    result = Scoped(mapped, skipped={mapped.our_keys[row]: reason for row, reason in skipped.items()})
    for reason, marks in found.items():
        told = marks & stays if reason.policy is Outside.ERROR else marks & stays & ~bad
        if reason.policy is Outside.SKIP:
            told = np.array([skipped.get(row) == reason for row in range(len(mapped))], dtype=bool)
        if not told.any():
            continue
        result.findings += _findings(mapping, mapped, reason, chosen(told))
        if reason.policy is Outside.NULL:
            _empty(mapped, reason, told)
        if reason.policy is not Outside.SKIP:
            result.rows[reason] = told[stays]
    result.stubs = _stood_for(mapping, mapped, found, stays & ~bad)
    if skipped:
        left = [mapped.source_keys[row] for row in skipped]
        result.mapped = replace(mapped.without(skipped), filtered_keys=[*mapped.filtered_keys, *left])
    return result


def _stood_for(
    mapping: CompiledMapping, mapped: MappedChunk, found: Mapping[Reason, Marks], goes: Marks
) -> dict[str, set[str]]:
    """The parents of the rows that go for which stubs are to stand, by mapping."""
    stubs: dict[str, set[str]] = {}
    for reason in (each for each in found if each.policy is Outside.STUB):
        parents = arrow_column(mapped.frame, reason.field).filter(pa.array(found[reason] & goes)).to_pylist()
        for maker, keys in mapping.by_maker(reason.field, set(parents)).items():
            stubs.setdefault(maker, set()).update(keys)
    return stubs


def _empty(mapped: MappedChunk, reason: Reason, rows: Marks) -> None:
    column = arrow_column(mapped.frame, reason.field)
    emptied = pc.if_else(pa.array(rows), pa.scalar(None, column.type), column)
    mapped.frame[reason.field] = pd.Series(pd.arrays.ArrowExtensionArray(emptied), copy=False)
    if reason.why == UNKNOWN:
        mapped.misfits = [each for each in mapped.misfits if not (each.field == reason.field and rows[each.row])]


def _findings(mapping: CompiledMapping, mapped: MappedChunk, reason: Reason, rows: Sequence[int]) -> Iterable[Finding]:
    """Of what rejects its record, one for each; else the first few by key, and the number of the rest."""
    file, line = mapping.rule_lines[reason.field]
    finding = Finding(
        CODES[reason.policy],
        SEVERITIES[reason.policy],
        {"why": f"@outside.{reason.why}"},
        object=mapping.source.name,
        mapping=mapping.name,
        field=reason.field,
        file=file,
        line=line,
    )
    named = rows if reason.policy is Outside.ERROR else rows[:NAMED]
    yield from (replace(finding, key=mapped.source_keys[row]) for row in named)
    if rest := len(rows) - len(named):
        yield replace(finding, params={**finding.params, "count": rest})


def tally_outside(tally: Tally, counts: Mapping[Reason, int]) -> None:
    """Count them with the run's progress, so that they survive a crash as its other counts do."""
    for each, number in counts.items():
        tally.add("\t".join((_TALLIED, each.field, each.policy, each.why)), number)


def tallied(counts: Mapping[str, int]) -> Counter[Reason]:
    """What `tally_outside` has counted."""
    told = parts_of(counts, _TALLIED)
    return Counter({Reason(name, Outside(policy), why): number for (name, policy, why), number in told})


def outside_table(counts: Mapping[str, Mapping[Reason, int]]) -> tuple[Table, ...]:
    """counts: by mapping. By field, what was done how often, and why; no table where nothing was."""
    rows = tuple(
        (name, each.field, Text(f"outside.{each.policy}"), Text(f"outside.{each.why}"), number)
        for name, found in counts.items()
        for each, number in sorted(found.items(), key=lambda pair: (pair[0].field, pair[0].policy, pair[0].why))
        if number
    )
    columns = ("column.mapping", "column.field", "column.outside", "column.why", "column.number")
    return (Table(Text("table.outside"), columns, rows),) if rows else ()


def outside_told(counts: Mapping[str, Mapping[Reason, int]]) -> list[dict[str, str | int]]:
    """The same for the JSON document."""
    return [
        {"mapping": name, "field": each.field, "outside": each.policy.value, "why": each.why, "count": number}
        for name, found in counts.items()
        for each, number in found.items()
        if number
    ]
