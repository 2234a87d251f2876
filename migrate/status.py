"""What the ledger knows, without asking a system: status, runs, and the crosswalk."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from ..connectors.secrets import Secrets
from ..runs.ledger import control, operations, proofs, records, runlog, undone, workers
from ..runs.ledger.store import Ledger
from ..runs.ledger.workers import Worker
from ..runs.report.model import Report, Table, Text
from .project import Project
from .proving.grade import degraded_facts, grades, grades_table, grades_told
from .session import open_ledger
from .sharing.pulse import heard_within
from .waiting import causes_of, codes_table, reasons_of

PIECE = 65_536


def status(project: Project, secrets: Secrets) -> Report:
    """How many records are in which state, the latest run, what is open."""
    with open_ledger(project, secrets) as (ledger, _):
        latest = next(iter(runlog.history(ledger)), None)
        by_state = records.counts_by_state(ledger)
        left_open = operations.count_open(ledger)
        waiting = reasons_of(ledger, records.waiting(ledger))
        facts: list[tuple[str, str | int | Text]] = [
            ("fact.project", project.spec.project),
            ("fact.environment", project.env),
        ]
        for role in (*project.environment.sources, "target"):
            pinned = ledger.pinned(role)
            if pinned is not None:
                facts.append((f"fact.{role.partition(' ')[0]}", f"{pinned.name} ({pinned.kind})"))
        if latest is not None:
            facts.append(("fact.latest_run", Text("run.line", _run_params(latest))))
        facts.append(("fact.open_operations", left_open))
        working = workers.at_work(ledger, heard_within(project.spec.limits.lease))
        if working:
            facts.append(("fact.workers", len(working)))
        graded = grades(proofs.everything(ledger))
        facts += degraded_facts(graded)
        paused_at = control.read(ledger).paused_at
        if paused_at is not None:
            facts.append(("fact.paused", paused_at[:19]))
        tables = (
            Table(
                Text("table.records"),
                ("column.object", "column.mapping", "column.state", "column.records"),
                tuple((name, mapping, Text(f"state.{state}"), number) for name, mapping, state, number in by_state),
            ),
        )
        at_work = runlog.at_work(ledger, project.runs)
        good = at_work or (left_open == 0 and (latest is None or latest.state not in runlog.UNFINISHED))
        code, steps = _verdict(latest, at_work, paused_at is not None, good, bool(waiting))
        return Report(
            verb="status",
            verdict=Text(code, {"count": len(waiting), "open": left_open}),
            good=good,
            facts=tuple(facts),
            causes=causes_of(waiting),
            tables=(*_at_work(working), *((*tables, *grades_table(graded), *codes_table(waiting)) if by_state else ())),
            next_steps=tuple(map(project.command, steps)),
            extra={"parked": len(waiting), "open": left_open, **grades_told(graded)},
        )


def _at_work(working: Sequence[Worker]) -> tuple[Table, ...]:
    rows = tuple((each.name, Text(f"role.{each.role}"), f"{each.seen:%Y-%m-%d %H:%M:%S}") for each in working)
    columns = ("column.worker", "column.role", "column.seen")
    return (Table(Text("table.workers"), columns, rows),) if rows else ()


def _verdict(
    latest: runlog.Run | None, at_work: bool, paused: bool, good: bool, waiting: bool
) -> tuple[str, tuple[str, ...]]:
    """(code, what to type next)."""
    if latest is None:
        return "status.never_run", ("plan",)
    if at_work:
        return "status.at_work", ("continue",) if paused else ("pause",)
    if not good:
        return "status.open", (_going_on(latest),)
    return (
        ("status.parked", ("worklist", "run --rejected", "reconcile")) if waiting else ("status.clean", ("reconcile",))
    )


def _going_on(latest: runlog.Run) -> str:
    """Which records were chosen the ledger does not tell."""
    if latest.undoes is not None:
        return f"undo {latest.undoes} --execute"
    return "plan" if latest.selection else "run --execute"


def _run_params(run: runlog.Run) -> dict[str, str | int]:
    return {"run": run.id, "verb": run.verb, "state": f"@runstate.{run.state}", "started": run.started[:19]}


def runs(project: Project, secrets: Secrets) -> Report:
    """All runs, the latest first."""
    with open_ledger(project, secrets) as (ledger, _):
        history = runlog.history(ledger)
        taken_back = undone.by_run(history)
        rows = tuple(
            (
                run.id,
                run.verb if run.undoes is None else f"{run.verb} {run.undoes}",
                _state(run, taken_back.get(run.id, [])),
                _minute(run.started),
                *_written(ledger, run.id),
            )
            for run in history
        )
        working = len(workers.at_work(ledger, heard_within(project.spec.limits.lease)))
        undoable = [run.id for run in history if run.verb == "run" and run.id not in taken_back]
        undo = f"undo {undoable[0]}" if undoable else "plan"
        step = "status" if runlog.at_work(ledger, project.runs) else undo
        columns = (
            "column.run",
            "column.verb",
            "column.state",
            "column.started",
            "column.read",
            "column.created",
            "column.updated",
        )
        return Report(
            verb="runs",
            verdict=Text("runs.listed", {"count": len(history)}),
            good=True,
            facts=(("fact.workers", working),) if working else (),
            tables=(Table(Text("table.runs"), columns, rows),) if rows else (),
            next_steps=(project.command(step),),
            extra={"runs": [run.id for run in history], "undone": {str(run): by for run, by in taken_back.items()}},
        )


def _state(run: runlog.Run, taken_back_by: Sequence[int]) -> Text:
    if not taken_back_by:
        return Text(f"runstate.{run.state}")
    return Text("runs.undone", {"state": f"@runstate.{run.state}", "by": ", ".join(map(str, taken_back_by))})


def _minute(time: str | None) -> str | None:
    return None if time is None else time[:16].replace("T", " ")


def _written(ledger: Ledger, run_id: int) -> tuple[int, int, int]:
    counts = [progress.counts for progress in runlog.progress_of(ledger, run_id).values()]
    return (
        sum(each.get("read", 0) for each in counts),
        sum(each.get("created", 0) for each in counts),
        sum(each.get("updated", 0) for each in counts),
    )


COLUMNS = ("source_object", "source_key", "target_object", "our_key", "target_key", "state", "role")


def crosswalk_lines(project: Project, secrets: Secrets, object_name: str | None, *, as_json: bool) -> Iterator[str]:
    """The crosswalk as text in pieces: CSV with a head, or one JSON list of objects."""
    with open_ledger(project, secrets) as (ledger, _):
        rows = records.crosswalk(ledger, object_name)
        yield from _json_pieces(rows) if as_json else _csv_pieces(rows)


def _json_pieces(rows: Iterable[Sequence[str | None]]) -> Iterator[str]:
    before = "["
    for row in rows:
        yield before + json.dumps(dict(zip(COLUMNS, row, strict=True)))
        before = ",\n"
    yield "[]\n" if before == "[" else "]\n"


def _csv_pieces(rows: Iterable[Sequence[str | None]]) -> Iterator[str]:
    piece = StringIO()
    writer = csv.writer(piece, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(row)
        if piece.tell() > PIECE:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()
