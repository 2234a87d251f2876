"""The verbs `pause`, `continue` and `pace`: what a run is asked from another terminal while it works."""

from __future__ import annotations

import math

from ..connectors.clock import Clock
from ..connectors.errors import InputError
from ..connectors.secrets import Secrets
from ..runs.ledger import control, runlog
from ..runs.report.model import Report, Text
from .project import Project
from .session import open_ledger

OFF = "off"


def pause(project: Project, secrets: Secrets, clock: Clock) -> Report:
    """Let the run stand still after the batch in flight; where none is at work, the next one waits before its first."""
    with open_ledger(project, secrets) as (ledger, _):
        changed = control.pause(ledger, clock.now())
        code = (
            "pause.already" if not changed else "pause.asked" if runlog.at_work(ledger, project.runs) else "pause.next"
        )
        since = (control.read(ledger).paused_at or "")[:19]
    return _report("pause", code, {"since": since}, (project.command("continue"),))


def go_on(project: Project, secrets: Secrets, clock: Clock) -> Report:
    """Let it go on."""
    with open_ledger(project, secrets) as (ledger, _):
        changed = control.go_on(ledger, clock.now())
        at_work = runlog.at_work(ledger, project.runs)
    next_steps = () if at_work else (project.command("run --execute"),)
    return _report("continue", "continue.asked" if changed else "continue.nothing", {}, next_steps)


def pace(project: Project, share: str, secrets: Secrets, clock: Clock) -> Report:
    """Let runs take only this share of every rate, from the next second on. Raises InputError `pace.no_share`."""
    wanted = None if share == OFF else _share(share)
    with open_ledger(project, secrets) as (ledger, _):
        changed = control.set_pace(ledger, clock.now(), wanted)
    code = "pace.off" if wanted is None else "pace.asked" if changed else "pace.already"
    return _report("pace", code, {"share": share}, () if wanted is None else (project.command(f"pace {OFF}"),))


def _share(text: str) -> float:
    number, percent, rest = text.partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = math.nan
    if rest or not 0 < share <= 1:
        raise InputError("pace.no_share", given=text)
    return share


def _report(verb: str, code: str, params: dict[str, str | int], next_steps: tuple[str, ...]) -> Report:
    return Report(verb=verb, verdict=Text(code, params), good=True, next_steps=next_steps)
