"""The coordinator's side of a run that several processes share: it lays planned changes out in partitions, works on
them like everybody else, and collects what came of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from ...connectors.errors import ChangeoverError, DecisionError, InputError
from ...connectors.finding import Finding
from ...connectors.port import OurKeyPlace
from ...runs.ledger import gathering, partitions, workers
from ...runs.ledger.operations import Settled
from ...runs.ledger.partitions import Collected
from ...runs.ledger.runlog import Run
from ...runs.values import REJECT
from ..pace.pacing import name_of
from ..project import Project
from ..sending.answer import Planned
from ..sending.send import Enough, Sender
from ..sending.siblings import together, touches
from ..sending.stragglers import UNDONE
from ..session import Session
from .content import Brought, Sealed
from .crew import Crew
from .partition import Hands
from .pulse import Pulse, heard_within
from .terms import note_terms

SHARES = 4
"""Partitions for each process at least, where there are changes enough: so that none has to wait long for the last."""
SOON, LATER = 0.02, 0.5
"""Seconds until it is looked again whether a partition has been done: the first time, and at most."""


class Helpers(Protocol):
    """Processes that were started to share the run. Nothing is raised: what goes wrong with them is told in the report,
    and their work is taken over."""

    findings: list[Finding]

    def watch(self) -> list[str]:
        """The names of workers that have died since."""
        ...

    def end(self, longest: float) -> None:
        """Have them end. longest: seconds that a call may take."""
        ...


@dataclass
class Team:
    """Who shares this process's run. wanted: processes that were asked for. worker: its own number among them. calls:
    that others have made to the target, by interface. partitions: that were laid out. took_part: processes."""

    session: Session
    run: int
    wanted: int
    worker: int
    hands: Hands
    helpers: Sequence[Helpers] = ()
    calls: Counter[str] = field(default_factory=Counter)
    partitions: int = 0
    took_part: int = 1
    _looks: float = 0.0

    @property
    def at_work(self) -> list[workers.Worker]:
        return workers.at_work(self.session.ledger, heard_within(self.session.project.spec.limits.lease))

    def watch(self) -> None:
        """Between batches, and while others are waited for: what a dead process held may be taken over at once, and one
        that nothing was heard of counts as dead."""
        ledger, seconds = self.session.ledger, self.session.project.spec.limits.lease
        died = {name for each in self.helpers for name in each.watch()}
        dead = [each for each in self.at_work if each.name in died] if died else []
        now = self.session.clock.monotonic()
        if now >= self._looks:
            self._looks = now + seconds
            dead += [each for each in workers.silent(ledger, heard_within(seconds)) if each.id != self.worker]
        for worker in dead:
            partitions.release_of(ledger, worker.id)
            workers.left(ledger, worker.id)

    def sender(self, enough: Enough) -> SharedSender:
        return SharedSender(self, enough)

    def dismiss(self) -> None:
        """Nothing more is to be begun; what others have under way is finished and settled by them. Best effort: what
        still fails is what the next process finds open."""
        limits, ledger = self.session.project.spec.limits, self.session.ledger
        with suppress(ChangeoverError):
            self.took_part = gathering.took_part(ledger)
            workers.left(ledger, self.worker)
            gathering.withdraw(ledger)
        for each in self.helpers:
            each.end(limits.deadline)
        with suppress(ChangeoverError):
            while gathering.under_way(ledger):
                self.session.clock.sleep(LATER)


@contextmanager
def shared(session: Session, run: Run, wanted: int | None, cluster: str | None) -> Iterator[None]:
    """Share this run with other processes, until the end of the block; with none where none was asked for.

    wanted: processes on this host, this one among them. cluster: the address of a dask scheduler."""
    if session.ledger.shared:  # an earlier run may have been shared, and this one not
        keep_left_words(session)
    if wanted is None and cluster is None:
        yield
        return
    ledger, seconds = session.ledger, session.project.spec.limits.lease
    note_terms(ledger, session.project)
    worker = workers.enlist(ledger, name_of(os.getpid()), workers.COORDINATOR)
    with Pulse(ledger.place, ledger.epoch or 0, worker, seconds) as pulse:
        hands = Hands(session, worker, pulse, enough=lambda: False, carries=False)
        team = session.team = Team(session, run.id, wanted or 1, worker, hands)
        watch = session.watch

        def watch_both() -> None:
            watch()
            team.watch()

        session.watch = watch_both
        try:
            team.helpers = _helpers(session, wanted or 1, cluster)
            yield
        finally:
            session.watch = watch
            team.dismiss()
            for each in team.helpers:
                session.notices += each.findings


def _helpers(session: Session, wanted: int, cluster: str | None) -> list[Helpers]:
    started: list[Helpers] = [Crew(session.project, wanted - 1)] if wanted > 1 else []
    if cluster is not None:
        from .cluster import OnCluster

        started.append(OnCluster(session.project, cluster))
    return started


def keep_left_words(session: Session) -> None:
    """What partitions of earlier coordinators brought back and nobody has kept yet; then nothing of them is needed."""
    for run_id, object_name, content in gathering.words_left(session.ledger):
        try:
            words = Sealed(session.keys.data, run_id, object_name).opened_brought(content).words
        except DecisionError:  # the data key is another one now: that costs the words, never a run
            continue
        session.values.put_many(
            (REJECT, str(run_id), object_name, our_key, said.encode()) for our_key, said in words.items()
        )
    partitions.drop_void(session.ledger)


def require_shareable(project: Project, cluster: str | None = None) -> None:
    """Raise InputError `workers.no_server` where the ledger is a file, or what `require_cluster` raises."""
    if project.environment.ledger is None:
        raise InputError("workers.no_server", environment=project.env)
    if cluster is not None:
        from .cluster import require_cluster

        require_cluster(cluster)


def require_our_key(session: Session) -> None:
    """Raise InputError `workers.degraded` where the target has no room for our key."""
    if session.target.capabilities.our_key is OurKeyPlace.NONE:
        raise InputError("workers.degraded", target=session.target.identity().name)


class SharedSender:
    """Sends the changes of one run as `Sender` does, by all who share it."""

    def __init__(self, team: Team, enough: Enough) -> None:
        self._team, self._session, self._enough = team, team.session, enough
        self._alone = Sender(team.session, team.run, enough)
        self.details = self._alone.details

    @property
    def batches(self) -> list[int]:
        """The numbers of all batches that were written down, by whomever."""
        return self._alone.batches

    @batches.setter
    def batches(self, numbers: list[int]) -> None:
        self._alone.batches = numbers

    def send(
        self,
        mapping: str,
        object_name: str,
        source_object: str | None,
        fieldset: int | None,
        planned: Sequence[Planned],
    ) -> list[Settled]:
        """As `Sender.send`. One call's worth is not shared, nor an object on which our key does not hold."""
        pieces = self._pieces(mapping, planned)
        if len(pieces) < 2 or object_name in self._session.degraded:
            return self._alone.send(mapping, object_name, source_object, fieldset, planned)
        sealed = Sealed(self._session.keys.data, self._team.run, object_name)
        contents = [(len(piece), sealed.changes(piece)) for piece in pieces]
        what = (mapping, object_name, source_object, fieldset)
        ids = partitions.put(self._session.ledger, self._team.run, *what, contents)
        self._team.partitions += len(ids)
        told = {each.our_key: each for each in self._gathered(ids, sealed, object_name)}
        return [told[each.change.our_key] for each in planned if each.change.our_key in told]

    def _pieces(self, mapping: str, planned: Sequence[Planned]) -> list[list[Planned]]:
        """So many for each process, none smaller than a call; siblings together."""
        limits, able = self._session.project.spec.limits, self._session.target.capabilities
        call = min(limits.batch, able.batch_size)
        if len(planned) <= call:
            return [list(planned)]
        processes = max(self._team.wanted, len(self._team.at_work))
        size = min(limits.batch, max(call, -(-len(planned) // (SHARES * processes))))
        return together(planned, size, touches(self._session.mappings.get(mapping)))

    def _gathered(self, ids: Sequence[int], sealed: Sealed, object_name: str) -> Iterator[Settled]:
        """What came of these partitions, as they are done. Once somebody has had enough, those that nobody is at work
        on are not begun."""
        session, ledger = self._session, self._session.ledger
        waiting, pause, enough = set(ids), SOON, False
        while waiting:
            session.heed()
            busy = self._team.hands.take()
            collected = partitions.collect(ledger, sorted(waiting))
            for each in collected:
                waiting.discard(each.partition)
                settled = self._settled(each, sealed, object_name)
                yield from settled
                enough = self._enough(settled) or enough
            if collected:
                over = [each.partition for each in collected]
                self.batches.extend(gathering.batches_of(ledger, over))
                partitions.drop(ledger, over)
            if enough and waiting:
                gathering.withdraw(ledger)
            if busy or collected:
                pause = SOON
            elif waiting:
                session.wait(pause)
                pause = min(LATER, pause * 2)

    def _settled(self, collected: Collected, sealed: Sealed, object_name: str) -> list[Settled]:
        """How its changes ended, as `Sender.send` would say it; what was brought back besides is kept."""
        brought = Brought() if collected.words is None else sealed.opened_brought(collected.words)
        self._team.calls.update(brought.calls)
        if brought.words:
            run = str(self._team.run)
            self._session.values.put_many(
                (REJECT, run, object_name, our_key, said.encode()) for our_key, said in brought.words.items()
            )
        over = [each for each in collected.settled if each.state in ("acked", "rejected", "conflict")]
        return over + [Settled(our_key, "held", code=UNDONE) for our_key in brought.aside]
