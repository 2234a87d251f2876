"""What undo would do with the records of a run, a page at a time, judged from the target as it is now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...connectors.cell import Cell
from ...connectors.errors import InputError
from ...connectors.port import KEY, OurKeyPlace
from ...mappings.compile import CompiledMapping
from ...runs.cells import decode_cells
from ...runs.ledger import decided, records, undone
from ...runs.ledger.records import RecordRow
from ...runs.ledger.undone import Did
from ...runs.values import PREIMAGE
from ..fingerprint import UNKNOWN, Digests, Marks, find_rows, known_digests
from ..loading.look import at_a_time
from ..loading.wins import WRITTEN_OVER
from ..session import Session
from ..settling.parent_names import former_names, holds

PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Spared:
    """What undo leaves alone and why: `undo.edited` (fields: edited since), `undo.children` (records that hang on it
    and are not ours, or stay), `undo.gone` (not there any more), `undo.not_ours` (it carries our key no more),
    `undo.untold` (what of the target it is nobody can tell), `undo.no_image` and `undo.unmapped` (what was there before
    is not known, or its field is mapped no more), `undo.no_deletes` (the target deletes nothing), `undo.conflict`
    (edited while we were at it, or refused)."""

    object: str
    our_key: str
    target_key: str
    code: str
    fields: tuple[str, ...] = ()
    children: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """A record of the run: what the run did to it, what the ledger says of it now. stub: before the run it only stood
    for its record."""

    our_key: str
    target_key: str
    did: Did
    known: RecordRow
    stub: bool = False


@dataclass(frozen=True, slots=True)
class PutBack:
    """A record that is to hold these values again. now: what it holds in their place. edited: fields of which these
    values are somebody's, who lost them to the run by `wins`."""

    member: Member
    values: Mapping[str, Cell]
    now: Mapping[str, Cell]
    edited: Collection[str] = ()


@dataclass
class Judged:
    """goes: what the run created and may be deleted, with all its mapped cells. releases, restores: what the run found
    there."""

    goes: list[tuple[Member, dict[str, Cell]]] = field(default_factory=list)
    releases: list[PutBack] = field(default_factory=list)
    restores: list[PutBack] = field(default_factory=list)
    spared: list[Spared] = field(default_factory=list)


class Judge:
    """Judges records of one run."""

    def __init__(self, session: Session, run_id: int) -> None:
        self._session = session
        self._run = run_id
        self._former = former_names(session)
        self._unique = session.target.capabilities.our_key is not OurKeyPlace.NONE
        self._stubs: dict[str, set[str]] = {}

    def let_go(self) -> None:
        """Records were let go of since: what refers to them is not edited by that."""
        self._former = former_names(self._session)

    def pages(
        self, object_name: str, did: Mapping[str, Did], our_keys: Sequence[str]
    ) -> Iterator[tuple[CompiledMapping, list[Member]]]:
        """Those of these records that are in the target, by mapping. Raises InputError `undo.mapping_gone`."""
        size = at_a_time(self._session, PAGE)
        for start in range(0, len(our_keys), size):
            keys = our_keys[start : start + size]
            known = records.lookup(self._session.ledger, object_name, keys)
            groups: dict[str, list[Member]] = defaultdict(list)
            for key in keys:
                row = known.get(key)
                if row is not None and row.target_key is not None:
                    groups[row.mapping].append(Member(key, row.target_key, did[key], row))
            for name, members in groups.items():
                mapping = self._session.maker(name)
                if mapping is None or mapping.target.name != object_name:
                    raise InputError("undo.mapping_gone", mapping=name, object=object_name)
                yield mapping, self._told_apart(mapping, members)

    def _told_apart(self, mapping: CompiledMapping, members: list[Member]) -> list[Member]:
        """The same, the stubs among them known as such."""
        if (stub := mapping.stub) is None:
            return members
        if stub.name not in self._stubs:
            self._stubs[stub.name] = undone.known_as(self._session.ledger, self._run, stub.target.name, stub.name)
        return [replace(each, stub=each.our_key in self._stubs[stub.name]) for each in members]

    def judge(self, mapping: CompiledMapping, members: Sequence[Member]) -> Judged:
        """Read the target's rows of these records and decide on each."""
        result = Judged()
        session, name = self._session, mapping.target.name
        fields = [each.name for each in mapping.target_fields]
        fieldset = records.fieldset(session.ledger, name, mapping.name, mapping.digest, fields)
        target = find_rows(session, mapping, KEY, [each.target_key for each in members])
        there = [each for each in members if each.target_key in target.row_of]
        result.spared += [_spared(name, each, "undo.gone") for each in members if each.target_key not in target.row_of]
        if not there:
            return result
        spots = [target.row_of[each.target_key] for each in there]
        sent, back = known_digests(session, [each.known for each in there], fields, fieldset)
        off = (back != UNKNOWN) & ~holds(session, mapping, target, spots, back, self._former)
        off |= self._changed_alike(name, there, fields, fieldset, sent, target.digests[spots])
        images = session.values.get_many(PREIMAGE, str(self._run), name, [each.our_key for each in there])
        lost = self._lost(mapping, there)
        for place, member in enumerate(there):
            cells: dict[str, Cell] = {each: column[spots[place]].as_py() for each, column in target.columns.items()}
            edited = tuple(fields[column] for column in np.flatnonzero(off[place]))
            if member.did.created:
                holder = target.our_keys[spots[place]] if target.our_keys else None
                self._created(result, name, member, cells, edited, holder)
            else:
                image, theirs = images.get(member.our_key), lost.get(member.known.source_key or "", set())
                self._changed(result, name, member, cells, edited, image, theirs)
        return result

    def _changed_alike(
        self, name: str, members: Sequence[Member], fields: Sequence[str], fieldset: int, sent: Digests, now: Digests
    ) -> Marks:
        """Where both sides have come to hold the same since, with nothing to be written: somebody edited the target.
        sent, now: of these records, as the ledger and the target have them."""
        ledger, place_of = self._session.ledger, {each.our_key: place for place, each in enumerate(members)}
        steps = undone.steps(ledger, self._run, name, list(place_of))
        after = [
            members[place_of[each.our_key]].known._replace(fieldset=each.fieldset, sent=each.sent, back=None)
            for each in steps
        ]
        made, _ = known_digests(self._session, after, fields, fieldset)
        known = {each: records.fieldset_of(ledger, each).fields for each in {step.fieldset for step in steps}}
        ours = np.zeros_like(sent)
        for step, digests in zip(steps, made, strict=True):
            wrote = np.ones(len(fields), dtype=bool)
            if step.written is not None:
                marked = dict(zip(known[step.fieldset], step.written, strict=True))
                wrote = np.array([bool(marked.get(each)) for each in fields])
            row = place_of[step.our_key]
            ours[row] = np.where(wrote, digests, ours[row])
        alike: Marks = (ours != UNKNOWN) & (sent != UNKNOWN) & (sent != ours) & (now != ours)
        return alike

    def _lost(self, mapping: CompiledMapping, members: Sequence[Member]) -> dict[str, set[str]]:
        """Source key -> fields in which the run wrote over what somebody had edited."""
        keys = [each.known.source_key or "" for each in members]
        lost: dict[str, set[str]] = defaultdict(set)
        for key, name in decided.fields_of(self._session.ledger, self._run, mapping.name, WRITTEN_OVER, keys):
            lost[key].add(name)
        return lost

    def _created(
        self,
        result: Judged,
        name: str,
        member: Member,
        cells: dict[str, Cell],
        edited: tuple[str, ...],
        holder: str | None,
    ) -> None:
        if self._unique and holder != member.our_key:
            result.spared.append(_spared(name, member, "undo.not_ours"))
        elif edited:
            result.spared.append(_spared(name, member, "undo.edited", edited))
        elif not self._session.target.capabilities.deletes:
            result.spared.append(_spared(name, member, "undo.no_deletes"))
        else:
            result.goes.append((member, cells))

    @staticmethod
    def _changed(
        result: Judged,
        name: str,
        member: Member,
        cells: Mapping[str, Cell],
        edited: tuple[str, ...],
        kept: bytes | None,
        lost: Collection[str],
    ) -> None:
        """Put back what the run wrote over, except where somebody wrote since."""
        if member.did.wrote and kept is None:
            result.spared.append(_spared(name, member, "undo.no_image"))
            return
        image = {} if kept is None else decode_cells(kept)
        unmapped = tuple(field for field in image if field not in cells)
        differs = [field for field in image if field in cells and cells[field] != image[field]]
        touched = tuple(field for field in differs if field in edited)
        if unmapped:
            result.spared.append(_spared(name, member, "undo.unmapped", unmapped))
        if touched:
            result.spared.append(_spared(name, member, "undo.edited", touched))
        wanted = [field for field in differs if field not in touched]
        back = PutBack(
            member, {field: image[field] for field in wanted}, {field: cells[field] for field in wanted}, lost
        )
        if member.did.adopted:
            result.releases.append(back)
        elif wanted:
            result.restores.append(back)


def _spared(name: str, member: Member, code: str, fields: tuple[str, ...] = ()) -> Spared:
    return Spared(name, member.our_key, member.target_key, code, fields)
