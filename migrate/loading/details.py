"""Records that are created inside the change of their master, where the target can: one call instead of one each.

Only what is plainly good goes so: new, mapped without a fault, nothing of it waiting for anything but its master. All
else is left to its own mapping's turn, which finds in the ledger what went this way and counts it as created.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...connectors.change import Change, ChangeKind
from ...connectors.chunk import Chunk, split_key
from ...connectors.finding import Finding, Severity
from ...connectors.port import OurKeyPlace
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ...runs.digest import pack, unpack
from ...runs.ledger import proofs
from ...runs.ledger.operations import Intent
from ...runs.ledger.proofs import RECORD
from ..fingerprint import arrow_column, marked
from ..proving.prove import stop_of, take_up
from ..sending.answer import Carried, Ended, Planned, What
from ..session import Session
from ..settling.readback import Written, read_back
from .carriage import Aboard
from .classify import Sorted, classify
from .load import ObjectLoad
from .loaded import Loaded
from .outside import scoped
from .put_together import put_together
from .references import Resolved, cells_to_send, resolve
from .rehearsal import foretold_of
from .rewriting import rewritten
from .tally import MappingStop

SHARE = 1_000
"""Masters whose details are in memory at a time."""
TRIES = 5
"""So many first details may be refused; then those of their kind go by themselves."""


@dataclass(eq=False)
class Kind:
    """Details of one mapping. load: loads its records. field: refers to the master. by: the source fields that hold the
    master's key. tries: how many went alone, for the first one is proven."""

    load: ObjectLoad
    field: str
    by: Sequence[str]
    tries: int = 0

    @property
    def mapping(self) -> CompiledMapping:
        return self.load.mapping

    @property
    def what(self) -> What:
        each = self.mapping
        return What(each.name, each.target.name, each.source.name, self.load.fieldset)


@dataclass
class _Found:
    """The details of some masters. good: row of the master -> (row in mapped, the change)."""

    mapped: MappedChunk | None = None
    findings: list[Finding] = field(default_factory=list)
    good: dict[int, list[tuple[int, Planned]]] = field(default_factory=lambda: defaultdict(list))


def kinds_of(session: Session, master: CompiledMapping) -> list[tuple[CompiledMapping, str, Sequence[str]]]:
    """(mapping, reference to the master, source fields that hold its key) of each kind that may go inside. Those that
    may be in the target already, are put together from several sources or have files, may not; nor does a source serve
    that may have a key twice."""
    able = session.target.capabilities
    if not able.details or able.our_key is OurKeyPlace.NONE or not session.source.capabilities.ordered_reads:
        return []
    kinds = []
    for child in session.mappings.values():
        together = child.mapping_file.model.assemble is not None
        if child.name == master.name or child.match or together or child.filed:
            continue
        for name, makers in child.references.items():
            described = child.target.field(name)
            detail = described is not None and described.master and master.target.name in described.references
            by = _key_fields(child, name, master) if detail and master.name in makers else None
            if by is not None and name not in child.unwritten:
                kinds.append((child, name, by))
                break
    return kinds


def _key_fields(child: CompiledMapping, name: str, master: CompiledMapping) -> Sequence[str] | None:
    """The source fields that hold the master's key; None where there are several ways to it."""
    rule = next(each for each in child.rules if each.field.name == name)
    ways = [way for way in rule.every_way if any(parent.mapping == master.name for parent in way.parents)]
    fields = tuple(ways[0].rule.from_) if len(ways) == 1 else ()
    return fields if len(fields) == len(master.source.key) else None


class Details:
    """Those of the records of one mapping in one run. takes: whether the run is about this source record."""

    def __init__(
        self,
        session: Session,
        mapping: CompiledMapping,
        run_id: int,
        kinds: Sequence[Kind],
        takes: Callable[[CompiledMapping, str], bool],
    ) -> None:
        self._session, self._mapping, self._run = session, mapping, run_id
        self._kinds, self._takes = kinds, takes
        self._room = session.target.capabilities.details

    def shares(
        self, mapped: MappedChunk, rows: Sequence[int], adopted: Collection[int], result: Loaded
    ) -> Iterator[tuple[Sequence[int], Aboard]]:
        name, left = self._mapping.target.name, list(rows)
        kinds = [each for each in self._kinds if self._may(each)]
        if not kinds:
            yield left, {}
            return
        alone: list[int] = []
        while left and not self._proven(name):
            alone.append(left.pop(0))
            yield alone[-1:], {}
        if alone:
            yield from self._share(mapped, (), alone[-1:], adopted, kinds, result)
        size = min(SHARE, self._session.source.capabilities.find_size)
        for start in range(0, len(left), size):
            yield from self._share(mapped, left[start : start + size], (), adopted, kinds, result)

    def _share(
        self,
        mapped: MappedChunk,
        rows: Sequence[int],
        alone: Sequence[int],
        adopted: Collection[int],
        kinds: Sequence[Kind],
        result: Loaded,
    ) -> Iterator[tuple[Sequence[int], Aboard]]:
        """alone: masters that went just now, without anything: a first detail may be proven on one of theirs."""
        masters = {mapped.our_keys[row]: row for row in (*alone, *rows) if row not in adopted}
        wanted = [split_key(mapped.source_keys[row], len(self._mapping.source.key)) for row in masters.values()]
        found = {kind: self._find(kind, wanted, masters) for kind in kinds} if masters else {}
        gone = set(alone)
        for kind, children in found.items():
            for row, (first, *_) in children.good.items():
                if self._proven(kind.mapping.target.name) or kind.tries >= TRIES:
                    break
                if row not in gone:
                    yield [row], {}
                    gone.add(row)
                self._prove(kind, children, first[0], result)
        aboard: dict[int, list[Carried]] = defaultdict(list)
        for kind, children in found.items():
            carries = self._proven(kind.mapping.target.name) and self._may(kind)
            for row, some in children.good.items() if carries else ():
                room = self._room - sum(len(each.planned) for each in aboard[row])
                if row not in gone and room > 0:
                    aboard[row].append(Carried(kind.what, kind.field, tuple(each for _, each in some[:room])))
        left = [row for row in rows if row not in gone]
        if left:
            yield left, aboard

    def _may(self, kind: Kind) -> bool:
        """Whether anything of this kind may be sent inside its master."""
        both = {self._mapping.target.name, kind.mapping.target.name}
        return not both & self._session.degraded and stop_of(self._session, kind.mapping) is None

    def _proven(self, name: str) -> bool:
        """Whether a first record of this object went alone."""
        known = proofs.of(self._session.ledger, name)
        return RECORD in known and known[RECORD].over

    def _prove(self, kind: Kind, children: _Found, row: int, result: Loaded) -> None:
        """Its master is there now: the detail goes alone, as in its own mapping's turn, which tells what it says of a
        record that was refused."""
        assert children.mapped is not None  # noqa: S101 - it has this row
        kind.tries += 1
        try:
            take_up(self._session, kind.mapping, self._run)
        except MappingStop:  # it is told when the mapping's turn comes
            return
        alone = children.mapped.without(set(range(len(children.mapped))) - {row})
        loaded = kind.load.load(alone, [each for each in children.findings if each.key in alone.source_keys])
        result.findings += [each for each in loaded.findings if each.severity is Severity.WARNS]

    def _find(self, kind: Kind, wanted: Sequence[tuple[str, ...]], masters: Mapping[str, int]) -> _Found:
        """The details of these masters. wanted: their source keys. masters: our key -> row."""
        chunk = self._session.source.find(kind.mapping.source.name, tuple(kind.by), wanted, kind.mapping.source_fields)
        mapped = self._fit(kind, chunk, masters) if len(chunk) else None
        if mapped is None or not len(mapped):
            return _Found()
        scope = scoped(self._session, kind.mapping, mapped)
        mapped = rewritten(self._session, kind.mapping, scope.mapped).mapped
        findings = [*kind.load.judge.judge(mapped), *scope.findings]
        rows = classify(self._session, kind.mapping, kind.load.fieldset, mapped, findings)
        resolved = resolve(self._session, kind.mapping, mapped, rows.new)
        others = [mask for name, mask in resolved.missing.items() if name != kind.field]
        good = [row for row in rows.new if row not in mapped.waiting and not any(mask[row] for mask in others)]
        result = _Found(mapped, findings)
        if not good:
            return result
        for row, planned in zip(good, _planned(kind, rows, resolved, good), strict=True):
            result.good[masters[resolved.parents[kind.field][row] or ""]].append((row, planned))
        return result

    def _fit(self, kind: Kind, chunk: Chunk, masters: Mapping[str, int]) -> MappedChunk:
        """As the mapping makes it, less what has another master, what waits, and what the run is not about."""
        mapped = kind.mapping.apply(chunk, self._session.people)
        held = put_together(self._session, kind.mapping, chunk, mapped).held
        parents = arrow_column(mapped.frame, kind.field).to_pylist()
        keys = zip(mapped.source_keys, parents, strict=True)
        left = {
            row
            for row, (key, parent) in enumerate(keys)
            if row in held or not key or parent not in masters or not self._takes(kind.mapping, key)
        }
        return mapped.without(left) if left else mapped

    def landed(self, ended: Sequence[Ended], result: Loaded) -> None:
        for kind in self._kinds:
            done = [each for each in ended if each.what == kind.what and each.end.state == "acked"]
            if done:
                result.carried += len(done)
                self._foretell(kind, len(done))
                result.findings += read_back(
                    self._session, kind.mapping, as_written(done, len(kind.load.names)), self._run
                )

    def _foretell(self, kind: Kind, details: int) -> None:
        """A run asks for those of which the target does not tell."""
        target = self._session.target
        if self._session.rehearsal and not target.capabilities.answers_details:
            foretold_of(target).find(kind.mapping.target.name, kind.mapping.target_fields, details)


def _planned(kind: Kind, rows: Sorted, resolved: Resolved, good: Sequence[int]) -> Iterator[Planned]:
    """The creation of each of these rows, without its reference to the master."""
    mapping, mapped = kind.mapping, rows.mapped
    marks = np.array([[name not in mapping.unwritten for name in kind.load.names]] * len(good), dtype=bool)
    cells = cells_to_send(mapping, mapped, resolved, good)
    for row, own, sent, written in zip(good, cells, pack(rows.digests[good]), marked(marks), strict=True):
        our_key = mapped.our_keys[row]
        change = Change(
            ChangeKind.CREATE, our_key, None, {name: cell for name, cell in own.items() if name != kind.field}
        )
        intent = Intent(our_key, ChangeKind.CREATE, None, sent, written, "created", mapped.source_keys[row])
        yield Planned(change, intent)


def as_written(done: Sequence[Ended], fields: int) -> Written:
    """What was created so, to be read back. fields: how many its mapping has."""
    intents = [each.planned.intent for each in done]
    written = np.array([list(each.written or b"") for each in intents], dtype=bool)
    return Written(
        our_keys=[each.our_key for each in intents],
        source_keys=[each.source_key or "" for each in intents],
        target_keys=[each.end.target_key or "" for each in done],
        batches=sorted({each.batch for each in done}),
        sent=unpack([each.sent or b"" for each in intents], fields),
        written=written,
        before=np.zeros((len(done), fields), np.uint64),
        as_sent=np.array(written.all(axis=1), dtype=bool),
    )
