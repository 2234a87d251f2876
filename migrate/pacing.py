"""The paces of a project's two systems: what the project narrows, and what outlives a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..connectors.clock import Clock
from ..connectors.pace import Pace
from ..runs.private_files import private_folder, write_private
from .project import ConnectionSpec, Project

CAP = "cap"


@dataclass(frozen=True, slots=True)
class Paces:
    source: Pace
    target: Pace

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


def paces_of(project: Project, clock: Clock, listen: Callable[[], None]) -> Paces:
    """listen: called in every slice of a wait; what it raises ends the wait."""

    def pace(spec: ConnectionSpec, role: str) -> Pace:
        return Pace(
            clock,
            narrowed=spec.pace.narrowed(),
            schedule=project.schedule,
            cap=lambda: read_cap(project),
            listen=listen,
            spent=SpentFile(project.runs / f"calls-{role}.json"),
        )

    environment = project.environment
    return Paces(pace(environment.source, "source"), pace(environment.target, "target"))


def read_cap(project: Project) -> float:
    """The share (0 to 1) that was set from another terminal; all where none was, or where it cannot be read."""
    try:
        return min(1.0, max(0.0, float((project.runs / CAP).read_text("utf-8"))))
    except (OSError, ValueError):
        return 1.0


def write_cap(project: Project, share: float) -> None:
    """Let a run at work, and every later one, take no more than this share of what it may; 0 lets it wait. Raises
    UnavailableError where the disk does not take it."""
    private_folder(project.runs)
    write_private(project.runs / CAP, repr(share).encode())
