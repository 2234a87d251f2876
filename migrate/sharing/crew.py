"""The processes that a coordinator starts to share its run: `run --join`, watched, and ended with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from ...connectors.finding import Finding, Severity
from ..pace.pacing import name_of
from ..project import Project

PARENT = "CHANGEOVER_STARTED_BY"
"""In the environment of a process that was started to join a run: the id of the process that it ends with."""
RESTARTS = 3
"""So often a process that was killed is started again."""
PATIENCE = 10.0
"""Seconds, beyond the longest call, in which a process that is asked to end may do so by itself."""


def parent() -> int | None:
    """The process that started this one to join a run; None where a person did."""
    told = os.environ.get(PARENT, "")
    return int(told) if told.isdecimal() else None


def orphaned() -> bool:
    """Whether the process that started this one to join a run is gone."""
    started_by = parent()
    return started_by is not None and os.getppid() != started_by


def joining(folder: Path, env: str) -> list[str]:
    """The command that joins a run of this project; no secret is in it."""
    words = ["run", "--join", "--execute", "--json", "--project", str(folder), "--env", env]
    return [sys.executable, "-m", "changeover", *words]


class Ended(NamedTuple):
    """A process that ended by itself. status: its exit code, or minus the signal's number. reason: what it said."""

    process: int
    status: int
    reason: str


@dataclass
class Joiner:
    """One started process. said: its report or error, for nobody's eyes but ours."""

    process: subprocess.Popen[bytes]
    said: IO[bytes]

    @classmethod
    def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Joiner:
        """In a session of its own: Ctrl-C is meant for the coordinator, which passes it on. Raises OSError."""
        said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.DEVNULL,
                env={**environment, PARENT: str(os.getpid())},
                start_new_session=True,
            )
        except OSError:
            said.close()
            raise
        return cls(process, said)

    def ended(self) -> Ended | None:
        """How it ended; None while it works."""
        status = self.process.poll()
        if status is None:
            return None
        with self.said:
            self.said.seek(0)
            return Ended(self.process.pid, status, _reason(self.said.read()))


def _reason(said: bytes) -> str:
    """The error of a command that was asked for JSON."""
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(said)["error"]["text"])
    return ""


class Crew:
    """So many processes beside this one. Raises nothing: what goes wrong with them is told as findings, and their work
    is taken over."""

    def __init__(self, project: Project, number: int) -> None:
        self._project = project
        self._joiners: list[Joiner] = []
        self._restarts = RESTARTS * number
        self.findings: list[Finding] = []
        for _ in range(number):
            self._start()

    def _start(self) -> None:
        try:
            self._joiners.append(Joiner.start(joining(self._project.folder, self._project.env), os.environ))
        except OSError as error:
            self.findings.append(_told("worker.not_started", {"reason": error.strerror or type(error).__name__}))

    def watch(self) -> list[str]:
        """The names of those that have died since. A killed one is started again, as often as
        is reasonable; one that gave up would do so again."""
        died = []
        for joiner in list(self._joiners):
            ended = joiner.ended()
            if ended is None:
                continue
            self._joiners.remove(joiner)
            died.append(name_of(ended.process))
            if ended.status < 0 and self._restarts > 0:
                self._restarts -= 1
                self.findings.append(
                    _told("worker.killed", {"process": name_of(ended.process), "signal": -ended.status})
                )
                self._start()
            elif ended.status < 0:
                self.findings.append(_told("worker.gone", {"process": name_of(ended.process), "signal": -ended.status}))
            elif ended.status > 0:
                told: dict[str, str | int] = {"process": name_of(ended.process), "status": ended.status}
                self.findings.append(_told("worker.gave_up", told | {"reason": ended.reason or "?"}))
        return died

    def end(self, longest: float) -> None:
        """Ask all to end after the batch in flight, and see to it. longest: seconds that a call may take."""
        self._signal(signal.SIGINT)
        until = time.monotonic() + longest + PATIENCE
        for joiner in self._joiners:
            with suppress(subprocess.TimeoutExpired):
                joiner.process.wait(max(0.0, until - time.monotonic()))
        self._signal(signal.SIGKILL)
        for joiner in self._joiners:
            joiner.process.wait()
            joiner.said.close()
        self._joiners.clear()

    def _signal(self, number: signal.Signals) -> None:
        for each in self._joiners:
            if each.process.poll() is None:
                each.process.send_signal(number)


def _told(code: str, params: Mapping[str, str | int]) -> Finding:
    return Finding(code, Severity.WARNS, params)
