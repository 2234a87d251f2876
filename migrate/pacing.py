"""The paces of a project's two systems: what the project narrows, and what outlives a process."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..connectors.clock import Clock
from ..connectors.pace import Pace
from ..runs.private_files import private_folder, write_private
from .project import ConnectionSpec, Project


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
            cap=lambda: asked_share(project.runs / "ledger.db"),
            listen=listen,
            spent=SpentFile(project.runs / f"calls-{role}.json"),
        )

    environment = project.environment
    return Paces(pace(environment.source, "source"), pace(environment.target, "target"))


def asked_share(ledger: Path) -> float:
    """The share (above 0, at most 1) that was asked for from another terminal; all where none was, or where there is no
    ledger yet. It is read by a connection of its own, for any thread may ask."""
    try:
        with closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as db:
            (share,) = db.execute("select pace from control").fetchone()
    except sqlite3.Error:
        return 1.0
    return 1.0 if share is None else float(share)
