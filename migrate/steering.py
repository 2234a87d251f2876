"""The verbs `pause`, `continue` and `pace`: what a run is asked from another terminal while it works."""

from __future__ import annotations

from ..connectors.clock import Clock
from ..connectors.secrets import Secrets
from ..runs.ledger import control, runlog
from ..runs.ledger.store import Ledger
from ..runs.report.model import Report, Text
from .project import Project
from .session import open_ledger


def pause(project: Project, secrets: Secrets, clock: Clock) -> Report:
    """Let the run stand still after the batch in flight; where none is at work, the next one waits before its first."""
    with open_ledger(project, secrets) as (ledger, _):
        changed = control.pause(ledger, clock.now())
        code = "pause.already" if not changed else "pause.asked" if _at_work(ledger) else "pause.next"
        since = (control.read(ledger).paused_at or "")[:19]
    return _report("pause", code, {"since": since}, (project.command("continue"),))


def go_on(project: Project, secrets: Secrets, clock: Clock) -> Report:
    """Let it go on."""
    with open_ledger(project, secrets) as (ledger, _):
        changed = control.go_on(ledger, clock.now())
        at_work = _at_work(ledger)
    next_steps = () if at_work else (project.command("run --execute"),)
    return _report("continue", "continue.asked" if changed else "continue.nothing", {}, next_steps)


def _at_work(ledger: Ledger) -> bool:
    latest = next(iter(runlog.history(ledger)), None)
    return latest is not None and latest.state == "open"


def _report(verb: str, code: str, params: dict[str, str | int], next_steps: tuple[str, ...]) -> Report:
    return Report(verb=verb, verdict=Text(code, params), good=True, next_steps=next_steps)
