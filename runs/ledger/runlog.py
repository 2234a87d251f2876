"""Runs and how far they are."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...connectors.errors import DecisionError
from ...connectors.finding import Finding, Severity
from . import events
from .sound import line_digest
from .store import Ledger


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the ledger knows it. state: open, finished, stopped, interrupted, paused (a system keeps it from
    going on) or failed."""

    id: int
    verb: str
    state: str
    started: str
    ended: str | None
    mapping_digest: str
    selection: str
    undoes: int | None
    report: str | None


@dataclass(slots=True)
class Progress:
    """How far a run is with one mapping. counts: `read`, the buckets of a report, and `adopted`. pieces: what of the
    stage belongs to it; anything else there was left by a process that ended in between."""

    mapping: str
    cursor: str | None = None
    done: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)


SETTLED: Final = "settled"
"""A parameter of findings that stays in the ledger: digests of what both sides held when something was decided."""
UNFINISHED = ("open", "interrupted", "paused", "failed")
_COLUMNS = "id, verb, state, started, ended, mapping_digest, selection, undoes, report"


def begin(
    ledger: Ledger,
    verb: str,
    now: dt.datetime,
    mapping_digest: str = "",
    selection: str = "",
    source_time: dt.datetime | None = None,
    undoes: int | None = None,
) -> Run:
    """Start a run and return it."""
    with ledger.transaction():
        (made,) = ledger.db.execute(
            "insert into run (verb, state, started, mapping_digest, selection, source_time, undoes) "
            "values (?, 'open', ?, ?, ?, ?, ?) returning id",
            (verb, now.isoformat(), mapping_digest, selection, (source_time or now).isoformat(), undoes),
        ).fetchall()
        told: dict[str, str | int] = {"verb": verb, "mappings": mapping_digest, "selection": selection}
        told["source_time"] = (source_time or now).isoformat()
        events.note(ledger, now, "begun", made[0], told | ({} if undoes is None else {"undoes": undoes}))
    return get(ledger, int(made[0]))


def resumable(ledger: Ledger, verb: str, mapping_digest: str, selection: str) -> Run | None:
    """The latest run of this verb that did not end and meant the same thing: a new one goes on from its cursors. Once
    anything was taken back since it began it is not gone on with: what it has passed may be gone."""
    row = ledger.db.execute(
        f"select {_COLUMNS} from run where verb = ? order by id desc limit 1",  # noqa: S608
        (verb,),
    ).fetchone()
    if row is None:
        return None
    run = Run(*row)
    meant = (run.mapping_digest, run.selection) == (mapping_digest, selection)
    return run if run.state in UNFINISHED and meant and not _taken_back_since(ledger, run.id) else None


def _taken_back_since(ledger: Ledger, run_id: int) -> bool:
    """Whether an undo did anything after this run began. By the order of the history: an undo that is gone on with
    keeps its number, and a clock may have been put back."""
    return (
        ledger.db.execute(
            "select 1 from event e join run u on u.id = e.run where u.undoes is not null and (u.id > ?1 or e.id > "
            "(select min(b.id) from event b where b.run = ?1)) limit 1",
            (run_id,),
        ).fetchone()
        is not None
    )


def superseded(ledger: Ledger, verb: str, mapping_digest: str, before: int | None = None) -> Run | None:
    """The full run that did not come to its end and is not gone on with, because the mappings have changed since.
    before: the run that begins in its place; None where it has not begun."""
    rows = ledger.db.execute(
        f"select {_COLUMNS} from run where verb = ? and (cast(? as integer) is null or id < ?) "  # noqa: S608
        "order by id desc limit 1",
        (verb, before, before),
    ).fetchall()
    latest = [Run(*row) for row in rows]
    return next((each for each in latest if each.state in UNFINISHED and _meant_else(each, mapping_digest)), None)


def _meant_else(run: Run, mapping_digest: str) -> bool:
    return not run.selection and run.mapping_digest != mapping_digest


def get(ledger: Ledger, run_id: int) -> Run:
    """The run of this number. Raises KeyError where there is none."""
    row = ledger.db.execute(f"select {_COLUMNS} from run where id = ?", (run_id,)).fetchone()  # noqa: S608
    if row is None:
        raise KeyError(run_id)
    return Run(*row)


def history(ledger: Ledger) -> list[Run]:
    """All runs, the latest first."""
    rows = ledger.db.execute(f"select {_COLUMNS} from run order by id desc").fetchall()  # noqa: S608
    return [Run(*row) for row in rows]


def paused(ledger: Ledger) -> bool:
    """Whether the latest run that wrote was paused: then the target is asked with little first."""
    row = ledger.db.execute("select state from run order by id desc limit 1").fetchone()
    return row is not None and row[0] == "paused"


def at_work(ledger: Ledger, folder: Path) -> bool:
    """Whether the latest run is; one that was killed is open, too. folder: the environment's."""
    row = ledger.db.execute("select state from run order by id desc limit 1").fetchone()
    return row is not None and row[0] == "open" and ledger.at_work(folder)


def end(ledger: Ledger, run_id: int, state: str, now: dt.datetime, report: str | None = None) -> None:
    with ledger.transaction():
        ledger.db.execute(
            "update run set state = ?, ended = ?, report = coalesce(?, report) where id = ?",
            (state, now.isoformat(), report, run_id),
        )
        events.note(ledger, now, "ended", run_id, {"state": state})


def name_report(ledger: Ledger, run_id: int, path: str) -> None:
    with ledger.transaction():
        ledger.db.execute("update run set report = ? where id = ?", (path, run_id))


def reopen(ledger: Ledger, run_id: int, now: dt.datetime) -> None:
    with ledger.transaction():
        ledger.db.execute("update run set state = 'open', ended = null where id = ?", (run_id,))
        events.note(ledger, now, "reopened", run_id)


def progress_of(ledger: Ledger, run_id: int) -> dict[str, Progress]:
    """By mapping. Raises DecisionError `ledger.damaged` where it is not as it was written."""
    rows = ledger.db.execute(
        "select mapping, cursor, done, counts, pieces, digest from progress where run = ?", (run_id,)
    ).fetchall()
    if any(line_digest(run_id, *row[:-1]) != row[-1] for row in rows):
        raise DecisionError("ledger.damaged", path=str(ledger.place))
    return {row[0]: Progress(row[0], row[1], bool(row[2]), json.loads(row[3]), json.loads(row[4])) for row in rows}


def save_progress(ledger: Ledger, run_id: int, progress: Progress) -> None:
    """Write one mapping's progress; inside the caller's transaction."""
    counts, pieces = json.dumps(progress.counts, sort_keys=True), json.dumps(progress.pieces)
    line = (progress.mapping, progress.cursor, int(progress.done), counts, pieces)
    ledger.db.execute(
        "insert into progress (run, mapping, cursor, done, counts, pieces, digest) values (?, ?, ?, ?, ?, ?, ?) "
        "on conflict (run, mapping) do update set cursor = excluded.cursor, done = excluded.done, "
        "counts = excluded.counts, pieces = excluded.pieces, digest = excluded.digest",
        (run_id, *line, line_digest(run_id, *line)),
    )


def add_findings(ledger: Ledger, run_id: int, findings: Iterable[Finding]) -> None:
    """Keep findings without their samples; inside the caller's transaction. A record's findings replace those that the
    same run noted for it and the same mapping before (a chunk read again after a crash)."""
    listed = list(findings)
    take_out(ledger, run_id, listed)
    ledger.db.executemany(
        "insert into finding (run, mapping, object, key, field, code, severity, params, file, line, digest) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*line, line_digest(*line)) for line in (_line(run_id, each) for each in listed)],
    )


def take_out(ledger: Ledger, run_id: int, findings: Iterable[Finding]) -> None:
    """Take out what this run noted of these records under the same code; inside the caller's transaction."""
    ledger.db.executemany(
        "delete from finding where run = ? and object = ? and key = ? and code = ? and coalesce(field, '') = ? "
        "and coalesce(mapping, '') = ?",
        [
            (run_id, each.object, each.key, each.code, each.field or "", each.mapping or "")
            for each in findings
            if each.key is not None
        ],
    )


def forget_findings(ledger: Ledger, run_id: int, code: str) -> None:
    """Take out what this run noted under this code, before it is noted anew; inside the caller's transaction."""
    ledger.db.execute("delete from finding where run = ? and code = ?", (run_id, code))


def forget_counted(ledger: Ledger, run_id: int, mapping: str) -> None:
    """Take out what this run noted of the mapping's records by their number: they are read anew, from the first one."""
    with ledger.transaction():
        ledger.db.execute("delete from finding where run = ? and mapping = ? and key is null", (run_id, mapping))


def _line(run_id: int, each: Finding) -> tuple[str | int | None, ...]:
    params = json.dumps(dict(each.params), ensure_ascii=False, sort_keys=True)
    about = (each.mapping, each.object, each.key, each.field, each.code, each.severity.value)
    return (run_id, *about, params, each.file, each.line)


def findings_of(ledger: Ledger, run_id: int) -> list[Finding]:
    rows = ledger.db.execute(
        "select mapping, object, key, field, code, severity, params, file, line from finding where run = ? order by id",
        (run_id,),
    )
    return [_finding(ledger, row) for row in rows]


def findings_about(ledger: Ledger, object_name: str, key: str) -> list[tuple[int, Finding]]:
    """(run, finding) of one source record, the oldest first."""
    rows = ledger.db.execute(
        "select run, mapping, object, key, field, code, severity, params, file, line from finding "
        "where object = ? and key = ? order by id",
        (object_name, key),
    )
    return [(row[0], _finding(ledger, row[1:])) for row in rows]


def findings_of_waiting(ledger: Ledger) -> dict[tuple[str, str], list[tuple[int, Finding]]]:
    """(target object, our key) -> (run, finding) of every record that waits, the oldest first: what keeps it back, or
    kept it back before."""
    rows = ledger.db.execute(
        "select c.object, c.our_key, f.run, f.mapping, f.object, f.key, f.field, f.code, f.severity, f.params, f.file, "
        "f.line from record c join finding f on f.object = c.source_object and f.key = c.source_key "
        "and f.mapping = c.mapping where (c.code is not null and c.state <> 'gone' or c.state = 'pending') "
        "and (f.severity in ('blocks', 'holds') or f.code = 'reference.pending') order by f.id"
    )
    found: dict[tuple[str, str], list[tuple[int, Finding]]] = {}
    for object_name, our_key, run, *finding in rows:
        found.setdefault((object_name, our_key), []).append((run, _finding(ledger, tuple(finding))))
    return found


def _finding(ledger: Ledger, row: tuple[str, str, str, str, str, str, str, str, int]) -> Finding:
    params: Mapping[str, str | int] = {name: told for name, told in ledger.parsed(row[6]).items() if name != SETTLED}
    return Finding(
        code=row[4],
        severity=Severity(row[5]),
        params=params,
        object=row[1],
        key=row[2],
        field=row[3],
        mapping=row[0],
        file=row[7],
        line=row[8],
    )
