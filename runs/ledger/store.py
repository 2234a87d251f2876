"""The ledger's file: opening, locking, transactions, and what it belongs to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from ...connectors.errors import BusyError, ChangeoverError, DecisionError, InputError, UnavailableError
from ...connectors.port import Identity
from ..private_files import create_empty, private_folder

VERSION = "2"


class Ledger:
    """An open ledger. Reading and writing are split over modules that take it as their first argument.

    Every write happens inside `transaction()`. SQLite in WAL mode with synchronous=FULL: what was committed survives
    a power loss. The file is 0600 in a 0700 folder, made so before the first byte is written.

    epoch: of the process that has taken it over to write (`take_over`); None where it only reads, or writes what needs
    no lock.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.path = path
        self.epoch: int | None = None
        private_folder(path.parent)
        create_empty(path)
        try:
            self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self.db.execute("pragma journal_mode = wal")
            self.db.execute(f"pragma synchronous = {'full' if durable else 'off'}")
            self.db.execute("pragma foreign_keys = on")
            self.db.execute("pragma cache_size = -65536")
            # a batch of thousands fills SQLite's own 4 MB at once, and every commit would pay for a checkpoint
            self.db.execute("pragma wal_autocheckpoint = 16000")
            if not self.db.execute("select count(*) from sqlite_schema").fetchone()[0]:
                self._create()
            version = self.get_meta("version")
        except sqlite3.Error as error:
            raise told(error, path) from error
        if version != VERSION:
            raise InputError("ledger.version", path=str(path), found=version or "?", wanted=VERSION)

    def _create(self) -> None:
        script = resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
        version = f"insert into meta values ('version', '{VERSION}');"  # noqa: S608 - a constant of ours
        self.db.executescript("\n".join(["begin immediate;", script, version, "commit;"]))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable on return. Raises UnavailableError where the disk is full or fails: then nothing of
        it was kept, and nothing that depended on it may be sent; BusyError `ledger.fenced` where another process has
        taken the ledger over since."""
        try:
            self.db.execute("begin immediate")
            try:
                self._require_epoch()
                yield
            except BaseException:
                self._roll_back()
                raise
            self.db.execute("commit")
        except sqlite3.Error as error:
            self._roll_back()
            raise told(error, self.path) from error

    def take_over(self) -> int:
        """Be the only one who may write, from now on: whoever took it over before is refused at its next write, however
        late it wakes up. Returns the new epoch."""
        self.epoch = None
        with self.transaction():
            self.db.execute("update control set epoch = epoch + 1")
            epoch = int(self.db.execute("select epoch from control").fetchone()[0])
        self.epoch = epoch
        return epoch

    def _require_epoch(self) -> None:
        if self.epoch is not None:
            epoch = self.db.execute("select epoch from control").fetchone()[0]
            if epoch != self.epoch:
                raise BusyError("ledger.fenced", path=str(self.path), ours=self.epoch, now=epoch)

    def _roll_back(self) -> None:
        if self.db.in_transaction:
            self.db.execute("rollback")

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
        self.db.execute(
            "insert into system values (?, ?, ?, ?, ?) on conflict (role) do update set kind = excluded.kind, "
            "id = excluded.id, name = excluded.name, production = excluded.production",
            (role, identity.kind, identity.id, identity.name, identity.production),
        )

    def scratch(self, path: Path) -> Ledger:
        """A throw-away copy for a dry run, which then goes the same way as a run. The caller deletes it."""
        path.unlink(missing_ok=True)
        private_folder(path.parent)
        create_empty(path)
        try:
            copy = sqlite3.connect(path)
            self.db.backup(copy)
            copy.close()
        except sqlite3.Error as error:
            raise told(error, path) from error
        return Ledger(path, durable=False)

    def check(self) -> None:
        """Raise DecisionError `ledger.damaged` where the file is torn or flipped."""
        try:
            verdict = self.db.execute("pragma quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            raise told(error, self.path) from error
        if verdict != "ok":
            raise DecisionError("ledger.damaged", path=str(self.path))

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def told(error: sqlite3.Error, path: Path) -> ChangeoverError:
    """The operator's error for what SQLite said about the ledger."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return DecisionError("ledger.damaged", path=str(path))
    if name.startswith("SQLITE_FULL"):
        return UnavailableError("ledger.disk_full", path=str(path))
    if name.startswith("SQLITE_BUSY"):
        return BusyError("ledger.busy", path=str(path))
    return UnavailableError("ledger.failed", path=str(path), reason=name or type(error).__name__)


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the project's environment alone. Raises BusyError `run.busy` while another process does; the lock goes with
    the process that held it, however that ended."""
    private_folder(folder)
    lock = FileLock(folder / "lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BusyError("run.busy", folder=str(folder)) from error
    try:
        yield
    finally:
        lock.release()
