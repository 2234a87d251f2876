"""The paces of a project's two systems: what the project narrows, and what outlives a process."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...connectors.clock import Clock
from ...connectors.pace import Pace
from ...connectors.secrets import Secrets
from ...runs.ledger.permits import Permits, counted
from ...runs.ledger.place import Server
from ...runs.private_files import FILE_MODE, private_folder, write_private, write_refused
from ..project import ConnectionSpec, Project
from .asked import AskedShare


@dataclass(frozen=True, slots=True)
class Paces:
    """sources: by role, as `EnvironmentSpec.sources`. asked: what another terminal asks of both; to be closed at the
    end. books: of a run that several processes share, whose calls count together."""

    sources: Mapping[str, Pace]
    target: Pace
    asked: AskedShare
    books: tuple[Permits, ...] = ()

    def close(self) -> None:
        """At the end of a process: note what the day has cost."""
        for each in (*self.sources.values(), self.target):
            each.keep()
        for book in self.books:
            book.close()


@dataclass(slots=True)
class SpentFile:
    """The calls of a day in a file of the environment's folder. What cannot be read counts as nothing known: a count is
    worth no run. Commands that call at the same time share it: none puts less there than another has."""

    path: Path
    _ours: tuple[str, int] | None = None

    def load(self) -> tuple[str, int] | None:
        self._ours = self._there()
        return self._ours

    def save(self, day: str, calls: int) -> None:
        there = self._there()
        if there is not None and there != self._ours and there >= (day, calls):
            return
        private_folder(self.path.parent)
        write_private(self.path, json.dumps({"day": day, "calls": calls}).encode())
        self._ours = (day, calls)

    def _there(self) -> tuple[str, int] | None:
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            return str(kept["day"]), int(kept["calls"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class LatelyFile:
    """The note of the calls that still count. It is written before each call, so not brought to the disk: who loses it
    with the machine's power has waited for longer than it counts. book: as `LatelyStore.counted`."""

    path: Path
    book: Callable[[], Mapping[str, Sequence[tuple[float, int]]]] = dict

    def counted(self) -> Mapping[str, Sequence[tuple[float, int]]]:
        return self.book()

    def load(self) -> str:
        try:
            return self.path.read_text("utf-8").partition("\n")[0]
        except (OSError, ValueError):
            return ""

    def save(self, note: str) -> None:
        """In one write over the former one, of which the end may stay behind the first line."""
        private_folder(self.path.parent)
        line = f"{note}\n".encode()
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), FILE_MODE)
            try:
                written = os.pwrite(handle, line, 0)
            finally:
                os.close(handle)
        except OSError as problem:
            raise write_refused(self.path, problem) from problem
        if written < len(line):
            raise write_refused(self.path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def paces_of(
    project: Project,
    secrets: Secrets,
    clock: Clock,
    listen: Callable[[], None],
    *,
    waits: Callable[[str], None] = lambda _until: None,
    shared: bool = False,
    notes: bool = True,
    knows: bool = False,
) -> Paces:
    """listen: called in every slice of a wait; what it raises ends the wait. waits: told where business hours leave no
    call, and until when. shared: other processes call the same systems for the same run, and no call departs that the
    ledger has not counted. notes: the calls are noted for the next command; those of a process that joined a run are
    not. knows: there is a ledger, or is to be one; on a server it knows what those called who shared a run."""
    place = project.ledger(secrets)
    asked = AskedShare(place)
    environment = project.environment
    roles = (*environment.sources, "target") if shared else ()
    books = {role: Permits(place, role, name_of(os.getpid())) for role in roles}

    def wait_for_hours(until: dt.datetime) -> None:
        waits(f"{until.astimezone(project.schedule.zone):%Y-%m-%d %H:%M} ({project.schedule.zone.key})")

    def lately(role: str) -> LatelyFile:
        path = project.runs / f"lately-{role.replace(' ', '-')}.json"
        reads = knows and not shared and isinstance(place, Server)
        return LatelyFile(path, partial(counted, place, role)) if reads else LatelyFile(path)

    def pace(spec: ConnectionSpec, role: str) -> Pace:
        return Pace(
            clock,
            narrowed=spec.pace.narrowed(),
            schedule=project.schedule,
            cap=asked,
            listen=listen,
            waits=wait_for_hours,
            spent=SpentFile(project.runs / f"calls-{role.replace(' ', '-')}.json"),
            lately=lately(role) if notes else None,
            book=books.get(role),
        )

    sources = {role: pace(spec, role) for role, spec in environment.sources.items()}
    return Paces(sources, pace(environment.target, "target"), asked, tuple(books.values()))


def name_of(process: int) -> str:
    """How a process of this host is called among those that share a run."""
    return f"{socket.gethostname()} {process}"
