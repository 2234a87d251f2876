"""Plan updates of records that are ours already: only what changed, and never over somebody else's edit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ...connectors.cell import Cell
from ...connectors.change import Change, ChangeKind
from ...connectors.finding import Finding
from ...connectors.port import KEY
from ...mappings.compile import CompiledMapping
from ...runs.cells import encode_cells
from ...runs.digest import field_digests
from ...runs.ledger.operations import Intent
from ...runs.values import PREIMAGE
from ..fingerprint import UNKNOWN, Digests, Marks, TargetRows, find_rows
from ..sending.answer import Planned
from ..sending.siblings import parent_field
from ..session import Session
from .classify import Sorted
from .references import Resolved
from .rehearsal import UNBORN
from .wins import asked_code, decide, told


@dataclass
class UpdatePlan:
    """rows: those to be written, with `planned` in the same order, and sent, written, before a row each (see
    readback). conflicts: row -> (code, field). settled: row -> (sent, back) where both sides agree already. stays: the
    same of rows that are written, where the target wins a field or the mapping has got another meaning. decided: one
    finding a field that somebody won. images: what the target holds now, for undo."""

    rows: list[int] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    conflicts: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    settled: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    stays: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    decided: list[Finding] = field(default_factory=list)
    images: list[tuple[str, str, str, str, bytes]] = field(default_factory=list)
    sent: list[Digests] = field(default_factory=list)
    written: list[Marks] = field(default_factory=list)
    before: list[Digests] = field(default_factory=list)


@dataclass(frozen=True)
class _Verdict:
    """Per row and field: write it; agreed already; both sides changed it and nobody wins; it is written though somebody
    else changed it; it stays because somebody else did."""

    write: Marks
    same: Marks
    clash: Marks
    over: Marks
    stays: Marks


def plan_updates(
    session: Session,
    mapping: CompiledMapping,
    run_id: int,
    rows: Sorted,
    changed: Sequence[int],
    cells: Sequence[Mapping[str, Cell]],
    resolved: Resolved,
    empty: Collection[int],
) -> UpdatePlan:
    """Read the target's rows of these records and decide field by field (DESIGN §6.10). A field whose target value is
    no longer what we last read back is a conflict, unless it already holds what the source says. empty: rows that
    still wait for a parent and stay pending."""
    plan = UpdatePlan()
    names = [each.name for each in mapping.target_fields]
    target_keys = [known.target_key or "" if (known := rows.known[row]) else "" for row in changed]
    born = [key for key in target_keys if not key.startswith(UNBORN)]
    target = find_rows(session, mapping, KEY, sorted(set(born)))
    found = _Found(plan, mapping, run_id, rows, empty, _nothing(session))
    missing = _missing(resolved, names, changed)
    there: list[int] = []
    for place, key in enumerate(target_keys):
        if key in target.row_of:
            there.append(place)
        elif key.startswith(UNBORN):
            found.unborn(changed[place], cells[place], rows.differs[changed[place]] & ~missing[place])
        else:
            plan.conflicts[changed[place]] = ("target.gone", None)
    if there:
        subset = [changed[place] for place in there]
        spots = [target.row_of[target_keys[place]] for place in there]
        keys = [target_keys[place] for place in there]
        verdict = _judge(session, mapping, rows, subset, keys, target.digests[spots], missing[there])
        for position, place in enumerate(there):
            found.row(changed[place], cells[place], target, spots[position], verdict, position)
    return plan


def _judge(
    session: Session,
    mapping: CompiledMapping,
    rows: Sorted,
    subset: Sequence[int],
    target_keys: Sequence[str],
    now: Digests,
    missing: Marks,
) -> _Verdict:
    nothing = _nothing(session)
    only_empty = np.array([mapping.write_policy[each.name] == "only_if_empty" for each in mapping.target_fields])
    wanted, back = rows.digests[subset], rows.back[subset]
    empty = now == nothing
    wants = rows.differs[subset] & ~missing & (empty | ~only_empty | (wanted == now))
    same = wants & (now == wanted)
    untouched = (now == back) | empty & (back == 0)
    clash = wants & ~same & ~untouched
    decided = decide(session, mapping, clash, [rows.mapped.source_keys[row] for row in subset], target_keys)
    return _Verdict(wants & ~same & ~clash | decided.over, same, decided.asks, decided.over, decided.stays)


def _nothing(session: Session) -> np.uint64:
    """The digest of an empty cell."""
    return np.uint64(field_digests([pa.array([None], pa.string())], session.keys.digest)[0, 0])


def _missing(resolved: Resolved, names: Sequence[str], subset: Sequence[int]) -> Marks:
    """Where a reference's parent is not there yet: such a field waits (the record stays pending)."""
    marks = np.zeros((len(subset), len(names)), dtype=bool)
    for name, mask in resolved.missing.items():
        marks[:, names.index(name)] = mask[list(subset)]
    return marks


@dataclass
class _Found:
    """Puts the verdict on each row into the plan."""

    plan: UpdatePlan
    mapping: CompiledMapping
    run_id: int
    rows: Sorted
    empty: Collection[int]
    nothing: np.uint64

    def row(
        self, row: int, cells: Mapping[str, Cell], target: TargetRows, spot: int, verdict: _Verdict, place: int
    ) -> None:
        names = [each.name for each in self.mapping.target_fields]
        write, same, clash = verdict.write[place], verdict.same[place], verdict.clash[place]
        if clash.any():
            name = names[int(np.flatnonzero(clash)[0])]
            self.plan.conflicts[row] = (asked_code(self.mapping, name), name)
            return
        over, stays, now, wanted = (
            verdict.over[place],
            verdict.stays[place],
            target.digests[spot],
            self.rows.digests[row],
        )
        self.plan.decided += told(self.mapping, self.rows.mapped, row, over, stays, wanted, now)
        sent = np.where(write | same | stays, wanted, self.rows.sent[row])
        back = np.where(same, now, self.rows.back[row])  # what stays is somebody's, and never written by us
        if not write.any():
            self.plan.settled[row] = (sent.tobytes(), back.tobytes())
            return
        if stays.any() or self.rows.renamed[row]:  # what was read back is to be known, also by who finds this half done
            kept = np.where(stays, wanted, self.rows.sent[row])
            self.plan.stays[row] = kept.tobytes(), self.rows.back[row].tobytes()
        image: dict[str, Cell] = {
            name: target.columns[name][spot].as_py() for name, marked in zip(names, write, strict=True) if marked
        }
        self._write(row, target.keys[spot], cells, write, sent, back, image)
        place_of_image = (PREIMAGE, str(self.run_id), self.mapping.target.name, self.rows.mapped.our_keys[row])
        self.plan.images.append((*place_of_image, encode_cells(image)))

    def unborn(self, row: int, cells: Mapping[str, Cell], write: Marks) -> None:
        """A record that a dry run has just created, or adopted in a target that it leaves as it is: it holds what it
        was seen to hold or what was sent, else nothing, and nobody has edited it."""
        now = np.where(self.rows.back[row] == UNKNOWN, self.rows.sent[row], self.rows.back[row])
        now = np.where(now == UNKNOWN, self.nothing, now)
        alone = np.array(
            [self.mapping.write_policy[each.name] == "only_if_empty" for each in self.mapping.target_fields]
        )
        write = write & (self.rows.digests[row] != now) & ((now == self.nothing) | ~alone)
        sent = np.where(write, self.rows.digests[row], self.rows.sent[row])
        known = self.rows.known[row]
        if write.any():
            self._write(row, (known.target_key if known else "") or "", cells, write, sent, self.rows.back[row], None)
        else:
            self.plan.settled[row] = (sent.tobytes(), self.rows.back[row].tobytes())

    def _write(
        self,
        row: int,
        target_key: str,
        cells: Mapping[str, Cell],
        write: Marks,
        sent: Digests,
        back: Digests,
        image: Mapping[str, Cell] | None,
    ) -> None:
        our_key = self.rows.mapped.our_keys[row]
        known = self.rows.known[row]
        names = [each.name for each in self.mapping.target_fields]
        values = {name: cells[name] for name, wanted in zip(names, write, strict=True) if wanted}
        born_here = known is not None and known.run == self.run_id and known.bucket in ("created", "pending")
        waits = row in self.empty
        bucket = "created" if born_here else "updated"  # also of one that waits: it is counted so once it is filled
        marks = write.astype(np.uint8).tobytes()
        intent = Intent(our_key, ChangeKind.UPDATE, target_key, sent.tobytes(), marks, bucket)
        change = Change(ChangeKind.UPDATE, our_key, target_key, values, image)
        self.plan.rows.append(row)
        parent = cells.get(parent_field(self.mapping) or "")
        record = "pending" if waits else "live"
        self.plan.planned.append(Planned(change, intent, record, None if parent is None else str(parent)))
        self.plan.sent.append(sent)
        self.plan.written.append(write)
        self.plan.before.append(back)
