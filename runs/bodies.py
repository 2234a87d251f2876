"""Bodies of files on their way from source to target, sealed on disk piece by piece, and what is known of each.

Nothing else lives there: a body is dropped once its record is settled, and losing all of it costs fetching and
uploading anew. What is known to be lost at the source stays known, so that later runs and comparisons say so too.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .private_files import private_folder, read_refused, sync_folder, write_private, write_refused
from .sealing import Seal, SealBrokenError, bind

_LENGTH = 4
_BODY, _NOTE = ".body", ".note"


class BodyLostError(Exception):
    """It is not in the store, or not whole, or sealed with another key: to be fetched again."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A body as it came: its size in bytes, and checksums of the kinds that systems tell."""

    size: int
    sha256: str
    md5: str

    def agrees(self, size: int, checksum: str) -> bool:
        """Whether this is the body of which a system says so. checksum: as `sha256:...` or `md5:...`, empty where it
        tells none."""
        return self.size == size and checksum in ("", f"sha256:{self.sha256}", f"md5:{self.md5}")


class BodyStore:
    """A folder (0700) of sealed files (0600), made when it is first needed. Names are what `name_of` gives. Raises
    UnavailableError where the disk refuses us."""

    def __init__(self, folder: Path, data_key: bytes) -> None:
        self.folder = folder
        self._key = data_key
        self._seal = Seal(data_key)

    def name_of(self, *parts: str) -> str:
        """A name that tells nothing of these parts, and that no others have."""
        return hmac.digest(self._key, b"changeover body 1 " + bind(*parts), hashlib.sha256).hex()

    def put(self, name: str, pieces: Iterable[bytes]) -> Measured:
        """Keep the body; whole and on the disk when it returns, else not there. Lets through what the pieces raise."""
        private_folder(self.folder)
        draft = self.folder / f".{name}.{secrets.token_hex(6)}.draft"
        writing = _Writing(draft)
        sha256, md5, size, place = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0, 0
        try:
            for piece in filter(None, pieces):
                size += len(piece)
                sha256.update(piece)
                md5.update(piece)
                writing.add(self._sealed(name, place, piece))
                place += 1
            writing.add(self._sealed(name, place, b""))
            writing.finish(self.folder / f"{name}{_BODY}")
        finally:
            writing.close()
        return Measured(size, sha256.hexdigest(), md5.hexdigest())

    def has(self, name: str) -> bool:
        return (self.folder / f"{name}{_BODY}").exists()

    def pieces(self, name: str) -> Iterator[bytes]:
        """The body as it was put. Raises BodyLostError: before the first piece where there is none, else where it is
        found to be torn or changed."""
        path = self.folder / f"{name}{_BODY}"
        try:
            file = path.open("rb")
        except FileNotFoundError as error:
            raise BodyLostError from error
        except OSError as error:
            raise read_refused(path, error) from error
        with file:
            place = 0
            while piece := self._opened(name, place, file):
                yield piece
                place += 1
            if file.read(1):
                raise BodyLostError

    def note(self, name: str, text: str) -> None:
        """Keep what is known of a file; a note before it is gone."""
        private_folder(self.folder)
        write_private(self.folder / f"{name}{_NOTE}", self._seal.close(text.encode(), bind("note", name)))

    def noted(self, name: str) -> str | None:
        """None where nothing is known, or cannot be opened."""
        path = self.folder / f"{name}{_NOTE}"
        try:
            return self._seal.open(path.read_bytes(), bind("note", name)).decode()
        except (FileNotFoundError, SealBrokenError):
            return None
        except OSError as error:
            raise read_refused(path, error) from error

    def notes(self) -> frozenset[str]:
        """The names of which something is known."""
        return self._names(_NOTE)

    def drop(self, name: str) -> None:
        """Forget the body and what is known of it; nothing happens where there is none."""
        for ending in (_BODY, _NOTE):
            path = self.folder / f"{name}{ending}"
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise write_refused(path, error) from error

    def forget(self, name: str) -> None:
        """Forget what is known of it, and keep the body."""
        path = self.folder / f"{name}{_NOTE}"
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise write_refused(path, error) from error

    def names(self) -> frozenset[str]:
        """Of every body, and everything of which something is known."""
        return self._names(_BODY) | self._names(_NOTE)

    def tidy(self) -> None:
        """Remove what processes that died had begun to write; nobody else may be writing."""
        for path in self.folder.glob(".*.draft") if self.folder.exists() else ():
            path.unlink(missing_ok=True)

    def _names(self, ending: str) -> frozenset[str]:
        found = self.folder.glob(f"[!.]*{ending}") if self.folder.exists() else ()
        return frozenset(path.name.removesuffix(ending) for path in found)

    def _sealed(self, name: str, place: int, piece: bytes) -> bytes:
        """A piece that opens at its own place of its own body only; an empty one ends it."""
        sealed = self._seal.close(piece, bind("body", name, str(place)))
        return len(sealed).to_bytes(_LENGTH, "big") + sealed

    def _opened(self, name: str, place: int, file: BinaryIO) -> bytes:
        head = file.read(_LENGTH)
        sealed = file.read(int.from_bytes(head, "big"))
        try:
            return self._seal.open(sealed, bind("body", name, str(place)))
        except SealBrokenError as error:
            raise BodyLostError from error


class _Writing:
    """A file that is there once it is finished. Raises UnavailableError."""

    def __init__(self, draft: Path) -> None:
        self._draft = draft
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise write_refused(draft, error) from error
        self._file = os.fdopen(handle, "wb")

    def add(self, piece: bytes) -> None:
        try:
            self._file.write(piece)
        except OSError as error:
            raise write_refused(self._draft, error) from error

    def finish(self, path: Path) -> None:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._draft.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            raise write_refused(path, error) from error

    def close(self) -> None:
        """What is not finished is gone; where the disk is full, what was to be written still is refused once more."""
        with suppress(OSError):
            self._file.close()
        try:
            self._draft.unlink(missing_ok=True)
        except OSError as error:
            raise write_refused(self._draft, error) from error
