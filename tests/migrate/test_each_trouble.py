"""The disk, the memory or the handles of this machine run out at the N-th thing that is asked of it, once or for good:
the run stops before it sends what is not written down, says what to do, and comes to the same end when that is over."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from changeover.connectors.errors import UnavailableError
from changeover.connectors.memory import MemoryConnector
from changeover.runs.catalogue import Catalogue
from changeover.runs.ledger.sqlite import SQLite

from .firms import LEVELS
from .laws import Move, broken_laws, first, prepared
from .moving import way
from .test_torn_ledger import TOLD


def _sqlite(name: str, text: str) -> Exception:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


def _refused(number: int) -> OSError:
    return OSError(number, os.strerror(number))


pytestmark = pytest.mark.long
STATEMENTS: dict[str, Callable[[], BaseException]] = {
    "disk full": lambda: _sqlite("SQLITE_FULL", "database or disk is full"),
    "disk broken": lambda: _sqlite("SQLITE_IOERR_WRITE", "disk I/O error"),
    "no memory": MemoryError,
}
FILES: dict[str, Callable[[], BaseException]] = {
    "disk full": lambda: _refused(errno.ENOSPC),
    "disk broken": lambda: _refused(errno.EIO),
    "no handles": lambda: _refused(errno.EMFILE),
    "no memory": MemoryError,
}


@dataclass
class Trouble:
    """Strikes at the at-th step, and where it lasts at every later one. ways: how the product came to each step."""

    at: int = 0
    lasts: bool = False
    make: Callable[[], BaseException] = MemoryError
    steps: int = 0

    def __post_init__(self) -> None:
        self.ways: list[tuple[object, ...]] = []

    def step(self) -> None:
        self.steps += 1
        if not self.at:
            self.ways.append(way()[:3])
        elif self.steps == self.at or (self.lasts and self.steps > self.at):
            raise self.make()


def strikes_statements(patch: pytest.MonkeyPatch, trouble: Trouble, _folder: Path) -> None:
    """Of the ledger, commits among them; a rollback needs nothing."""
    for name in ("execute", "executemany", "insert"):
        patch.setattr(SQLite, name, _striking(getattr(SQLite, name), trouble))


def _striking(did: Callable[..., object], trouble: Trouble) -> Callable[..., object]:
    def struck(self: SQLite, statement: str, *more: object) -> object:
        if statement != "rollback":
            trouble.step()
        return did(self, statement, *more)

    return struck


def strikes_files(patch: pytest.MonkeyPatch, trouble: Trouble, folder: Path) -> None:
    """Opened in the project's folder, to write or to bring to the disk."""
    opened = os.open

    def struck(path: str | os.PathLike[str], flags: int, *more: int, **named: int) -> int:
        if Path(os.fspath(path)).is_relative_to(folder):
            trouble.step()
        return opened(path, flags, *more, **named)

    patch.setattr(os, "open", struck)


Strikes = Callable[[pytest.MonkeyPatch, Trouble, Path], None]


@pytest.fixture(scope="module")
def move(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    made = prepared(tmp_path_factory.mktemp("levels"), LEVELS, MemoryConnector, first)
    with made.world.in_process():
        yield made


@contextmanager
def struck(move: Move, strikes: Strikes, trouble: Trouble) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        strikes(patch, trouble, move.world.folder)
        yield


def tried(move: Move, strikes: Strikes, trouble: Trouble) -> str | None:
    """What is wrong with how it went under this trouble and afterwards; None: nothing."""
    world = move.world
    world.back_to(move.start)
    said = None
    with struck(move, strikes, trouble):
        try:
            world.run()
        except UnavailableError as error:
            said = Catalogue("en").error(error)
            if error.exit_code != 3 or "type" not in said:
                return f"it says: {said}"
        except BaseException as error:
            return f"{type(error).__name__}: {error}"
    if said is None and trouble.lasts:
        return "it came to its end although the trouble lasts"
    over = said is not None and _finished(move)
    broken = broken_laws(world, world.until_it_ends(), move.wanted)
    return str(broken) if broken.keys() - (TOLD if over else set()) else None


def _finished(move: Move) -> bool:
    """Whether only the report was left to be made: then the next run is another one, and finds nothing new."""
    try:
        return bool(move.world.ask("select 1 from run where state = 'finished'"))
    except sqlite3.Error:
        return False


def places(move: Move, strikes: Strikes, every: bool) -> Sequence[int]:
    """The first step of every sixth way through the product; or every step."""
    trouble = Trouble()
    move.world.back_to(move.start)
    with struck(move, strikes, trouble):
        move.world.run()
    firsts = {each: number for number, each in reversed(list(enumerate(trouble.ways, start=1)))}
    assert len(trouble.ways) > 5
    return range(1, trouble.steps + 1) if every else sorted(firsts.values())[::6]


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.torture)], ids=["ways", "every"])
@pytest.mark.parametrize(
    ("strikes", "kinds"),
    [(strikes_statements, STATEMENTS), (strikes_files, FILES)],
    ids=["the ledger's statements", "files"],
)
def test_a_trouble_at_any_step_stops_the_run_and_it_goes_on(
    strikes: Strikes,
    kinds: dict[str, Callable[[], BaseException]],
    every: bool,
    move: Move,
    record_property: Callable[[str, object], None],
) -> None:
    """In the suite each way meets one trouble after the other, under torture each step meets all."""
    found, sorts = [], [(name, lasts) for name in kinds for lasts in (False, True)]
    for place, number in enumerate(places(move, strikes, every)):
        for name, lasts in sorts if every else [sorts[place % len(sorts)]]:
            told = tried(move, strikes, Trouble(number, lasts, kinds[name]))
            found.append((f"{name} at {number}{' for good' if lasts else ''}", told))
    record_property("told", f"{len(found)} troubles of {strikes.__name__.partition('_')[2]}")
    assert {what: why for what, why in found if why} == {}
