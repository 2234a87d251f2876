"""The verbs `plan` and `run`: they go one way, and only the last step differs."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..connectors.clock import Clock
from ..connectors.errors import InputError
from ..connectors.secrets import Secrets
from ..runs.ledger import runlog
from ..runs.ledger.runlog import Run
from ..runs.report.model import Report
from .filing.known import sweep
from .hooks import QuotaWatch, end_early
from .loading.deferred import all_staged
from .loading.pipeline import Moved, Pipeline
from .loading.select import Choice, parse_keys
from .loading.stubs import know_left
from .pace.calls import calls_so_far, plan_calls, predicted_by_plan, run_calls, tell_reading
from .pace.totals_calls import TARGET
from .pins import in_production, pin_systems, require_name
from .plan import keep_plan, plan_of, reader_for, rehearsed, require_plan
from .prepare import Prepared, prepare
from .project import Project
from .proving.ordeals import take_back_left
from .proving.prove import accept, accepting
from .run_report import interrupted_report, plan_report, run_report
from .session import Interrupted, Session, Tick, open_session
from .settling.readback import read_back_left
from .settling.recover import recover
from .settling.sweep import note_duplicates
from .sharing.share import require_our_key, require_shareable, shared
from .totals import totals_if_any


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked of plan or run: which records, as `Choice` has it. plan: the plan that a run must keep to.
    confirm: the org's name, typed by hand. accept: target objects with which the target may
    do what it was found to do by itself. workers: processes on this host that share the run, this one among them.
    cluster: the address of a dask scheduler whose workers share it too."""

    keys: Sequence[str] = ()
    sample: int | None = None
    children: bool = False
    plan: str | None = None
    confirm: str | None = None
    rejected: bool = False
    code: str | None = None
    owner: str | None = None
    workers: int | None = None
    cluster: str | None = None
    accept: Sequence[str] = ()

    @property
    def chosen(self) -> str:
        """The options that choose the records, as they are typed."""
        options = "".join(f" --keys {shlex.quote(text)}" for text in self.keys)
        options += "" if self.sample is None else f" --sample {self.sample}"
        options += " --children" if self.children else ""
        options += " --rejected" if self.rejected else ""
        options += "" if self.code is None else f" --code {shlex.quote(self.code)}"
        return options + ("" if self.owner is None else f" --owner {shlex.quote(self.owner)}")

    @property
    def shared(self) -> bool:
        return self.workers is not None or self.cluster is not None

    @property
    def typed(self) -> str:
        """The options with which a run that did not end is typed again; the org's name is typed by hand."""
        options = "" if self.plan is None else f" --plan {shlex.quote(self.plan)}"
        options += "" if self.workers is None else f" --workers {self.workers}"
        return options + ("" if self.cluster is None else f" --cluster {shlex.quote(self.cluster)}") + self.chosen

    def choice(self, project: Project) -> Choice:
        keys = parse_keys(self.keys, Path.cwd())
        return Choice(keys, self.sample, self.children, self.rejected, self.code, self.owner)


def plan(project: Project, order: Order, secrets: Secrets, clock: Clock, tick: Callable[[Tick], None]) -> Report:
    """Say what a run would do; nothing is written to the target. What an earlier run left open is asked for first, so
    that a run that was cut off can be planned anew."""
    if order.shared:
        raise InputError("workers.needs_execute")
    started = clock.monotonic()
    if order.accept:
        raise InputError("proof.accept_executes", command=project.command(f"run --execute{accepting(order.accept)}"))
    with open_session(project, secrets, clock, tick) as session:
        prepared = prepare(session)
        choice = order.choice(project)
        opened = calls_so_far(session)
        tell_reading(session, prepared, reader_for(session, choice, prepared))
        recovered = recover(session)
        apart = {role: calls - opened[role] for role, calls in calls_so_far(session).items()}  # what no run does again
        moved, findings, foresight = rehearsed(session, prepared, choice)
        counted = {name: dict(tally.as_dict()) for name, tally in moved.tallies.items()}
        causes: dict[str, int] = {}
        for each in findings:
            causes[each.code] = causes.get(each.code, 0) + 1
        read = {role: calls - apart[role] for role, calls in calls_so_far(session).items()}
        calls = plan_calls(session, choice, moved, foresight.opening - apart[TARGET], read)
        rests_on = plan_of(session, prepared, choice)
        path = keep_plan(session, replace(rests_on, counts=counted, causes=causes, calls=calls.predicted))
        seconds = clock.monotonic() - started
        report = plan_report(session, prepared, moved, findings, path, order.chosen, recovered, calls, seconds)
        return foresight.told(report)


def run(project: Project, order: Order, secrets: Secrets, clock: Clock, tick: Callable[[Tick], None]) -> Report:
    """Move the records, or go on where the latest run was cut off."""
    started = clock.monotonic()
    if order.shared:
        require_shareable(project, order.cluster)
    with open_session(project, secrets, clock, tick, sends=True, shared=order.shared) as session:
        prepared = prepare(session)
        choice = order.choice(project)
        _guard_production(session, order)
        if order.shared:
            require_our_key(session)
        if order.plan is not None:
            require_plan(session, prepared, choice, order.plan)
        predicted = predicted_by_plan(session, prepared, choice, order.plan)
        reader = reader_for(session, choice, prepared)
        before = session.target.identity()
        session.target.prepare()
        pin_systems(session.ledger, session.source, session.target, before, clock.now())
        recovered = recover(session)
        take_back_left(session)
        accept(session, order.accept)
        session.breaker.probing = runlog.paused(session.ledger)
        current, resumed = _begin(session, prepared, choice)
        session.watch = QuotaWatch(session, current.id).look
        moved = Moved(current)
        try:
            read_back_left(session, current.id)
            know_left(session)
            with shared(session, current, order.workers, order.cluster):
                moved = Pipeline(session, current, reader, prepared.cut).move(prepared.order)
            note_duplicates(session, current.id)
            if not moved.stopped:
                sweep(session.bodies)
            totals = totals_if_any(session, choice)
        except Interrupted:
            runlog.end(session.ledger, current.id, "interrupted", clock.now())
            return interrupted_report(session, current, order.typed, clock.monotonic() - started)
        except BaseException as error:
            end_early(session, current, error)
            raise
        runlog.end(session.ledger, current.id, "stopped" if moved.stopped else "finished", clock.now())
        findings = runlog.findings_of(session.ledger, current.id)
        calls = run_calls(session, predicted)
        seconds = clock.monotonic() - started
        return run_report(session, moved, findings, totals, order.chosen, recovered, resumed, calls, seconds)


def _begin(session: Session, prepared: Prepared, choice: Choice) -> tuple[Run, bool]:
    """The run to go on with, or a new one; true for the former."""
    resumed = runlog.resumable(session.ledger, "run", prepared.digest, choice.digest) if choice.everything else None
    if resumed is not None and all_staged(session, resumed.id):
        runlog.reopen(session.ledger, resumed.id, session.clock.now())
        return resumed, True
    for name in session.stage.names():
        session.stage.drop(name)
    begun = runlog.begin(
        session.ledger, "run", session.clock.now(), prepared.digest, choice.digest, session.source.now()
    )
    return begun, False


def _guard_production(session: Session, order: Order) -> None:
    """Production wants a plan and the org's own name typed."""
    identity, declared = session.target.identity(), session.project.environment.production
    if in_production(identity, declared) and order.plan is None:
        raise InputError("run.production_needs_plan", org=identity.name)
    require_name(identity, declared, order.confirm)
