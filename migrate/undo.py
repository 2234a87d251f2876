"""Take a run back, field by field, sparing whatever somebody did since. The forecast and the deed are one plan."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..connectors.cell import Cell
from ..connectors.change import Change, ChangeKind
from ..connectors.errors import DecisionError, InputError
from ..connectors.port import KEY
from ..mappings.compile import CompiledMapping
from ..runs.cells import decode_cells
from ..runs.ledger import operations, records
from ..runs.ledger.operations import Intent
from ..runs.ledger.records import RecordRow
from ..runs.values import PREIMAGE
from .answer import Planned
from .children import Children
from .fingerprint import TargetRows, find_rows, known_digests
from .send import Sender
from .session import Session, Tick

PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Spared:
    """What undo leaves alone and why: `undo.edited` (fields: edited since), `undo.children` (records that hang on it
    and are not ours, or stay), `undo.gone` (not there any more), `undo.conflict` (edited while we were at it)."""

    object: str
    our_key: str
    target_key: str
    code: str
    fields: tuple[str, ...] = ()
    children: int = 0


@dataclass
class Undone:
    """What an undo comes to. counts: (object, what) -> records; what: deleted, restored, released, spared, fields."""

    run: int
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    spared: list[Spared] = field(default_factory=list)


@dataclass
class _Record:
    """A record of the run: what the run did to it, what the ledger and the target say of it now."""

    our_key: str
    kinds: set[str]
    known: RecordRow
    target_key: str


@dataclass
class _Step:
    """What to do with one record: the change, and which fields the ledger forgets with it."""

    change: Change
    restored: tuple[str, ...] = ()


class Undo:
    """Undoes one run. `execute=False` only forecasts."""

    def __init__(self, session: Session, run_id: int, undo_run: int | None) -> None:
        self.session = session
        self.run = run_id
        self.undo_run = undo_run
        self.undone = Undone(run_id)
        self._members: dict[str, dict[str, _Record]] = {}
        self._going: dict[str, dict[str, str]] = {}
        self._let_go: set[tuple[str, str, str]] = set()
        later = operations.later_runs(session.ledger, run_id)
        if later:
            raise DecisionError("undo.later_runs", run=run_id, later=", ".join(str(each) for each in later))

    def go(self) -> Undone:
        """Put back what the run changed, then delete what it created, children before parents."""
        names = operations.objects_of(self.session.ledger, self.run)[::-1]
        for name in names:
            self._members[name] = {each.our_key: each for each in self._of_run(name)}
            self._going[name] = self._put_back(name, list(self._members[name].values()))
        children = {name: Children(self.session, name, list(self._going[name]), self._let_go) for name in names}
        for place, name in enumerate(names):
            self._spare_parents(children)
            self._delete(name, children[name], names[place + 1 :])
        return self.undone

    def _put_back(self, object_name: str, members: Sequence[_Record]) -> dict[str, str]:
        """Restore and release; returns target key -> our key of what may be deleted."""
        going: dict[str, str] = {}
        for mapping, rows in _by_mapping(self.session, members, object_name):
            for start in range(0, len(rows), PAGE):
                self.session.heed()
                page = rows[start : start + PAGE]
                for our_key, target_key in self._changed(mapping, page):
                    going[target_key] = our_key
                self.session.tick(Tick("undo", mapping.name, start + len(page), len(rows)))
        return going

    def _spare_parents(self, children: Mapping[str, Children]) -> None:
        """Take out of what goes whatever has children that are not ours, or that stay."""
        settled = False
        while not settled:
            settled = True
            for name, of_object in children.items():
                for target_key, count in of_object.keep(self._going).items():
                    our_key = self._going[name].pop(target_key)
                    self.undone.spared.append(Spared(name, our_key, target_key, "undo.children", (), count))
                    self.undone.counts[name, "spared"] += 1
                    settled = False

    def _of_run(self, object_name: str) -> Iterator[_Record]:
        """The records this run touched, with everything it did to each."""
        after = (0, "")
        kinds: dict[str, set[str]] = defaultdict(set)
        while page := operations.done_by(self.session.ledger, self.run, object_name, after, PAGE):
            for batch, our_key, kind, _ in page:
                kinds[our_key].add(kind)
                after = (batch, our_key)
        known = records.lookup(self.session.ledger, object_name, list(kinds))
        for our_key, done in kinds.items():
            record = known.get(our_key)
            if record is not None and record.target_key is not None:
                yield _Record(our_key, done, record, record.target_key)

    def _changed(self, mapping: CompiledMapping, page: Sequence[_Record]) -> Iterator[tuple[str, str]]:
        """Restore and release what was changed or adopted; yield (our key, target key) of what may be deleted."""
        names = [each.name for each in mapping.target_fields]
        fieldset = records.fieldset(self.session.ledger, mapping.target.name, mapping.name, mapping.digest, names)
        target = find_rows(self.session, mapping, KEY, [each.target_key for each in page])
        _, back = known_digests(self.session, [each.known for each in page], names, fieldset)
        images = self.session.values.get_many(
            PREIMAGE, str(self.run), mapping.target.name, [each.our_key for each in page]
        )
        steps: list[tuple[_Record, _Step]] = []
        for place, record in enumerate(page):
            spot = target.row_of.get(record.target_key)
            if spot is None:
                self._spare(mapping, record, "undo.gone")
                continue
            edited = (target.digests[spot] != back[place]) & (back[place] != 0)
            if "create" in record.kinds:
                if edited.any():
                    self._spare(mapping, record, "undo.edited", tuple(names[c] for c in np.flatnonzero(edited)))
                else:
                    yield record.our_key, record.target_key
                continue
            image = decode_cells(images[record.our_key]) if record.our_key in images else {}
            steps.append((record, self._step(mapping, record, target, spot, edited, names, image)))
        self._apply(mapping, fieldset, [(record, step) for record, step in steps if _does(step)])

    def _step(
        self,
        mapping: CompiledMapping,
        record: _Record,
        target: TargetRows,
        spot: int,
        edited: np.ndarray,
        names: Sequence[str],
        image: Mapping[str, Cell],
    ) -> _Step:
        """Put back what the run wrote over, except where somebody wrote since."""
        spared = tuple(name for name in image if name in names and edited[names.index(name)])
        if spared:
            self._spare(mapping, record, "undo.edited", spared)
        there: dict[str, Cell] = {name: target.columns[name][spot].as_py() for name in image if name in names}
        values = {name: image[name] for name, cell in there.items() if name not in spared and cell != image[name]}
        now = {name: there[name] for name in values}
        if self.undo_run is None:
            self._let_go |= {(mapping.target.name, record.target_key, name) for name in values}
        kind = ChangeKind.RELEASE if "adopt" in record.kinds else ChangeKind.UPDATE
        return _Step(Change(kind, record.our_key, record.target_key, values, now or None), tuple(values))

    def _apply(self, mapping: CompiledMapping, fieldset: int, steps: Sequence[tuple[_Record, _Step]]) -> None:
        what = {ChangeKind.RELEASE: "released", ChangeKind.UPDATE: "restored"}
        for _, step in steps:
            self.undone.counts[mapping.target.name, "fields"] += len(step.restored)
        if self.undo_run is None:
            for _, step in steps:
                self.undone.counts[mapping.target.name, what[step.change.kind]] += 1
            return
        by_key = {step.change.our_key: (record, step) for record, step in steps}
        planned = [
            Planned(
                step.change,
                Intent(
                    step.change.our_key,
                    step.change.kind,
                    step.change.target_key,
                    record.known.sent,
                    None,
                    what[step.change.kind],
                ),
                "gone" if step.change.kind is ChangeKind.RELEASE else "live",
            )
            for record, step in steps
        ]
        sender = Sender(self.session, self.undo_run)
        ended = sender.send(
            mapping.name, mapping.target.name, None, steps[0][0].known.fieldset if steps else fieldset, planned
        )
        restored: list[tuple[_Record, _Step]] = []
        for each in ended:
            record, step = by_key[each.our_key]
            if each.state != "acked":
                self._spare(mapping, record, "undo.conflict", step.restored)
                continue
            self.undone.counts[mapping.target.name, what[step.change.kind]] += 1
            if step.change.kind is ChangeKind.UPDATE:
                restored.append((record, step))
        self._forget(mapping, fieldset, restored)

    def _forget(self, mapping: CompiledMapping, fieldset: int, restored: Sequence[tuple[_Record, _Step]]) -> None:
        """What was put back is not what we sent: the next run may write it again, over exactly this."""
        if not restored:
            return
        names = [each.name for each in mapping.target_fields]
        sent, back = known_digests(self.session, [record.known for record, _ in restored], names, fieldset)
        target = find_rows(self.session, mapping, KEY, [record.target_key for record, _ in restored])
        rows: list[tuple[int, bytes, bytes, int, str]] = []
        for place, (record, step) in enumerate(restored):
            columns = [names.index(name) for name in step.restored]
            spot = target.row_of.get(record.target_key)
            sent[place, columns] = 0
            if spot is not None:
                back[place, columns] = target.digests[spot, columns]
            rows.append((fieldset, sent[place].tobytes(), back[place].tobytes(), self.undo_run or 0, record.our_key))
        with self.session.ledger.transaction():
            records.rebase(self.session.ledger, mapping.target.name, rows)

    def _delete(self, object_name: str, children: Children, later: Sequence[str]) -> None:
        """Delete what the run created of an object, leaves first. later: objects whose turn comes after this one; what
        of them refers to these records is a cut reference, and is emptied."""
        going = self._going[object_name]
        if self.undo_run is not None:
            for name in later:
                held = [
                    self._members[name][self._going[name][key]]
                    for key in sorted(children.of(name))
                    if key in self._going[name]
                ]
                for mapping, rows in _by_mapping(self.session, held, name):
                    self._loosen(mapping, rows, object_name)
        for level, cycle in children.levels(going):
            rows_of_level = [self._members[object_name][going[key]] for key in level]
            if self.undo_run is None:
                self.undone.counts[object_name, "deleted"] += len(level)
                continue
            for mapping, rows in _by_mapping(self.session, rows_of_level, object_name):
                if cycle:
                    self._loosen(mapping, rows, object_name)
                for start in range(0, len(rows), PAGE):
                    self._delete_page(mapping, rows[start : start + PAGE])

    def _loosen(self, mapping: CompiledMapping, rows: Sequence[_Record], object_name: str) -> None:
        """Empty the references by which these records hold records of the object."""
        optional = {field.name for field in mapping.target_fields if not field.required}
        empty: dict[str, Cell] = {
            name: None
            for name, parent in mapping.references.items()
            if name in optional and self.session.mappings[parent].target.name == object_name
        }
        names = [each.name for each in mapping.target_fields]
        fieldset = records.fieldset(self.session.ledger, mapping.target.name, mapping.name, mapping.digest, names)
        for start in range(0, len(rows), PAGE):
            page = {each.our_key: each for each in rows[start : start + PAGE]}
            planned = [
                Planned(
                    Change(ChangeKind.UPDATE, each.our_key, each.target_key, empty),
                    Intent(each.our_key, ChangeKind.UPDATE, each.target_key, each.known.sent, None, "deleted"),
                )
                for each in page.values()
            ]
            ended = Sender(self.session, self.undo_run or 0).send(
                mapping.name, mapping.target.name, None, next(iter(page.values())).known.fieldset, planned
            )
            step = _Step(planned[0].change, tuple(empty))
            self._forget(mapping, fieldset, [(page[each.our_key], step) for each in ended if each.state == "acked"])

    def _delete_page(self, mapping: CompiledMapping, page: Sequence[_Record]) -> None:
        target = find_rows(self.session, mapping, KEY, [each.target_key for each in page])
        planned = []
        for record in page:
            spot = target.row_of.get(record.target_key)
            if spot is None:
                continue
            now: dict[str, Cell] = {name: column[spot].as_py() for name, column in target.columns.items()}
            change = Change(ChangeKind.DELETE, record.our_key, record.target_key, {}, now)
            planned.append(
                Planned(
                    change, Intent(record.our_key, ChangeKind.DELETE, record.target_key, None, None, "deleted"), "gone"
                )
            )
        by_key = {each.our_key: each for each in page}
        for each in Sender(self.session, self.undo_run or 0).send(
            mapping.name, mapping.target.name, None, None, planned
        ):
            if each.state == "acked":
                self.undone.counts[mapping.target.name, "deleted"] += 1
            else:
                self._spare(mapping, by_key[each.our_key], "undo.conflict")
                self._going[mapping.target.name].pop(by_key[each.our_key].target_key)

    def _spare(self, mapping: CompiledMapping, record: _Record, code: str, fields: tuple[str, ...] = ()) -> None:
        self.undone.spared.append(Spared(mapping.target.name, record.our_key, record.target_key, code, fields))
        self.undone.counts[mapping.target.name, "spared"] += 1


def _does(step: _Step) -> bool:
    return bool(step.change.values) or step.change.kind is ChangeKind.RELEASE


def _by_mapping(
    session: Session, members: Sequence[_Record], object_name: str
) -> Iterator[tuple[CompiledMapping, list[_Record]]]:
    groups: dict[str, list[_Record]] = defaultdict(list)
    for each in members:
        groups[each.known.mapping].append(each)
    for name, rows in groups.items():
        mapping = session.mappings.get(name)
        if mapping is None or mapping.target.name != object_name:
            raise InputError("undo.mapping_gone", mapping=name, object=object_name)
        yield mapping, rows
