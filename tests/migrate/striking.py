"""Kills the real command at chosen calls of simulators that answer it over real HTTP."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Protocol

from .kill_at import FORGOTTEN, At, Launcher
from .kills import OPEN

KILLS = 5
RUN, RECONCILE = ("run", "--execute", "--json"), ("reconcile", "--json")
NOBODY = At("ledger", "after", FORGOTTEN)
Answer = Callable[[str, str, Mapping[str, str], bytes], object]


class Imitating(Protocol):
    """A simulator: a call in, an answer out."""

    answer: Answer


class Line:
    """The simulators' ends of the line. At a call of a life that was drawn the caller is killed: before the call is
    carried out, or when it is but nobody has been told."""

    def __init__(self, *simulators: Imitating) -> None:
        self._lock = threading.Lock()
        self._strike: tuple[int, str] | None = None
        self._process: Future[int] = Future()
        self.calls = 0
        """Of this life."""
        for each in simulators:
            each.answer = self._answering(each.answer)

    def life(self, launcher: Launcher, folder: Path, number: int, when: str) -> tuple[int, str]:
        """Run the command; number: the call at which it is killed, 0 for none."""
        self.calls, self._strike, self._process = 0, (number, when), Future()
        self._process.set_result(launcher.start(folder, RUN, NOBODY))
        return launcher.end()

    def _answering(self, answer: Answer) -> Answer:
        def answered(method: str, path: str, headers: Mapping[str, str], body: bytes) -> object:
            with self._lock:
                self.calls += 1
                here = self.calls
            if self._strike == (here, "before"):
                self._kill()
            told = answer(method, path, headers, body)
            if self._strike == (here, "after"):
                self._kill()
            return told

        return answered

    def _kill(self) -> None:
        os.kill(self._process.result(30), signal.SIGKILL)


def opened(folder: Path) -> int:
    """Operations without an outcome."""
    path = folder / "runs" / "mock" / "ledger.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as ledger:
        return int(ledger.execute(OPEN).fetchone()[0])
