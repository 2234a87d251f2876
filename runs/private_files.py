"""Files that only their owner may read: written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from ..connectors.errors import UnavailableError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}")


def require_plain_name(name: str) -> str:
    """The name again where it is safe as a file's name: letters, digits, `_`, `-` and `.`, not starting with a dot.

    Raises ValueError otherwise. Names of objects and fields are other people's text and never get this far; callers
    give out names of their own.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a plain file name: {name!r}")
    return name


def private_folder(folder: Path) -> Path:
    """Make the folder (0700, parents too), and close it to others where it was open. Raises UnavailableError."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(FOLDER_MODE)
    except OSError as problem:
        raise write_refused(folder, problem) from problem
    return folder


def write_private(path: Path, body: bytes) -> None:
    """Put the file in place in one step (0600): after a crash there is the old one or the new one, never half of one.

    Raises UnavailableError `file.write_refused`.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.draft")
    try:
        try:
            write_new(draft, body)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as problem:
        raise write_refused(path, problem) from problem


def write_new(path: Path, body: bytes) -> None:
    """Create the file (0600) and bring it to the disk. Raises FileExistsError where there is one, OSError otherwise."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def create_empty(path: Path) -> None:
    """Make sure that the file is there, 0600. SQLite gives its -wal and -shm the mode of the file they belong to."""
    try:
        if path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        # one that is there is never opened: closing it would end the locks that this process may hold on it (POSIX)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if path.stat().st_mode & 0o077:
            path.chmod(FILE_MODE)
    except OSError as problem:
        raise write_refused(path, problem) from problem


def sync_folder(folder: Path) -> None:
    """Bring the folder's entries to the disk, so that a new name outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_refused(path: Path, problem: OSError) -> UnavailableError:
    return UnavailableError("file.write_refused", path=str(path), reason=problem.strerror or type(problem).__name__)


def read_refused(path: Path, problem: OSError) -> UnavailableError:
    return UnavailableError("file.read_refused", path=str(path), reason=problem.strerror or type(problem).__name__)
