"""The paces of a project's two systems: what the project narrows, and what outlives a process."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..connectors.clock import Clock
from ..connectors.errors import ChangeoverError
from ..connectors.pace import Pace
from ..connectors.secrets import Secrets
from ..runs.ledger import control
from ..runs.ledger.permits import Permits
from ..runs.ledger.place import Place
from ..runs.ledger.store import Ledger
from ..runs.private_files import private_folder, write_private
from .project import ConnectionSpec, Project


@dataclass(frozen=True, slots=True)
class Paces:
    """books: of a run that several processes share, whose calls count together."""

    source: Pace
    target: Pace
    books: tuple[Permits, ...] = ()

    def close(self) -> None:
        """At the end of a process: note what the day has cost."""
        self.source.keep()
        self.target.keep()
        for book in self.books:
            book.close()


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


def paces_of(
    project: Project, secrets: Secrets, clock: Clock, listen: Callable[[], None], *, shared: bool = False
) -> Paces:
    """listen: called in every slice of a wait; what it raises ends the wait. shared: other processes call the same
    systems for the same run, and no call departs that the ledger has not counted."""
    place = project.ledger(secrets)
    books = {role: Permits(place, role, name_of(os.getpid())) for role in (("source", "target") if shared else ())}

    def pace(spec: ConnectionSpec, role: str) -> Pace:
        return Pace(
            clock,
            narrowed=spec.pace.narrowed(),
            schedule=project.schedule,
            cap=lambda: asked_share(place),
            listen=listen,
            spent=SpentFile(project.runs / f"calls-{role}.json"),
            book=books.get(role),
        )

    environment = project.environment
    return Paces(pace(environment.source, "source"), pace(environment.target, "target"), tuple(books.values()))


def name_of(process: int) -> str:
    """How a process of this host is called among those that share a run."""
    return f"{socket.gethostname()} {process}"


def asked_share(place: Place) -> float:
    """The share (above 0, at most 1) that was asked for from another terminal; all where none was, or where there is no
    ledger yet. It is read by a connection of its own, for any thread may ask. What a ledger comes to, the run notices
    by itself."""
    if isinstance(place, Path) and not place.exists():
        return 1.0
    with suppress(ChangeoverError), Ledger(place) as ledger, suppress(ledger.db.error):
        share = control.read(ledger).pace
        return 1.0 if share is None else share
    return 1.0
