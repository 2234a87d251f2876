"""The ledger: opening, locking, transactions, and what it belongs to."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from ...connectors.errors import BusyError, DecisionError, InputError
from ...connectors.port import Identity
from ..private_files import create_empty, private_folder
from .base import Base
from .lease import Lease
from .place import Place, Server
from .sqlite import SQLite

VERSION = "4"
TIDY_AFTER = 20_000
"""Updated rows."""
HOLD_WAIT = 0.3
"""Seconds: who only asks whether the folder is held has it for a moment."""


class Ledger:
    """An open ledger. Reading and writing are split over modules that take it as their first argument.

    Every write happens inside `transaction()`; what was committed is on the disk. place: a file, or a schema on a
    server.

    epoch: of the process that has taken it over to write (`take_over`); None where it only reads, or writes what needs
    no lock. lease: of the partition that this process is at work on; while it has one, nothing is written once the
    partition is another worker's. inherited: the latest batch that was there when it was taken over. ahead: how far the
    store's clock was ahead of this process's when it was last looked at (`by_its_clock`).
    """

    def __init__(self, place: Place, *, durable: bool = True, any_thread: bool = False) -> None:
        """any_thread: it is used by several threads, one at a time."""
        self.place = place
        self.epoch: int | None = None
        self.lease: Lease | None = None
        self.inherited = 0
        self._updated = 0
        self._inside = False
        self.ahead = dt.timedelta()
        self.db = _opened(place, durable, any_thread)
        try:
            version, again = self.get_meta("version"), self.get_meta("version_again")
            if version is None or not (version.isascii() and version.isdigit()) or again not in (None, version):
                raise DecisionError("ledger.damaged", path=str(place))
            if version != VERSION:
                raise InputError("ledger.version", path=str(place), found=version, wanted=VERSION)
        except self.db.error as error:
            raise self.db.told(error) from error
        except InputError:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable on return. Raises UnavailableError where the disk is full or fails, or the server is
        gone: then nothing that depended on it may be sent. Nothing of it was kept; only where a server is lost while it
        commits may all of it be, which the next process reads there. Raises BusyError `ledger.fenced` where another
        process has taken the ledger over since, `lease.lost` where another worker has the partition. One inside another
        is a part of that."""
        if self._inside:
            yield
            return
        try:
            epoch = self.db.begin()
            self._inside = True
            if self.epoch is not None and self.epoch != epoch:
                raise BusyError("ledger.fenced", path=str(self.place), ours=self.epoch, now=epoch)
            if self.lease is not None:
                self._check_fence(self.lease)
            yield
            self.db.commit()
        except self.db.error as error:
            self.db.roll_back()
            raise self.db.told(error) from error
        except BaseException:
            self.db.roll_back()
            raise
        finally:
            self._inside = False

    def _check_fence(self, lease: Lease) -> None:
        """In the transaction that writes: whoever wants to lease the partition waits until it has ended."""
        ours = (lease.partition, lease.fence)
        if not self.db.execute(
            "select 1 from partition where id = ? and fence = ? and state = 'leased'", ours
        ).fetchone():
            raise lease.lost(str(self.place))

    def take_over(self) -> int:
        """Be the only one who may write, from now on: whoever took it over before is refused at its next write, however
        late it wakes up. Returns the new epoch."""
        self.epoch = None
        with self.transaction():
            self.db.execute("update control set epoch = epoch + 1")
            epoch = int(self.db.execute("select epoch from control").fetchone()[0])
            self.inherited = int(self.db.execute("select coalesce(max(id), 0) from batch").fetchone()[0])
        self.epoch = epoch
        return epoch

    def follow(self, epoch: int) -> None:
        """Write under the epoch of the coordinator that has the ledger, without taking it over. Raises BusyError
        `ledger.fenced` where that is no longer the latest."""
        self.epoch = epoch
        with self.transaction():
            pass

    def now(self) -> dt.datetime:
        """The time by the store's own clock, which all processes share."""
        return self.db.now()

    @property
    def shared(self) -> bool:
        """Whether processes on several hosts may use it, by a clock of its own."""
        return isinstance(self.place, Server)

    def left_behind(self, rows: int) -> None:
        """Count updated rows; from time to time the room of the former ones is given back, outside of
        transactions."""
        self._updated += rows
        if self._updated >= TIDY_AFTER and not self._inside:
            self._updated = 0
            with self.told():
                self.db.tidy()

    def by_its_clock(self, here: dt.datetime) -> dt.datetime:
        """The time by the store's clock. here: the same by this process's; a file has no other."""
        if self.shared:
            self.ahead = self.now() - here
        return here + self.ahead

    def get_meta(self, name: str) -> str | None:
        row = self.db.execute("select value from meta where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        self.db.execute(
            "insert into meta values (?, ?) on conflict (name) do update set value = excluded.value", (name, value)
        )

    def pinned(self, role: str) -> Identity | None:
        row = self.db.execute("select kind, id, name, production from system where role = ?", (role,)).fetchone()
        if row is None:
            return None
        return Identity(row[0], row[1], row[2], None if row[3] is None else bool(row[3]))

    def pin(self, role: str, identity: Identity) -> None:
        production = None if identity.production is None else int(identity.production)
        self.db.execute(
            "insert into system values (?, ?, ?, ?, ?) on conflict (role) do update set kind = excluded.kind, "
            "id = excluded.id, name = excluded.name, production = excluded.production",
            (role, identity.kind, identity.id, identity.name, production),
        )

    def scratch(self, path: Path) -> Ledger:
        """A throw-away copy in a file for a dry run, which then goes the same way as a run. The caller deletes it. From
        a server too: so a dry run leaves nothing there, and needs no right to write."""
        path.unlink(missing_ok=True)
        private_folder(path.parent)
        create_empty(path)
        try:
            self.db.copy_to(path)
        except self.db.error as error:
            raise self.db.told(error) from error
        return Ledger(path, durable=False)

    def held(self) -> AbstractContextManager[None]:
        """Keep every other machine out of a ledger on a server. Raises BusyError `ledger.held`."""
        return self.db.held()

    def at_work(self, folder: Path) -> bool:
        """Whether some process holds it, or this environment's folder."""
        with self.told():
            return _is_held(folder) or self.db.is_held()

    def check(self) -> None:
        """Raise DecisionError `ledger.damaged` where it is torn, flipped or without what guards it."""
        try:
            sound = self.db.check()
        except (self.db.error, UnicodeDecodeError) as error:
            raise self.db.told(error) from error
        if not sound:
            raise DecisionError("ledger.damaged", path=str(self.place))

    def parsed(self, text: str) -> Any:
        """JSON that the ledger wrote. Raises DecisionError `ledger.damaged` where it is none any more."""
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise DecisionError("ledger.damaged", path=str(self.place)) from error

    @contextmanager
    def told(self) -> Iterator[None]:
        """What the database says while it is only read from, as the operator's error."""
        try:
            yield
        except (self.db.error, UnicodeDecodeError) as error:
            raise self.db.told(error) from error

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(place: Place, durable: bool, any_thread: bool) -> Base:
    if not isinstance(place, Server):
        return SQLite(place, VERSION, durable=durable, any_thread=any_thread)
    try:
        from .postgresql import PostgreSQL
    except ImportError as error:
        raise InputError("ledger.driver", path=str(place)) from error
    return PostgreSQL(place, VERSION, durable=durable)


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the environment's folder alone. Raises BusyError `run.busy` while another process does; the lock goes with
    the process that held it, however that ended."""
    private_folder(folder)
    lock = FileLock(folder / "lock", mode=0o600)
    try:
        lock.acquire(timeout=HOLD_WAIT)
    except Timeout as error:
        raise BusyError("run.busy", folder=str(folder)) from error
    try:
        yield
    finally:
        lock.release()


def _is_held(folder: Path) -> bool:
    """Asked by taking the lock and letting it go."""
    path = folder / "lock"
    if not path.exists():
        return False
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
