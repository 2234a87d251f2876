"""One run over all mappings: read, map, judge, load; deferred parents, cut cycles; counts that must balance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Protocol

from ...connectors.chunk import Chunk
from ...connectors.errors import StaleCursorError
from ...connectors.finding import Finding
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk, make_our_key
from ...mappings.order import Cuts
from ...runs.ledger import records, runlog
from ...runs.ledger.claims import Claims
from ...runs.ledger.runlog import Progress, Run
from ...runs.values import SAMPLE
from ...validators.judge import Judge
from ..causes import records_in, sample_key
from ..corrections import lapsed_corrections
from ..proving.prove import take_up
from ..session import Session, Tick
from .beside import Lanes
from .carriage import NO_DETAILS, Carriage
from .collections import few_collections, tidied
from .deferred import Deferred
from .details import Details, Kind, kinds_of
from .filling import judged_again, still_pending
from .left_out import left_out, untaken
from .load import ObjectLoad
from .loaded import Loaded, tally_loaded
from .outside import scoped, tally_outside
from .put_together import put_together
from .rewriting import rewritten, tally_filled, tally_links
from .second_try import SecondTry
from .staying import tally_left, tally_lives
from .stubs import Made, made_by, make_stubs
from .tally import READ, UNTAKEN, MappingStop, StormWatch, Tally
from .unfit_keys import UnfitKeys
from .watch import FILTERED, Watch, unwatched


class Reader(Protocol):
    """Where a run's chunks come from: a whole source, or the records somebody chose.

    insists: what the target refused before is to be tried again. asked: how many records somebody asked for by what
    keeps them back; None where they were not chosen so.
    """

    resumes: bool
    insists: bool
    asked: int | None

    def read(self, mapping: CompiledMapping, after: str | None) -> Iterator[Chunk]: ...

    def total(self, mapping: CompiledMapping) -> int | None: ...

    def released(self, mapping: CompiledMapping, run: Run) -> Iterator[Chunk]:
        """What may go now because of what this run has loaded so far, and was not read yet."""
        ...

    def takes(self, mapping: CompiledMapping, source_key: str) -> bool:
        """Whether this record is read in the mapping's turn."""
        ...

    def absent(self, mapping: CompiledMapping) -> list[Finding]:
        """One finding a record that was to be read and is not in the source any more."""
        ...


@dataclass
class SourceReader:
    """All records of the source, from the cursor on."""

    session: Session
    resumes: bool = True
    insists: bool = False
    asked: int | None = None

    def read(self, mapping: CompiledMapping, after: str | None) -> Iterator[Chunk]:
        size = self.session.project.spec.limits.chunk
        return self.session.source.read(mapping.source.name, mapping.source_fields, after=after, size=size)

    def total(self, mapping: CompiledMapping) -> int | None:
        """None for what is put together: nobody knows before."""
        together = mapping.mapping_file.model.assemble is not None
        return None if together else self.session.source.count(mapping.source.name)

    def released(self, mapping: CompiledMapping, run: Run) -> Iterator[Chunk]:
        yield from ()

    def takes(self, mapping: CompiledMapping, source_key: str) -> bool:
        return True

    def absent(self, mapping: CompiledMapping) -> list[Finding]:
        return []


@dataclass
class Moved:
    """What a run came to. tallies: by mapping. stopped: mapping -> what stopped it. skipped: mapping -> the
    stopped mapping it depends on. asked: records that were asked for by what keeps them back. absent: those of them
    that could not be read. stubs: by mapping. samples go to the value store with their findings."""

    run: Run
    tallies: dict[str, Tally] = field(default_factory=dict)
    stopped: dict[str, MappingStop] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    asked: int | None = None
    absent: int = 0
    stubs: dict[str, Made] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Work:
    """One mapping of a run while its chunks are loaded. total: records expected, where known."""

    mapping: CompiledMapping
    total: int | None
    load: ObjectLoad
    unfit: UnfitKeys
    deferred: Deferred
    tally: Tally
    progress: Progress
    taken: SecondTry


class Pipeline:
    """Moves every mapping of a session in one run, or goes on where that run was cut off."""

    def __init__(self, session: Session, run: Run, reader: Reader, cut: Cuts, watch: Watch = unwatched) -> None:
        self.session = session
        self.run = run
        self.reader = reader
        self.cut = cut
        self.watch = watch
        self.claims = Claims(session.ledger, session.keys.digest)
        self.moved = Moved(run, asked=reader.asked)
        self._progress = runlog.progress_of(session.ledger, run.id) if reader.resumes else {}

    def move(self, order: Sequence[str]) -> Moved:
        """Run the mappings in this order."""
        with few_collections():
            Lanes(self.session, self._move_in).run(order)
            self.moved.tallies = {name: self.moved.tallies[name] for name in order if name in self.moved.tallies}
            self._fill(order)
            self.moved.stubs = made_by(self.session, self.run.id)
            return self.moved

    def _move_in(self, session: Session, name: str) -> None:
        """One mapping, in the session of its lane."""
        mapping = session.mappings[name]
        blocker = next((p for p in mapping.parents if p in self.moved.stopped or p in self.moved.skipped), None)
        if blocker is not None and blocker != name:
            self.moved.skipped[name] = blocker
            return
        lane = copy(self)
        lane.session = session
        try:
            lane._move_one(mapping)
        except MappingStop as stop:
            self.moved.stopped[name] = stop

    def _move_one(self, mapping: CompiledMapping) -> None:
        progress = self._progress.get(mapping.name) or Progress(mapping.name)
        self.moved.tallies[mapping.name] = Tally(progress.counts)
        if progress.done:
            return
        take_up(self.session, mapping, self.run.id)
        try:
            chunks = _begun(self.reader.read(mapping, progress.cursor))
        except StaleCursorError:
            progress = Progress(mapping.name)
            runlog.forget_counted(self.session.ledger, self.run.id, mapping.name)
            chunks = self.reader.read(mapping, None)
        tally = self.moved.tallies[mapping.name] = Tally(progress.counts)
        load = self._load_of(mapping, self._details(mapping))
        deferred = Deferred(self.session, self.run.id, mapping, progress.pieces)
        unfit = UnfitKeys(self.claims, self.run.id, mapping.name, self.session.source.capabilities.ordered_reads)
        taken = SecondTry(self.session, mapping, self.run.id)
        work = _Work(mapping, self.reader.total(mapping), load, unfit, deferred, tally, progress, taken)
        self._load(work, chunks)
        while due := taken.due():
            self._load(work, taken.again(due, tally, progress.cursor), anew=True)
        self._release(mapping, load, deferred, tally, progress)
        while self._load(work, self.reader.released(mapping, self.run)):
            self._release(mapping, load, deferred, tally, progress)
        absent = self.reader.absent(mapping)
        self.moved.absent += sum(records_in(each) for each in absent)
        lapsed = lapsed_corrections(self.session, mapping, whole=self.reader.resumes)
        progress.done = True
        progress.counts = tally.as_dict()
        with self.session.ledger.transaction():
            noted = [*absent, *lapsed, *untaken(mapping, tally.counts[UNTAKEN])]
            runlog.add_findings(self.session.ledger, self.run.id, noted)
            runlog.save_progress(self.session.ledger, self.run.id, progress)

    def _load_of(self, mapping: CompiledMapping, details: Carriage) -> ObjectLoad:
        limits = self.session.project.spec.limits
        storm = StormWatch(mapping.name, limits.stop_after_alike, limits.stop_share)
        judge, cut = self._judge(mapping), self.cut.get(mapping.name, {})
        return ObjectLoad(self.session, mapping, self.run.id, storm, judge, cut, self.reader.insists, details)

    def _details(self, mapping: CompiledMapping) -> Carriage:
        kinds = [] if self.session.team is not None else kinds_of(self.session, mapping)
        ahead = (each for each in kinds if each[0].name not in self.moved.tallies)  # whose turn counts them
        loads = [Kind(self._load_of(child, NO_DETAILS), name, by) for child, name, by in ahead]
        return Details(self.session, mapping, self.run.id, loads, self.reader.takes) if loads else NO_DETAILS

    def _load(self, work: _Work, chunks: Iterator[Chunk], anew: bool = False) -> bool:
        """Load these chunks; true where there were records in them. anew: they were mapped in this run before."""
        mapping, tally, total = work.mapping, work.tally, work.total
        before = tally.counts[READ]
        activity = "plan" if self.session.rehearsal else "load"
        self.session.tick(Tick(activity, mapping.name, before, total))
        for chunk in chunks:
            self.session.heed()
            mapped = mapping.apply(chunk, self.session.people)
            nameless = work.unfit.find(mapped, tally.counts[READ])
            if nameless:
                mapped = mapped.without(nameless.keys())
            together = put_together(self.session, mapping, chunk, mapped)
            if together.held:
                mapped = mapped.without(together.held.keys())
            scope = scoped(self.session, mapping, mapped)
            make_stubs(self.session, self.run.id, self.claims, scope.stubs, self.reader.insists)
            texts = rewritten(self.session, mapping, scope.mapped)
            mapped = texts.mapped
            findings = [*work.load.judge.judge(mapped), *scope.findings, *texts.findings]
            loaded = work.load.load(mapped, findings)
            tally_outside(tally, scope.counted(loaded.buckets))
            tally_links(tally, texts.counted(loaded.buckets))
            tally_left(tally, scope.left)
            tally_lives(tally, {} if anew else mapped.lives)
            tally.add("rejected", len(nameless))
            tally.add("held", len(together.held))
            loaded.parked += together.held.values()
            noted = [*nameless.values(), *together.findings, *mapped.findings, *findings]
            noted += left_out(self.session, mapping, chunk, mapped)
            noted = [each for each in noted if each.key is not None] if anew else noted
            work.taken.note(findings)
            self._keep(mapping, mapped, work.progress, tally, loaded, noted, work.deferred)
            self.session.tick(Tick(activity, mapping.name, tally.counts[READ], total))
            tidied(len(chunk))
        work.unfit.forget()
        return tally.counts[READ] > before

    def _judge(self, mapping: CompiledMapping) -> Judge:
        place = mapping.name, mapping.file, mapping.rule_lines
        return Judge(mapping.target_fields, *place, mapping.expectations, self.claims, mapping.unwritten)

    def _keep(
        self,
        mapping: CompiledMapping,
        mapped: MappedChunk,
        progress: Progress,
        tally: Tally,
        loaded: Loaded,
        findings: Sequence[Finding],
        deferred: Deferred,
    ) -> None:
        """The end of a chunk: everything in it is settled or parked with its key, so its cursor may move."""
        deferred.put(mapped, loaded)
        tally.add(READ, mapped.read - loaded.buckets.count(""))
        tally.add(FILTERED, len(mapped.filtered_keys))
        tally.add(UNTAKEN, mapped.untaken)
        tally.add_all(filter(None, loaded.buckets))
        tally_loaded(tally, loaded)
        if loaded.stopped is None:
            progress.cursor = mapped.cursor
        rejected = [mapped.our_keys[row] for row, bucket in enumerate(loaded.buckets) if bucket == "rejected"]
        if rejected:
            self.claims.release_records(mapping.target.name, rejected)
        place = mapping.system, mapping.source.name
        left_out = [make_our_key(*place, key, mapping.branch) for key in mapped.filtered_keys]
        self._settle(mapping, loaded, [*findings, *loaded.findings], progress, tally, deferred, left_out)

    def _settle(
        self,
        mapping: CompiledMapping,
        loaded: Loaded,
        findings: Sequence[Finding],
        progress: Progress,
        tally: Tally,
        deferred: Deferred,
        left_out: Sequence[str] = (),
    ) -> None:
        """What was parked, what was noticed, what waits still and how far we are: in one transaction, so that a process
        that ends leaves all of it or nothing. left_out: our keys of what `where` filters: it waits no longer. Raises
        the MappingStop that stopped the load, once this is kept."""
        self._keep_samples(findings)
        self.watch(mapping, {each.our_key: each.state for each in loaded.parked} | dict.fromkeys(left_out, FILTERED))
        progress.counts, progress.pieces = tally.as_dict(), list(deferred.names)
        with self.session.ledger.transaction():
            records.park(
                self.session.ledger, self.run.id, mapping.name, mapping.source.name, mapping.target.name, loaded.parked
            )
            if left_out:
                records.leave_out(self.session.ledger, mapping.target.name, left_out)
            runlog.add_findings(self.session.ledger, self.run.id, findings)
            runlog.save_progress(self.session.ledger, self.run.id, progress)
        deferred.sweep()
        if loaded.stopped is not None:
            raise loaded.stopped

    def _keep_samples(self, findings: Sequence[Finding]) -> None:
        samples = [
            (SAMPLE, str(self.run.id), each.object or "", sample_key(each), each.sample.encode())
            for each in findings
            if each.sample is not None
        ]
        if samples:
            self.session.values.put_many(samples)

    def _release(
        self, mapping: CompiledMapping, load: ObjectLoad, deferred: Deferred, tally: Tally, progress: Progress
    ) -> None:
        """Rows that waited for parents of the same object: level by level, then cycles cut, then the rest is held."""
        while True:
            progressed = False
            for piece in deferred.waiting():
                self.session.heed()
                loaded = load.load(piece.mapped, piece.findings)
                progressed |= self._settle_piece(mapping, piece.name, piece.mapped, loaded, deferred, tally, progress)
            if progressed:
                continue
            cycles = deferred.break_cycles()
            for piece in deferred.waiting() if cycles else ():
                at = {row: cycles[key] for row, key in enumerate(piece.mapped.our_keys) if key in cycles}
                if at:
                    loaded = load.load(piece.mapped, piece.findings, break_at=at)
                    progressed |= self._settle_piece(
                        mapping, piece.name, piece.mapped, loaded, deferred, tally, progress
                    )
            if not progressed:
                break
        for piece in deferred.waiting():
            loaded = load.load(piece.mapped, piece.findings, wait=False)
            self._settle_piece(mapping, piece.name, piece.mapped, loaded, deferred, tally, progress)

    def _settle_piece(
        self,
        mapping: CompiledMapping,
        name: str,
        mapped: MappedChunk,
        loaded: Loaded,
        deferred: Deferred,
        tally: Tally,
        progress: Progress,
    ) -> bool:
        """Count what became of a deferred piece, keep what still waits. True where something moved on."""
        left = set(loaded.deferred)
        ended = [bucket for row, bucket in enumerate(loaded.buckets) if bucket and row not in left]
        for bucket in ended:
            tally.move("held", bucket)
        tally_loaded(tally, loaded)
        deferred.replace(name, mapped, loaded)
        self._settle(mapping, loaded, loaded.findings, progress, tally, deferred)
        return bool(ended)

    def _fill(self, order: Sequence[str]) -> None:
        """Second operations for references that were cut: by now their parents are there, or the record stays
        pending."""
        for name in order:
            if name not in self.moved.tallies or name in self.moved.stopped:
                continue
            try:
                self._fill_one(self.session.mappings[name])
            except MappingStop as stop:
                self.moved.stopped[name] = stop

    def _fill_one(self, mapping: CompiledMapping) -> None:
        known = runlog.progress_of(self.session.ledger, self.run.id)
        progress = known.get(mapping.name) or Progress(mapping.name, done=True)
        deferred = Deferred(self.session, self.run.id, mapping, progress.pieces)
        limits = self.session.project.spec.limits
        storm = StormWatch(mapping.name, limits.stop_after_alike, limits.stop_share)
        tally = self.moved.tallies[mapping.name]
        for piece in deferred.cut():
            self.session.heed()
            judge, cut = self._judge(mapping), mapping.references
            load = ObjectLoad(self.session, mapping, self.run.id, storm, judge, cut, self.reader.insists)
            texts = rewritten(self.session, mapping, piece.mapped)
            again = judged_again(mapping, judge, texts)
            loaded = load.load(texts.mapped, again, wait=False)
            for bucket in filter(None, loaded.buckets):
                tally.move("pending", "pending" if bucket == "held" else bucket)  # it is in the target all the same
            tally_filled(tally, texts.counted(loaded.buckets))
            left = still_pending(mapping, texts, loaded.buckets)
            deferred.drop(piece.name)
            self._settle(mapping, loaded, [*again, *loaded.findings, *left], progress, tally, deferred)


def _begun(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The same chunks, the first of them fetched already."""
    first = list(islice(chunks, 1))
    return chain(first, chunks)
