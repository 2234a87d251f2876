"""The stage: chunks that were read and not yet settled, sealed on disk so that a run which was stopped need not read
them again. Nothing else lives there; losing the stage costs a second reading of the source and nothing more."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ..connectors.errors import DecisionError
from .keys import fingerprint
from .private_files import (
    private_folder,
    read_refused,
    require_plain_name,
    sync_folder,
    write_private,
    write_refused,
)
from .sealing import Seal, SealBrokenError, bind

_MARK = b"changeover stage 1\n"
_ENDING = ".chunk"
_EXTRA = b"changeover"


class Stage:
    """A folder (0700) of sealed chunks (0600). Names are the caller's own ids: letters, digits, `_`, `-`, `.`.

    Raises UnavailableError where the disk refuses us.
    """

    def __init__(self, folder: Path, data_key: bytes) -> None:
        self.folder = private_folder(folder)
        self._seal = Seal(data_key)
        self._key_id = fingerprint(data_key)

    def put(self, name: str, frame: pd.DataFrame, extra: dict[str, object]) -> None:
        """Keep a frame (Arrow dtypes, any index from 0) and plain JSON values beside it; on the disk when it returns.

        A chunk of the same name is replaced in one step.
        """
        table = pa.Table.from_pandas(frame.reset_index(drop=True))
        kept = {**(table.schema.metadata or {}), _EXTRA: json.dumps(extra, ensure_ascii=False).encode()}
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, table.schema.with_metadata(kept), options=options) as writer:
            writer.write_table(table)
        sealed = self._seal.close(sink.getvalue().to_pybytes(), self._bound(name))
        write_private(self._path(name), _MARK + self._key_id.encode() + sealed)

    def take(self, name: str) -> tuple[pd.DataFrame, dict[str, object]]:
        """The frame, every column on its Arrow dtype, index 0..n-1, and what was kept beside it.

        Raises DecisionError: `stage.missing`, `stage.key_lost` (sealed with another data key), `stage.damaged` (torn or
        changed). In each case the source has to be read again.
        """
        path = self._path(name)
        try:
            body = path.read_bytes()
        except FileNotFoundError as problem:
            raise DecisionError("stage.missing", path=str(path)) from problem
        except OSError as problem:
            raise read_refused(path, problem) from problem
        head = len(_MARK) + len(self._key_id)
        if not body.startswith(_MARK) or len(body) <= head:
            raise DecisionError("stage.damaged", path=str(path))
        if body[len(_MARK) : head] != self._key_id.encode():
            raise DecisionError("stage.key_lost", path=str(path))
        try:
            plain = self._seal.open(body[head:], self._bound(name))
        except SealBrokenError as problem:
            raise DecisionError("stage.damaged", path=str(path)) from problem
        table = pa.ipc.open_stream(plain).read_all()
        extra = json.loads(table.schema.metadata[_EXTRA])
        return table.to_pandas(types_mapper=pd.ArrowDtype), extra

    def names(self) -> list[str]:
        """What is staged, in the names' order."""
        return sorted(path.name.removesuffix(_ENDING) for path in self.folder.glob(f"[!.]*{_ENDING}"))

    def drop(self, name: str) -> None:
        """Forget the chunk; nothing happens where there is none."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            sync_folder(self.folder)
        except OSError as problem:
            raise write_refused(path, problem) from problem

    def _path(self, name: str) -> Path:
        return self.folder / f"{require_plain_name(name)}{_ENDING}"

    def _bound(self, name: str) -> bytes:
        return bind("stage", name)
