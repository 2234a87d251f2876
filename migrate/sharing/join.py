"""The verb `run --join`: share a run that another process coordinates, from this host or any other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields

from ...connectors.clock import Clock
from ...connectors.errors import BusyError, ChangeoverError, DecisionError, InputError, UnavailableError
from ...connectors.secrets import Secrets
from ...runs.keys import Keys, fingerprint, load_keys, require_digest_key
from ...runs.ledger import runlog, workers
from ...runs.ledger.runlog import Run
from ...runs.ledger.store import Ledger
from ...runs.ledger.workers import Worker
from ...runs.report.model import Report, Table, Text
from ..pace.pacing import name_of
from ..prepare import prepare
from ..project import Project
from ..run import Order
from ..session import Interrupted, Session, Tick, open_session
from .crew import orphaned
from .partition import Hands, Worked
from .pulse import Pulse, is_gone
from .share import LATER, SOON, require_our_key, require_shareable
from .terms import require_terms

PATIENCE = 600.0
"""Seconds that a worker waits for somebody to take the run of a coordinator that is gone over."""


@dataclass
class _Joined:
    """What this process has done, over all coordinators it worked for."""

    runs: list[int] = field(default_factory=list)
    worked: list[Worked] = field(default_factory=list)

    def sum(self) -> Worked:
        total = Worked()
        for each in self.worked:
            total.partitions += each.partitions
            total.outcomes.update(each.outcomes)
            total.recovered += each.recovered
            total.lost += each.lost
        return total


def join(
    project: Project, order: Order, execute: bool, secrets: Secrets, clock: Clock, tick: Callable[[Tick], None]
) -> Report:
    """Work on partitions until the run is over. execute: else only see whether this process could. order: says nothing,
    for what is moved is the coordinator's affair.

    Raises InputError where there is no run to share, or its mappings, systems or terms are others here; DecisionError
    where this host has other keys; UnavailableError where the coordinator is gone and nobody has taken its place."""
    started = clock.monotonic()
    if any(getattr(order, each.name) for each in fields(order)):
        raise InputError("join.with_others")
    require_shareable(project)
    with _fitting(project, secrets, clock, tick) as (session, run):
        if not execute:
            return _could(session, run)
        joined = _Joined([run.id])
        interrupted = False
        try:
            _work(session, run.mapping_digest, joined)
        except Interrupted:
            interrupted = True
        return _report(session, joined, interrupted, clock.monotonic() - started)


@contextmanager
def _fitting(
    project: Project, secrets: Secrets, clock: Clock, tick: Callable[[Tick], None]
) -> Iterator[tuple[Session, Run]]:
    """The session of a process that may share the run, and that run. Nothing is made where it may not."""
    with Ledger(project.ledger(secrets)) as ledger:
        run = _run_of(ledger, project)
        _require_keys(ledger, load_keys(project.key_id))
        require_terms(ledger, project, run)
    with open_session(project, secrets, clock, tick, alone=False, shared=True) as session:
        require_our_key(session)
        digest = prepare(session, people=False).digest
        run = _run_of(session.ledger, project)
        _require_mappings(run, digest)
        yield session, run


def _run_of(ledger: Ledger, project: Project) -> Run:
    """The run that is shared now. Raises InputError `join.no_run`."""
    latest = next(iter(runlog.history(ledger)), None)
    coordinator = workers.coordinator(ledger)
    if latest is None or coordinator is None or latest.state != "open":
        raise InputError("join.no_run", environment=project.env)
    return latest


def _require_keys(ledger: Ledger, keys: Keys) -> None:
    """Raises DecisionError `key.digest_exchanged` or `join.data_key`: what is sealed there would not open here."""
    digest, data = ledger.get_meta("digest_key"), ledger.get_meta("data_key")
    if digest is not None:
        require_digest_key(keys.digest, digest)
    if data is not None and data != fingerprint(keys.data):
        raise DecisionError("join.data_key", kept=data, now=fingerprint(keys.data))


def _require_mappings(run: Run, digest: str) -> None:
    if run.mapping_digest != digest:
        raise InputError("join.mappings", run=run.id)


def _work(session: Session, digest: str, joined: _Joined) -> None:
    """For one coordinator after the other, until a run is over. Raises Interrupted, UnavailableError."""
    while (coordinator := _coordinator(session)) is not None:
        ledger = session.ledger
        try:
            ledger.follow(coordinator.epoch)
            run = _run_of(ledger, session.project)
            _require_mappings(run, digest)
            require_terms(ledger, session.project, run)
            joined.runs.append(run.id)
            _enlisted(session, coordinator, joined)
        except BusyError as error:
            if error.code != "ledger.fenced":
                raise


def _coordinator(session: Session) -> Worker | None:
    """Whom to work for; None where the run that this process worked on is over. Waits where a coordinator is gone."""
    ledger, clock, seconds = session.ledger, session.clock, session.project.spec.limits.lease
    until = clock.monotonic() + PATIENCE
    while True:
        found = workers.coordinator(ledger)
        if found is not None and not orphaned() and not is_gone(ledger, found, seconds):
            return found
        if orphaned() or (found is None and _over(ledger)):
            return None
        if clock.monotonic() >= until:
            raise UnavailableError("join.coordinator_gone", minutes=int(PATIENCE / 60))
        session.wait(LATER)


def _over(ledger: Ledger) -> bool:
    """Whether the run has ended, by whomever; or the coordinator that this process worked for has left, and no later
    one has come."""
    latest = next(iter(runlog.history(ledger)), None)
    if latest is not None and latest.state != "open":
        return True
    if ledger.epoch is None:
        return False
    try:
        ledger.follow(ledger.epoch)
    except BusyError:
        return False
    return True


def _enlisted(session: Session, coordinator: Worker, joined: _Joined) -> None:
    """Work for this coordinator, until it has left, is gone, or this process is to end."""
    ledger, seconds = session.ledger, session.project.spec.limits.lease
    worker = workers.enlist(ledger, name_of(os.getpid()))
    with Pulse(ledger.place, coordinator.epoch, worker, seconds) as pulse:
        hands = Hands(session, worker, pulse, enough=lambda: pulse.over, carries=True)
        joined.worked.append(hands.worked)
        pause = SOON
        try:
            while not pulse.over:
                session.heed()
                if hands.take():
                    pause = SOON
                    session.tick(Tick("join", "", hands.worked.outcomes.total()))
                else:
                    session.wait(pause)
                    pause = min(LATER, pause * 2)
        finally:
            with suppress(ChangeoverError):
                workers.left(ledger, worker)


def _could(session: Session, run: Run) -> Report:
    """Without --execute."""
    return Report(
        verb="join",
        verdict=Text("join.could", {"run": run.id}),
        good=True,
        facts=_facts(session, [run.id]),
        next_steps=(session.project.command("run --join --execute"),),
        extra={"runs": [run.id]},
    )


def _report(session: Session, joined: _Joined, interrupted: bool, seconds: float) -> Report:
    done = joined.sum()
    changes = done.outcomes.total()
    rows = tuple((Text(f"state.{state}"), number) for state, number in sorted(done.outcomes.items()))
    told = {"partitions": done.partitions, "changes": changes, "recovered": done.recovered, "lost": done.lost}
    command = "run --join --execute" if interrupted else "status"
    return Report(
        verb="join",
        verdict=Text("join.interrupted" if interrupted else "join.done", {"changes": changes, **told}),
        good=not interrupted,
        exit_code=130 if interrupted else 0,
        facts=(
            *_facts(session, joined.runs),
            ("fact.partitions", done.partitions),
            *((("fact.recovered", done.recovered),) if done.recovered else ()),
            *((("fact.leases_lost", done.lost),) if done.lost else ()),
            ("fact.seconds", f"{seconds:.1f}"),
        ),
        tables=(Table(Text("table.outcomes"), ("column.outcome", "column.changes"), rows),) if rows else (),
        next_steps=(session.project.command(command),),
        extra={"runs": list(dict.fromkeys(joined.runs)), **told, "seconds": round(seconds, 3)},
    )


def _facts(session: Session, runs: Sequence[int]) -> tuple[tuple[str, str | int | Text], ...]:
    target = session.target.identity()
    return (
        ("fact.environment", session.project.env),
        ("fact.target", f"{target.name} ({target.kind})"),
        ("fact.run", ", ".join(map(str, dict.fromkeys(runs)))),
    )
