"""The paces of a project's two systems: what the project narrows, and what outlives a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..connectors.clock import Clock
from ..connectors.pace import Pace
from ..connectors.secrets import Secrets
from ..runs.private_files import private_folder, write_private
from .asked import AskedShare
from .project import ConnectionSpec, Project


@dataclass(frozen=True, slots=True)
class Paces:
    """asked: what another terminal asks of both; to be closed at the end."""

    source: Pace
    target: Pace
    asked: AskedShare

    def keep(self) -> None:
        """Note what the day has cost, at the end of a process."""
        self.source.keep()
        self.target.keep()


@dataclass(frozen=True, slots=True)
class SpentFile:
    """The calls of a day in a file of the environment's folder. What cannot be read counts as nothing known: a count is
    worth no run."""

    path: Path

    def load(self) -> tuple[str, int] | None:
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            return str(kept["day"]), int(kept["calls"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, day: str, calls: int) -> None:
        private_folder(self.path.parent)
        write_private(self.path, json.dumps({"day": day, "calls": calls}).encode())


def paces_of(project: Project, secrets: Secrets, clock: Clock, listen: Callable[[], None]) -> Paces:
    """listen: called in every slice of a wait; what it raises ends the wait."""
    asked = AskedShare(project.ledger(secrets))

    def pace(spec: ConnectionSpec, role: str) -> Pace:
        return Pace(
            clock,
            narrowed=spec.pace.narrowed(),
            schedule=project.schedule,
            cap=asked,
            listen=listen,
            spent=SpentFile(project.runs / f"calls-{role}.json"),
        )

    environment = project.environment
    return Paces(pace(environment.source, "source"), pace(environment.target, "target"), asked)
