"""Runs the real command in processes that die, or stand still, at a chosen commit.

As a program it loads what the command loads, texts and transforms too, and then forks a process for every order that
comes as a JSON line on its standard input; it answers with the process's id at once and with its wait status when it
has ended. What a command that came to its end had to load besides is loaded for those that follow.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import MethodType

from ..hasty import hasty

FORGOTTEN = 10**9
"""More commits than any command makes."""


@dataclass(frozen=True)
class At:
    """The n-th commit to one side, `before` it reaches the database or `after`. act: `kill` (SIGKILL) or `pause`."""

    side: str
    when: str
    number: int
    act: str = "kill"


@dataclass(frozen=True)
class Order:
    """A command. environment: all of it. out: where its output goes; beside it, how many commits there were. fifos: the
    folder of the two by which a pause is told and ended."""

    words: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    out: str
    at: At
    fifos: str = ""


class Launcher:
    """The other end: starts commands, in the environment that this process has then, and tells how they ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = self._running = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "changeover.tests.migrate.kill_at"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def start(self, folder: Path, words: Sequence[str], at: At, fifos: Path | None = None) -> int:
        """The process's id; `end` tells the rest. What a failed test has left running is killed first."""
        if self._running:
            os.kill(self._running, signal.SIGKILL)
            self.end()
        self._number += 1
        self._out = self._folder / f"out-{self._number}"
        environment = {**os.environ, "CHANGEOVER_CONFIG_HOME": str(folder.parent / "home"), "CHANGEOVER_LANG": "en"}
        order = Order(words, str(folder), environment, str(self._out), at, str(fifos or ""))
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._running = int(self._answer())
        return self._running

    def end(self) -> tuple[int, str]:
        """(exit code, or minus the signal's number; what it said)."""
        code = os.waitstatus_to_exitcode(int(self._answer()))
        self._running = 0
        return code, self._out.read_text("utf-8", "replace")

    def run(self, folder: Path, *words: str, at: At | None = None) -> tuple[int, str]:
        self.start(folder, words, at or At("ledger", "after", FORGOTTEN))
        return self.end()

    def commits(self) -> int:
        """How many commits to the side that was watched the command made that ended last."""
        return int(Path(f"{self._out}.commits").read_text())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class _Counter:
    def __init__(self, number: int, act: Callable[[], None]) -> None:
        self.passed = 0
        self._number, self._act = number, act

    def step(self) -> None:
        self.passed += 1
        if self.passed == self._number:
            self._act()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _pause(fifos: Path) -> Callable[[], None]:
    """Say that the place is reached, and every time an interruption has been heard; go on when told."""
    from changeover.migrate.session import Interruption

    heard = Interruption._ask

    def pause() -> None:
        told, asked = os.open(fifos / "told", os.O_WRONLY), os.open(fifos / "asked", os.O_RDONLY)

        def ask(self: Interruption, *arguments: object) -> None:
            heard(self, *arguments)  # type: ignore[arg-type]
            os.write(told, b"heard\n")

        here = signal.getsignal(signal.SIGINT)
        if isinstance(here, MethodType):  # else the command does not listen yet, or no longer
            assert isinstance(here.__self__, Interruption)
            signal.signal(signal.SIGINT, partial(ask, here.__self__))
        os.write(told, b"reached\n")
        os.read(asked, 1)

    return pause


def _watch(at: At, counter: _Counter) -> None:
    if at.side == "target":
        return _watch_target(at.when, counter)
    from changeover.runs.ledger.store import Ledger

    transaction = Ledger.transaction

    @contextmanager
    def watched(self: Ledger) -> Iterator[None]:
        with transaction(self):
            yield
            if at.when == "before":
                counter.step()
        if at.when == "after":
            counter.step()

    Ledger.transaction = watched  # type: ignore[method-assign]
    return None


def _watch_target(when: str, counter: _Counter) -> None:
    import sqlalchemy as sa
    from changeover.connectors.change import Batch, Outcome
    from changeover.connectors.sql.connector import SqlConnector

    write = SqlConnector.write

    def watched(self: SqlConnector, batch: Batch) -> list[Outcome]:
        outcomes = write(self, batch)
        counter.step()
        return outcomes

    if when == "after":
        SqlConnector.write = watched  # type: ignore[method-assign]
    else:
        sa.event.listen(sa.Engine, "commit", lambda _connection: counter.step())


def _live(order: Order) -> None:
    """Be the command."""
    from changeover import cli

    out = os.open(order.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.chdir(order.folder)
    _move_to(order.environment)
    counter = _Counter(order.at.number, _kill if order.at.act == "kill" else _pause(Path(order.fifos)))
    _watch(order.at, counter)
    sys.argv = ["changeover", *order.words]
    code: object = 0
    try:
        cli.main()
    except SystemExit as ended:
        code = ended.code
    Path(f"{order.out}.commits").write_text(str(counter.passed))
    Path(f"{order.out}.modules").write_text("\n".join(sys.modules))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def _move_to(environment: Mapping[str, str]) -> None:
    """Its modules and connectors are found, too."""
    os.environ.clear()
    os.environ.update(environment)
    places = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path += [each for each in places if each and each not in sys.path]


def _serve() -> None:
    import changeover.cli
    import changeover.connectors.sql.connector
    import changeover.connectors.testing.http_crm
    import changeover.migrate.keeping
    import changeover.migrate.run
    import changeover.runs.report.console
    import changeover.runs.report.terminal  # noqa: F401
    import keyring  # noqa: F401
    from changeover.connectors.registry import available
    from changeover.mappings import transform
    from changeover.runs import catalogue
    from changeover.runs.report import html

    # each command finds them as found
    available()
    transform.available()
    html._template()
    for language in catalogue.LANGUAGES:
        catalogue.Catalogue(language).knows("")
    gc.freeze()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a shell's background is born deaf to it
    with hasty():
        for line in sys.stdin:
            told = json.loads(line)
            order = Order(**{**told, "at": At(**told["at"])})
            child = os.fork()
            if child == 0:
                _live(order)
            print(child, flush=True)
            status = os.waitpid(child, 0)[1]
            _load(Path(f"{order.out}.modules"))
            print(status, flush=True)


def _load(modules: Path) -> None:
    if modules.exists():
        for name in modules.read_text().splitlines():
            if name not in sys.modules:
                with suppress(ImportError):
                    importlib.import_module(name)
        gc.freeze()


if __name__ == "__main__":
    _serve()
