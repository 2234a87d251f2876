"""Compare what should be in the target with what is: counts, keys, and every mapped field of every record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..connectors.chunk import Chunk
from ..connectors.finding import Finding
from ..connectors.port import KEY, OurKeyPlace
from ..mappings.compile import CompiledMapping
from ..mappings.mapped import MappedChunk, make_our_key
from ..runs.differences import Difference, Differences, Whose
from ..runs.ledger import records, seen
from ..runs.ledger.records import RecordRow
from .counted import miscounted
from .filing.bodies import Bodies
from .filing.fit import fitted
from .fingerprint import UNKNOWN, Digests, TargetRows, arrow_column, find_rows, known_digests, mapped_digests
from .loading.left_out import Noted
from .loading.outside import Reason, scoped
from .loading.pipeline import Reader
from .loading.rewriting import rewritten
from .loading.stub_records import stubs_among
from .loading.stubs import stub_chunks
from .loading.tally import chosen
from .loading.wins import won_by_target
from .session import Session, Tick
from .taken_once import TakenOnce

PAGE = 5_000


@dataclass
class Compared:
    """What reconcile saw of one mapping. source: records read. explained: bucket -> records that are rightly not
    there or wait for somebody. outside: references that leave the scope. linked: addresses of old records, by field and
    what becomes of them. equal: records equal in every field. kept: fields left alone by their `write:` policy. won:
    fields in which it was decided that the target's value stays. taken_once: those of `kept` that the target would not
    let be written. ours, theirs: records of the target object that are
    ours, and that are not. bodies: of files that were read on both sides."""

    mapping: str
    object: str
    source: int = 0
    equal: int = 0
    differing: int = 0
    kept: int = 0
    won: int = 0
    ours: int = 0
    theirs: int = 0
    bodies: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    outside: Counter[Reason] = field(default_factory=Counter)
    linked: Counter[tuple[str, str]] = field(default_factory=Counter)
    taken_once: TakenOnce = field(default_factory=TakenOnce)


@dataclass(frozen=True)
class _Audit:
    by: list[str | None]
    at: list[str | None]


class Reconciler:
    """Compares one environment; nothing is written anywhere."""

    def __init__(self, session: Session, reader: Reader, *, bodies: bool = False) -> None:
        self.session = session
        self._bodies = bodies
        self.reader = reader
        self.differences = Differences()
        self.findings: list[Finding] = []
        self._actor = session.target.acting_user()
        seen.begin(session.ledger)

    def compare(self, order: Sequence[str]) -> list[Compared]:
        result = [self._one(self.session.mappings[name]) for name in order]
        if self.reader.resumes:
            result += [self._stubs(stub) for name in order if (stub := self.session.mappings[name].stub) is not None]
            self._left_in_source(order)
            self._unknown_records(order)
        return result

    def _one(self, mapping: CompiledMapping) -> Compared:
        compared = Compared(mapping.name, mapping.target.name)
        total = self.reader.total(mapping)
        names = [each.name for each in mapping.target_fields]
        fieldset = records.fieldset(self.session.ledger, mapping.target.name, mapping.name, mapping.digest, names)
        self.session.tick(Tick("reconcile", mapping.name, 0, total))
        noted, came = Noted(), 0
        for chunk in self.reader.read(mapping, None):
            self.session.interruption.check()
            came += len(chunk)
            scope = scoped(self.session, mapping, mapping.apply(chunk, self.session.people))
            texts = rewritten(self.session, mapping, scope.mapped)
            mapped, files = fitted(self.session, mapping, texts.mapped)
            self.findings += files.findings
            compared.outside += scope.counted(["live"] * len(mapped))
            compared.linked += texts.counted(["live"] * len(mapped))
            self._chunk(mapping, fieldset, mapped, compared)
            noted.see(self.session, mapping, chunk, mapped)
            self.session.tick(Tick("reconcile", mapping.name, compared.source, total))
        self.findings += [*noted.findings(mapping), *compared.taken_once.findings(mapping)]
        if total is not None and self.reader.resumes:
            self.findings += miscounted(self.session, mapping.source.name, total, came)
        self._count_target(mapping, compared)
        return compared

    def _stubs(self, stub: CompiledMapping) -> Compared:
        """What stands for records that do not move is to hold what the stub's own rules say."""
        compared = Compared(stub.name, stub.target.name)
        names = [each.name for each in stub.target_fields]
        fieldset = records.fieldset(self.session.ledger, stub.target.name, stub.name, stub.digest, names)
        after = ""
        while keys := records.under(self.session.ledger, stub.target.name, stub.name, after, PAGE):
            self.session.interruption.check()
            after, done = keys[-1], seen.of_these(self.session.ledger, stub.target.name, keys)
            for chunk in stub_chunks(self.session, stub, [key for key in keys if key not in done]):
                self._chunk(stub, fieldset, stub.apply(chunk, self.session.people), compared)
            self.session.tick(Tick("reconcile", stub.name, compared.source))
        self._count_target(stub, compared)
        return compared

    def _chunk(self, mapping: CompiledMapping, fieldset: int, mapped: MappedChunk, compared: Compared) -> None:
        compared.source += mapped.read
        compared.explained["filtered"] += len(mapped.filtered_keys) - self._left_out(mapping, mapped, compared)
        seen.see(self.session.ledger, mapping.target.name, mapped.our_keys)
        known = records.lookup(self.session.ledger, mapping.target.name, mapped.our_keys)
        rows: list[int] = []
        for row, key in enumerate(mapped.our_keys):
            record = known.get(key)
            if record is None or record.state == "gone":
                whose = (Whose.SOURCE_MOVED, "difference.not_moved")
                taken_back = (Whose.TAKEN_BACK, "difference.undone")
                self._add(mapping, *(taken_back if record else whose), mapped, row, None)
                compared.differing += 1
            elif record.target_key is None or record.state == "pending":
                compared.explained[record.state] += 1
            elif record.code is not None and record.state == "live":
                compared.explained[record.bucket] += 1
            else:
                rows.append(row)
        if rows:
            self._rows(mapping, fieldset, mapped, rows, [known[mapped.our_keys[row]] for row in rows], compared)

    def _left_out(self, mapping: CompiledMapping, mapped: MappedChunk, compared: Compared) -> int:
        """Records that `where` leaves out today and that an earlier run moved. Returns how many."""
        keys = {
            make_our_key(mapping.system, mapping.source.name, key, mapping.branch): key for key in mapped.filtered_keys
        }
        there = {
            our_key: record
            for our_key, record in records.lookup(self.session.ledger, mapping.target.name, list(keys)).items()
            if record.target_key is not None
        }
        for our_key in stubs_among(self.session, mapping, there.values()):
            del there[our_key]  # it is compared by itself
        seen.see(self.session.ledger, mapping.target.name, there)
        for our_key, record in there.items():
            whose = self._moved(mapping, record)
            told = Difference(whose, "difference.left_out", mapping.name, keys[our_key], our_key, record.target_key)
            self.differences.add(told)
        compared.differing += len(there)
        return len(there)

    def _rows(
        self,
        mapping: CompiledMapping,
        fieldset: int,
        mapped: MappedChunk,
        rows: Sequence[int],
        known: Sequence[RecordRow],
        compared: Compared,
    ) -> None:
        keys = [record.target_key or "" for record in known]
        target = find_rows(self.session, mapping, KEY, keys)
        places = np.array([target.row_of.get(key, -1) for key in keys])
        for place in chosen(places < 0):
            self._add(mapping, Whose.EDITED, "difference.deleted", mapped, rows[place], known[place])
            compared.differing += 1
        there = self._with_our_key(mapping, mapped, rows, known, target, places, compared)
        if self._bodies and mapping.filed:
            there = self._with_bodies(mapping, mapped, rows, known, target, places, there, compared)
        subset = [rows[place] for place in there]
        expected = mapped_digests(mapping, mapped.frame, self.session.keys.digest)[subset]
        now = target.digests[places[there]]
        if not (expected != now).any():
            compared.equal += len(subset)
            return
        names = [each.name for each in mapping.target_fields]
        kept_known = [known[place] for place in there]
        sent, back = known_digests(self.session, kept_known, names, fieldset)
        self._judge(mapping, mapped, subset, kept_known, (expected, now, sent, back), compared)

    def _with_our_key(
        self,
        mapping: CompiledMapping,
        mapped: MappedChunk,
        rows: Sequence[int],
        known: Sequence[RecordRow],
        target: TargetRows,
        places: np.ndarray,
        compared: Compared,
    ) -> list[int]:
        """Those that are there and still carry our key; without it the next probe or adoption would not know them."""
        there = chosen(places >= 0)
        if self.session.target.capabilities.our_key is OurKeyPlace.NONE:
            return there
        holders = target.our_keys or [None] * len(target.keys)
        lost = {place for place in there if holders[places[place]] != known[place].our_key}
        for place in sorted(lost):
            self._add(mapping, Whose.WRONG, "difference.key_lost", mapped, rows[place], known[place])
        compared.differing += len(lost)
        return [place for place in there if place not in lost]

    def _with_bodies(
        self,
        mapping: CompiledMapping,
        mapped: MappedChunk,
        rows: Sequence[int],
        known: Sequence[RecordRow],
        target: TargetRows,
        places: np.ndarray,
        there: Sequence[int],
        compared: Compared,
    ) -> list[int]:
        """Those whose files have the same bodies on both sides, as far as they have the same names and sizes."""
        bodies = Bodies(self.session, mapping)
        spots = [int(places[place]) for place in there]
        other: set[int] = set()
        for at, name in bodies.differ(mapped, [rows[place] for place in there], target, spots):
            place = there[at]
            self._add(mapping, Whose.WRONG, "difference.body", mapped, rows[place], known[place], name)
            other.add(place)
        compared.bodies += bodies.number
        compared.differing += len(other)
        return [place for place in there if place not in other]

    def _judge(
        self,
        mapping: CompiledMapping,
        mapped: MappedChunk,
        rows: Sequence[int],
        known: Sequence[RecordRow],
        digests: tuple[Digests, Digests, Digests, Digests],
        compared: Compared,
    ) -> None:
        expected, now, sent, back = digests
        names = [each.name for each in mapping.target_fields]
        kept_alone = np.array([mapping.write_policy[name] not in ("always", "never") for name in names])
        off = (expected != now) & np.array([name not in mapping.unwritten - mapping.compared for name in names])
        kept = off & kept_alone & (now == back)
        off &= ~kept
        compared.kept += int(kept.sum())
        compared.taken_once.see(mapping, kept, mapped, rows)
        doubtful = chosen(off.any(axis=1))
        keys = [mapped.source_keys[rows[place]] for place in doubtful]
        won = off[doubtful] & won_by_target(self.session, mapping, keys, expected[doubtful], now[doubtful])
        compared.won += int(won.sum())
        off[doubtful] &= ~won
        bad = chosen(off.any(axis=1))
        compared.equal += len(rows) - len(bad)
        compared.differing += len(bad)
        audit = self._audit(mapping, [known[place].target_key or "" for place in bad])
        for number, place in enumerate(bad):
            by, at = audit.by[number], audit.at[number]
            for column in chosen(off[place]):
                name = names[column]
                whose = self._whose(
                    mapping,
                    known[place],
                    computed=name in mapping.compared,
                    moved=bool(expected[place, column] != sent[place, column]),
                    touched=bool(now[place, column] != back[place, column]),
                    read=bool(back[place, column] != UNKNOWN),
                    by=by,
                )
                self._add(mapping, whose, "difference.field", mapped, rows[place], known[place], name, by, at)

    def _whose(
        self,
        mapping: CompiledMapping,
        record: RecordRow,
        *,
        computed: bool,
        moved: bool,
        touched: bool,
        read: bool,
        by: str | None,
    ) -> Whose:
        """computed: the target makes the field by itself. moved: the source side says something else than was sent.
        touched: the target holds something else than was read back. read: it was read back at all. by: who changed the
        target's record last."""
        if computed:
            return Whose.COMPUTED
        if touched and read:
            return Whose.AUTOMATION if by is not None and by == self._actor else Whose.EDITED
        if moved:
            return self._moved(mapping, record)
        if read:  # the target held something else from the first moment
            return Whose.AUTOMATION
        return Whose.WRONG if by is None or by == self._actor else Whose.EDITED

    def _moved(self, mapping: CompiledMapping, record: RecordRow) -> Whose:
        fieldset = records.fieldset_of(self.session.ledger, record.fieldset) if record.fieldset else None
        changed = fieldset is not None and fieldset.mapping_digest != mapping.digest
        return Whose.MAPPING_MOVED if changed else Whose.SOURCE_MOVED

    def _audit(self, mapping: CompiledMapping, keys: Sequence[str]) -> _Audit:
        """Who changed these target records last and when, where the target keeps that."""
        fields = self.session.target.audit_fields(mapping.target.name)
        names = [name for name in (fields.modified_by, fields.modified_at) if name is not None]
        if not names or not keys:
            return _Audit([None] * len(keys), [None] * len(keys))
        size = self.session.target.capabilities.find_size
        found: dict[str, tuple[str | None, str | None]] = {}
        for start in range(0, len(keys), size):
            wanted = [(key,) for key in keys[start : start + size]]
            found |= _audit_cells(
                self.session.target.find(mapping.target.name, (KEY,), wanted, names),
                fields.modified_by,
                fields.modified_at,
            )
        told = [found.get(key, (None, None)) for key in keys]
        return _Audit([by for by, _ in told], [at for _, at in told])

    def _count_target(self, mapping: CompiledMapping, compared: Compared) -> None:
        compared.ours = records.count_in_target(self.session.ledger, mapping.target.name)
        compared.theirs = max(0, self.session.target.count(mapping.target.name) - compared.ours)

    def _left_in_source(self, order: Sequence[str]) -> None:
        """Records we wrote whose source record is there no more."""
        for name in order:
            mapping = self.session.mappings[name]
            for our_key, target_key, source_key in seen.unseen(self.session.ledger, mapping.target.name, name):
                self.differences.add(
                    Difference(Whose.SOURCE_MOVED, "difference.left_source", name, source_key, our_key, target_key)
                )

    def _unknown_records(self, order: Sequence[str]) -> None:
        """Records that carry a key of ours in the target and that the ledger knows nothing of."""
        done: set[str] = set()
        for name in order:
            mapping = self.session.mappings[name]
            if mapping.target.name in done:
                continue
            done.add(mapping.target.name)
            for pairs in self.session.target.our_keys(mapping.target.name):
                known = records.target_keys(self.session.ledger, mapping.target.name, [ours for ours, _ in pairs])
                for ours, key in pairs:
                    if known.get(ours) != key:
                        self.differences.add(
                            Difference(Whose.WRONG, "difference.unknown_record", name, None, ours, key)
                        )

    def _add(
        self,
        mapping: CompiledMapping,
        whose: Whose,
        code: str,
        mapped: MappedChunk,
        row: int,
        record: RecordRow | None,
        name: str | None = None,
        by: str | None = None,
        at: str | None = None,
    ) -> None:
        self.differences.add(
            Difference(
                whose,
                code,
                mapping.name,
                mapped.source_keys[row],
                mapped.our_keys[row],
                record.target_key if record else None,
                name,
                by,
                at,
            )
        )


def _audit_cells(chunk: Chunk, by: str | None, at: str | None) -> dict[str, tuple[str | None, str | None]]:
    def texts(name: str | None) -> list[str | None]:
        if name is None:
            return [None] * len(chunk)
        return [None if cell is None else str(cell) for cell in arrow_column(chunk.frame, name).to_pylist()]

    return dict(zip(chunk.keys, zip(texts(by), texts(at), strict=True), strict=True))
