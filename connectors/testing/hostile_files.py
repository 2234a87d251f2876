"""A line on which bodies of files come to harm, around any connector, at chosen calls and always the same way.

    hostile = HostileFiles(MemoryConnector(SCHEMA), [FileFault(2, FileFaultKind.UPLOAD_LOST)])

The second upload is done and its answer lost. It stands in front of a source for what happens to bodies, and in front
of a target for what happens to uploads. With nothing in the script the wrapped connector behaves as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..errors import UnavailableError
from ..forwarding import Forwarding
from ..held_file import Body, FileError, HeldFile, Uploaded
from ..port import Connector
from .hostile import ProcessDied


class FileFaultKind(StrEnum):
    """What happens to an upload: LOST: done, no answer, and the connector gives up. UNREACHABLE: not done. REFUSED: the
    target will not have it. DIES_BEFORE, DIES_AFTER: this process dies before or after it was done.

    What happens to a body: BREAKS: the line does, behind its first piece. CHANGED: a byte of it is another. SHORT: its
    last byte is missing, and nobody says so. GONE: it is not there. DIES: this process dies behind its first piece."""

    UPLOAD_LOST = "upload_lost"
    UPLOAD_UNREACHABLE = "upload_unreachable"
    UPLOAD_REFUSED = "upload_refused"
    UPLOAD_DIES_BEFORE = "upload_dies_before"
    UPLOAD_DIES_AFTER = "upload_dies_after"
    BODY_BREAKS = "body_breaks"
    BODY_CHANGED = "body_changed"
    BODY_SHORT = "body_short"
    BODY_GONE = "body_gone"
    BODY_DIES = "body_dies"

    @property
    def of_upload(self) -> bool:
        return self.value.startswith("upload")


@dataclass(frozen=True, slots=True)
class FileFault:
    """call: which upload, or which body, it strikes, from 1."""

    call: int
    kind: FileFaultKind


class HostileFiles(Forwarding):
    """fetched, uploaded: names of the files of every call so far, in order."""

    def __init__(self, inner: Connector, script: Sequence[FileFault] = ()) -> None:
        super().__init__(inner)
        self.fetched: list[str] = []
        self.uploaded: list[str] = []
        self.script = {(fault.kind.of_upload, fault.call): fault.kind for fault in script}
        if len(self.script) != len(script):
            raise ValueError("two faults for one call")

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        self.fetched.append(file.name)
        kind = self.script.get((False, len(self.fetched)))
        if kind is FileFaultKind.BODY_GONE:
            raise FileError("file.gone")
        pieces = super().body(object_name, file)
        return pieces if kind is None else _harmed(pieces, kind)

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        self.uploaded.append(file.name)
        kind = self.script.get((True, len(self.uploaded)))
        match kind:
            case FileFaultKind.UPLOAD_DIES_BEFORE:
                raise ProcessDied
            case FileFaultKind.UPLOAD_UNREACHABLE:
                raise UnavailableError("hostile.unreachable")
            case FileFaultKind.UPLOAD_REFUSED:
                raise FileError("file.refused", "no such kind of file")
        told = super().upload(object_name, field, file, body)
        match kind:
            case FileFaultKind.UPLOAD_DIES_AFTER:
                raise ProcessDied
            case FileFaultKind.UPLOAD_LOST:
                raise UnavailableError("hostile.unreachable")
        return told


def _harmed(pieces: Iterator[bytes], kind: FileFaultKind) -> Iterator[bytes]:
    first = next(pieces, b"")
    match kind:
        case FileFaultKind.BODY_CHANGED:
            yield bytes([first[0] ^ 1]) + first[1:] if first else first
            yield from pieces
        case FileFaultKind.BODY_SHORT:
            held = first
            for piece in pieces:
                yield held
                held = piece
            yield held[:-1]
        case FileFaultKind.BODY_DIES:
            yield first
            raise ProcessDied
        case _:
            yield first
            raise UnavailableError("hostile.unreachable")
