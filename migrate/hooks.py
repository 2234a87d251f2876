"""The project's own commands, run when something has happened to a run. They learn that it has, and nothing of any
record: no value, no key, no server's words."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from ..connectors.errors import ChangeoverError, UnavailableError
from ..connectors.finding import Finding, Severity
from ..runs.ledger import runlog
from ..runs.ledger.runlog import Run
from .project import Project
from .session import Session


class Event(StrEnum):
    """paused: a system keeps the run from going on. failed: it ended in an error. finished: it came to its end, whether
    or not something stayed behind. quota_low: of the calls that a system allows us today, QUOTA_LOW are spent."""

    PAUSED = "paused"
    FAILED = "failed"
    FINISHED = "finished"
    QUOTA_LOW = "quota_low"


QUOTA_LOW = 0.9


def call_hook(
    project: Project, event: Event, run_id: int, state: str, report: Path | None = None
) -> tuple[Finding, ...]:
    """Run the command that the project has for this event, if any, and wait for it. What went wrong with it comes back
    as a finding and changes nothing else."""
    words: tuple[str, ...] | None = getattr(project.spec.hooks, event)
    if words is None:
        return ()
    told = {
        "CHANGEOVER_EVENT": event.value,
        "CHANGEOVER_PROJECT": project.spec.project,
        "CHANGEOVER_ENVIRONMENT": project.env,
        "CHANGEOVER_RUN": str(run_id),
        "CHANGEOVER_STATE": state,
        "CHANGEOVER_REPORT": str(report or ""),
    }
    wrong = _run(words, project.folder, told, project.spec.hooks.seconds)
    return () if wrong is None else (Finding(wrong[0], Severity.WARNS, {"event": event.value, **wrong[1]}),)


def _run(
    words: tuple[str, ...], folder: Path, told: dict[str, str], seconds: int
) -> tuple[str, dict[str, str | int]] | None:
    """(code, params) of what went wrong. What the command says is nobody's: it is not kept."""
    try:
        started = subprocess.Popen(  # noqa: S603 - the operator's own command, without a shell
            words,
            cwd=folder,
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is meant for the run, and a late command goes with all that it started
        )
    except (OSError, ValueError) as error:
        return "hook.not_started", {"reason": type(error).__name__}
    try:
        status = started.wait(seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        return "hook.late", {"seconds": seconds}
    return None if status == 0 else ("hook.exit", {"status": status})


def end_early(session: Session, current: Run, error: BaseException) -> None:
    """A run ends by an error: note it in the ledger, best effort, and call the hook. Where the ledger itself is what
    failed, the run stays `open`, which the next one reads the same way. What went wrong with the hook is told with the
    error."""
    event = Event.PAUSED if isinstance(error, UnavailableError) else Event.FAILED
    with suppress(ChangeoverError):
        runlog.end(session.ledger, current.id, event.value, session.clock.now())
    if isinstance(error, Exception):
        told = call_hook(session.project, event, current.id, event.value)
        if isinstance(error, ChangeoverError):
            error.findings += told


class QuotaWatch:
    """Calls the hook `quota_low` once, as soon as QUOTA_LOW of the calls that we may make of either system today are
    spent. What went wrong with the hook is told in the run's report."""

    def __init__(self, session: Session, run_id: int) -> None:
        self._session = session
        self._run = run_id
        self._told = False

    def look(self) -> None:
        """Between batches."""
        if not self._told and any(
            self._low(pace.of_today()) for pace in (*self._session.paces.sources.values(), self._session.paces.target)
        ):
            self._told = True
            self._session.notices += call_hook(self._session.project, Event.QUOTA_LOW, self._run, "open")

    @staticmethod
    def _low(today: tuple[int, int] | None) -> bool:
        return today is not None and today[0] >= QUOTA_LOW * today[1]
