"""The verb `undo`: its forecast, and what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...connectors.clock import Clock
from ...connectors.errors import InputError
from ...connectors.finding import Finding, Severity
from ...connectors.secrets import Secrets
from ...runs.ledger import records, runlog, sound, undone
from ...runs.ledger.runlog import Run
from ...runs.report.model import Report, Row, Table, Text
from ...runs.values import PREIMAGE
from ..causes import causes
from ..hooks import QuotaWatch, end_early
from ..pace.calls import CallsTold, tell_most, undo_calls
from ..pins import require_name
from ..prepare import prepare
from ..project import Project
from ..proving.grade import degraded_facts, grades_told
from ..proving.ordeals import take_back_left
from ..session import Interrupted, Session, Tick, open_session
from ..settling.readback import read_back_left
from ..settling.recover import recover
from .undo import Undo, Undone
from .undo_judge import Spared

WHAT = ("deleted", "restored", "released", "fields", "spared")
LISTED = 200
PARTLY = ("undo.edited", "undo.unmapped")
"""Why some fields of a record are spared; the rest of it is taken back."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What a report is made of. current: the undo itself, None in a forecast. resumed: the same began earlier.
    recovered: operations that an earlier process had left open."""

    undone: Undone
    current: Run | None
    resumed: bool
    recovered: int
    calls: CallsTold
    seconds: float
    interrupted: bool = False


def undo(
    project: Project,
    run_id: int,
    execute: bool,
    secrets: Secrets,
    clock: Clock,
    tick: Callable[[Tick], None],
    confirm: str | None = None,
) -> Report:
    """Take a run back, or say what that would cost and spare. What an earlier process left open is asked for first, so
    that a run, or an undo, that was cut off is taken back whole. confirm: the org's name, typed by hand."""
    started = clock.monotonic()
    with open_session(project, secrets, clock, tick, sends=execute) as session:
        prepare(session)
        _require_run(session, run_id)
        if execute:
            require_name(session.target.identity(), project.environment.production, confirm)
        session.values.require_key(PREIMAGE, str(run_id))
        work = Undo(session, run_id)
        tell_most(session, work.to_read())
        if execute:
            sound.check_run(session.ledger, run_id)
        recovered = recover(session)
        if recovered:
            work = Undo(session, run_id)
        if not execute:
            _look_again(session, run_id)
            foreseen = work.foresee()
            calls = undo_calls(session, session.paces.target.made(), foreseen.cost)
            told = _Told(foreseen, None, False, recovered, calls, clock.monotonic() - started)
            return _report(session, told)
        take_back_left(session)
        session.breaker.probing = runlog.paused(session.ledger)
        current, resumed = _begin(session, run_id)
        session.watch = QuotaWatch(session, current.id).look
        interrupted, judged = False, dict[str, int]()
        try:
            _look_again(session, run_id)
            read_back_left(session, current.id, ["undo"])
            work.foresee()
            judged = session.paces.target.made()
            _spared_before(session, current.id, work.undone)
            _keep_findings(session, current.id, work.undone)
            work.go(current.id)
            session.wait(session.target.capabilities.read_back_lag.total_seconds())
            _keep_findings(session, current.id, work.undone)
        except Interrupted:
            interrupted = True
        except BaseException as error:
            end_early(session, current, error)
            raise
        runlog.end(session.ledger, current.id, "interrupted" if interrupted else "finished", clock.now())
        work.undone.counts = undone.tally(session.ledger, current.id)
        found = runlog.findings_of(session.ledger, current.id)
        work.undone.differences = [each for each in found if each.code.startswith("readback.")]
        calls = undo_calls(session, judged, work.undone.cost, made=True)
        seconds = clock.monotonic() - started
        return _report(session, _Told(work.undone, current, resumed, recovered, calls, seconds, interrupted))


def _look_again(session: Session, run_id: int) -> None:
    """What earlier processes wrote has to be seen before anything is judged, the latest of it too."""
    session.wait(session.target.capabilities.read_back_lag.total_seconds())
    read_back_left(session, run_id, ["run"])


def _begin(session: Session, run_id: int) -> tuple[Run, bool]:
    """The undo to go on with, or a new one; true for the former."""
    left = undone.unfinished(session.ledger, run_id)
    if left is not None:
        runlog.reopen(session.ledger, left.id, session.clock.now())
        return left, True
    return runlog.begin(session.ledger, "undo", session.clock.now(), undoes=run_id), False


def _require_run(session: Session, run_id: int) -> None:
    try:
        run = runlog.get(session.ledger, run_id)
    except KeyError:
        known = ", ".join(str(each.id) for each in runlog.history(session.ledger) if each.verb == "run")
        raise InputError("undo.no_run", run=run_id, known=known or "-") from None
    if run.verb != "run":
        raise InputError("undo.not_a_run", run=run_id, verb=run.verb)


def _keep_findings(session: Session, undo_run: int, told: Undone) -> None:
    """Why a record was spared belongs to its story."""
    found = []
    for each in told.spared:
        known = records.lookup(session.ledger, each.object, [each.our_key]).get(each.our_key)
        params: dict[str, str | int] = {
            "fields": ", ".join(each.fields),
            "children": each.children,
            "our_key": each.our_key,
            "target_key": each.target_key,
        }
        found.append(
            Finding(
                each.code,
                Severity.WARNS,
                params,
                object=known.source_object if known else None,
                key=known.source_key if known else each.our_key,
                mapping=known.mapping if known else None,
            )
        )
    undone.replace_findings(session.ledger, undo_run, found)


def _spared_before(session: Session, undo_run: int, told: Undone) -> None:
    """What an earlier process of this undo spared of records that are let go by now, and so not judged again."""
    for each in runlog.findings_of(session.ledger, undo_run):
        mapping = session.maker(each.mapping or "")
        if mapping is None or each.code not in PARTLY:
            continue
        name, our_key = mapping.target.name, str(each.params["our_key"])
        known = records.lookup(session.ledger, name, [our_key]).get(our_key)
        if known is not None and known.state == "gone":
            fields = tuple(str(each.params["fields"]).split(", "))
            told.spare(Spared(name, our_key, str(each.params["target_key"]), each.code, fields))


def _report(session: Session, told: _Told) -> Report:
    work, forecast = told.undone, told.current is None
    spared = {name: work.spared_of(name) for name in work.objects}
    counts = {(name, what): work.counts[name, what] for name in work.objects for what in WHAT[:-1]}
    totals = {what: sum(number for (_, w), number in counts.items() if w == what) for what in WHAT[:-1]}
    totals["spared"] = sum(spared.values())
    rows: tuple[Row, ...] = tuple(
        (name, *line, spared[name])
        for name in work.objects
        if any(line := tuple(counts[name, what] for what in WHAT[:-1])) or spared[name]
    )
    tables = (
        [Table(Text("table.undo"), ("column.object", *(f"undo.column.{what}" for what in WHAT)), rows)] if rows else []
    )
    if work.spared:
        tables.append(_spared_table(session, work))
    code = _code(told, totals)
    good = code in ("undo.nothing", "undo.done") or (code == "undo.forecast" and not totals["spared"])
    takes = any(totals[what] for what in ("deleted", "restored", "released"))
    return Report(
        verb="undo",
        verdict=Text(code, {"run": work.run, **totals, "differences": len(work.differences)}),
        good=good,
        exit_code=130 if told.interrupted else 0 if good or forecast else 1,
        facts=(*_facts(session.project, told), *degraded_facts(session.graded)),
        causes=causes([*session.notices, *work.differences]),
        tables=tuple(tables),
        next_steps=_next(session.project, work.run, takes=takes, to_do=forecast or told.interrupted),
        extra={
            "undoes": work.run,
            **({"run": told.current.id, "differences": len(work.differences)} if told.current is not None else {}),
            **totals,
            **grades_told(session.graded),
            "seconds": round(told.seconds, 3),
            **told.calls.extra,
        },
    )


def _code(told: _Told, totals: dict[str, int]) -> str:
    if told.interrupted:
        return "undo.interrupted"
    if told.current is None:
        takes = any(totals[what] for what in ("deleted", "restored", "released"))
        return "undo.forecast" if takes else "undo.only_spares" if totals["spared"] else "undo.nothing"
    if told.undone.differences:
        return "undo.diverged"
    return "undo.done_sparing" if totals["spared"] else "undo.done"


def _facts(project: Project, told: _Told) -> tuple[tuple[str, str | int | Text], ...]:
    facts: list[tuple[str, str | int | Text]] = [
        ("fact.environment", project.env),
        ("fact.undoes", told.undone.run),
    ]
    if told.current is not None:
        facts.append(("fact.run", told.current.id))
    if told.resumed and told.current is not None:
        facts.append(("fact.resumed", told.current.started[:19]))
    if told.recovered:
        facts.append(("fact.recovered", told.recovered))
    return (*facts, *told.calls.facts, ("fact.seconds", f"{told.seconds:.1f}"))


def _next(project: Project, run_id: int, *, takes: bool, to_do: bool) -> tuple[str, ...]:
    """Only what does something: a forecast that takes nothing back leads to the list of runs."""
    if to_do:
        return (project.command(f"undo {run_id} --execute" if takes else "runs"),)
    return (project.command("plan"),)


def _spared_table(session: Session, told: Undone) -> Table:
    listed = told.spared[:LISTED]
    return Table(
        Text("table.spared"),
        ("column.object", "column.old", "column.new", "column.why"),
        tuple(_spared_row(session, each) for each in listed),
        len(told.spared) - len(listed),
    )


def _spared_row(session: Session, each: Spared) -> Row:
    known = records.lookup(session.ledger, each.object, [each.our_key]).get(each.our_key)
    return (
        each.object,
        each.our_key if known is None else f"{known.source_object}:{known.source_key}",
        each.target_key or None,
        Text(each.code, {"fields": ", ".join(each.fields), "children": each.children}),
    )
