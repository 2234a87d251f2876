"""The verb `undo`: its forecast, and what it did."""

from __future__ import annotations

from collections.abc import Callable

from ..connectors.clock import Clock
from ..connectors.errors import InputError
from ..connectors.secrets import Secrets
from ..runs.ledger import records, runlog, sound
from ..runs.report.model import Report, Row, Table, Text
from ..runs.values import PREIMAGE
from .causes import causes
from .hooks import QuotaWatch, end_early
from .prepare import prepare
from .project import Project
from .readback import read_back_left
from .recover import recover
from .session import Interrupted, Session, Tick, open_session
from .undo import Spared, Undo, Undone

WHAT = ("deleted", "restored", "released", "fields", "spared")
LISTED = 200


def undo(
    project: Project, run_id: int, execute: bool, secrets: Secrets, clock: Clock, tick: Callable[[Tick], None]
) -> Report:
    """Take a run back, or say what that would cost and spare."""
    started = clock.monotonic()
    with open_session(project, secrets, clock, sends=execute) as session:
        session.tick = tick
        prepare(session)
        _require_run(session, run_id)
        session.values.require_key(PREIMAGE, str(run_id))
        if not execute:
            return _report(session, Undo(session, run_id, None).go(), None, clock.monotonic() - started)
        sound.check_run(session.ledger, run_id)
        recover(session)
        read_back_left(session, run_id)
        work = Undo(session, run_id, None)
        session.breaker.probing = runlog.paused(session.ledger)
        current = runlog.begin(session.ledger, "undo", clock.now(), undoes=run_id)
        work.undo_run = current.id
        session.watch = QuotaWatch(session, current.id).look
        try:
            undone = work.go()
            session.wait(session.target.capabilities.read_back_lag.total_seconds())
        except Interrupted:
            runlog.end(session.ledger, current.id, "interrupted", clock.now())
            return _report(session, work.undone, current.id, clock.monotonic() - started, interrupted=True)
        except BaseException as error:
            end_early(session, current, error)
            raise
        runlog.end(session.ledger, current.id, "finished", clock.now())
        return _report(session, undone, current.id, clock.monotonic() - started)


def _require_run(session: Session, run_id: int) -> None:
    try:
        run = runlog.get(session.ledger, run_id)
    except KeyError:
        known = ", ".join(str(each.id) for each in runlog.history(session.ledger) if each.verb == "run")
        raise InputError("undo.no_run", run=run_id, known=known or "-") from None
    if run.verb != "run":
        raise InputError("undo.not_a_run", run=run_id, verb=run.verb)


def _report(
    session: Session, undone: Undone, undo_run: int | None, seconds: float, *, interrupted: bool = False
) -> Report:
    totals = {what: sum(n for (_, w), n in undone.counts.items() if w == what) for what in WHAT}
    forecast = undo_run is None
    takes = any(totals[what] for what in ("deleted", "restored", "released"))
    if interrupted:
        code = "undo.interrupted"
    elif forecast:
        code = "undo.forecast" if takes else "undo.only_spares" if totals["spared"] else "undo.nothing"
    else:
        code = "undo.done_sparing" if totals["spared"] else "undo.done"
    objects = list(dict.fromkeys(name for name, _ in undone.counts))
    rows: tuple[Row, ...] = tuple((name, *(undone.counts[name, what] for what in WHAT)) for name in objects)
    tables = (
        [Table(Text("table.undo"), ("column.object", *(f"undo.column.{what}" for what in WHAT)), rows)] if rows else []
    )
    if undone.spared:
        tables.append(_spared_table(session, undone))
    return Report(
        verb="undo",
        verdict=Text(code, {"run": undone.run, **totals}),
        good=not interrupted and not totals["spared"],
        exit_code=130 if interrupted else 1 if totals["spared"] and not forecast else 0,
        facts=(
            ("fact.environment", session.project.env),
            ("fact.undoes", undone.run),
            ("fact.seconds", f"{seconds:.1f}"),
        ),
        causes=causes(session.notices),
        tables=tuple(tables),
        next_steps=_next(session.project, undone.run, takes=takes, to_do=forecast or interrupted),
        extra={
            "undoes": undone.run,
            **({"run": undo_run} if undo_run is not None else {}),
            **totals,
            "seconds": round(seconds, 3),
        },
    )


def _next(project: Project, run_id: int, *, takes: bool, to_do: bool) -> tuple[str, ...]:
    """Only what does something: a forecast that takes nothing back leads to the list of runs."""
    if to_do:
        return (project.command(f"undo {run_id} --execute" if takes else "runs"),)
    return (project.command("plan"),)


def _spared_table(session: Session, undone: Undone) -> Table:
    listed = undone.spared[:LISTED]
    return Table(
        Text("table.spared"),
        ("column.object", "column.old", "column.new", "column.why"),
        tuple(_spared_row(session, each) for each in listed),
        len(undone.spared) - len(listed),
    )


def _spared_row(session: Session, each: Spared) -> Row:
    known = records.lookup(session.ledger, each.object, [each.our_key])[each.our_key]
    return (
        each.object,
        f"{known.source_object}:{known.source_key}",
        each.target_key,
        Text(each.code, {"fields": ", ".join(each.fields), "children": each.children}),
    )
