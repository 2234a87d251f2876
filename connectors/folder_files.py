"""Files of systems that know no files: exports, and many an old CRM. A column holds them, or names those of a folder.

What is said of a file that is not there is carried all the same, as one of no bytes, so that whoever asks for its body
is told that it is gone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeAlias

import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .cell import Cell, text_of
from .chunk import Chunk, join_key, split_key
from .errors import InputError
from .forwarding import Forwarding
from .held_file import PIECE, FileError, HeldFile, cell_of
from .nearest import nearest
from .port import Connector
from .schema import FieldType, ObjectSchema, Schema


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    folder: str | None = None
    name: str | None = None
    separator: str | None = Field(None, min_length=1)


_SAID = TypeAdapter(dict[str, dict[str, str | _Said]])


@dataclass(frozen=True, slots=True)
class Named:
    """folder: below which the paths of a column lie; None where it holds bodies itself. name: the column that says what
    the file is called; without it, it is called as its path ends, or as the column. separator: between several paths,
    and between their names, of one cell."""

    folder: Path | None
    name: str | None = None
    separator: str | None = None


Piece: TypeAlias = Callable[[str, str, str, int, int], bytes | None]
"""(object, column, key, from which byte, how many) -> so much of a body; None where there is none."""
Columns = Mapping[str, Mapping[str, Named]]
"""Object -> column -> where its files lie."""


def named_files(said: object, folder: Path, connection: str, *, holds: bool) -> Columns:
    """What the option `files` of a connection says. folder: at which its folders begin. holds: a
    column may hold bodies itself. Raises InputError
    `held_files.option` or `held_files.no_folder`."""
    try:
        told = _SAID.validate_python(said)
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join(["files", *(str(part) for part in first["loc"])])
        raise InputError("held_files.option", connection=connection, option=option, reason=first["msg"]) from error
    found: dict[str, dict[str, Named]] = {}
    for name, columns in told.items():
        found[name] = {}
        for column, each in columns.items():
            one = _Said(folder=each) if isinstance(each, str) else each
            if one.folder is None and (not holds or one.separator is not None):
                option, reason = f"files.{name}.{column}", "folder" if not holds else "separator"
                raise InputError("held_files.option", connection=connection, option=option, reason=reason)
            if one.folder is not None and not (folder / one.folder).is_dir():
                raise InputError("held_files.no_folder", connection=connection, folder=one.folder)
            below = None if one.folder is None else (folder / one.folder).resolve()
            found[name][column] = Named(below, one.name, one.separator)
    return found


def with_files(inner: Connector, said: object, folder: Path, connection: str, piece: Piece | None = None) -> Connector:
    """The connector with what its option `files` says, where it says anything. piece: of a column that holds bodies.
    Raises InputError as `named_files`."""
    if not said:
        return inner
    return FolderFiles(inner, named_files(said, folder, connection, holds=piece is not None), connection, piece)


class FolderFiles(Forwarding):
    """A connector whose columns of paths, or of bodies, are fields of files. Raises InputError `held_files.no_object`
    or `held_files.no_field` where there are no such columns."""

    def __init__(self, inner: Connector, columns: Columns, connection: str, piece: Piece | None = None) -> None:
        super().__init__(inner)
        self.capabilities = replace(inner.capabilities, holds_files=True)
        self._columns, self._connection, self._piece = columns, connection, piece

    def describe(self) -> Schema:
        objects = dict(self.inner.describe().objects)
        for name, columns in self._columns.items():
            if name not in objects:
                near = nearest(name, list(objects))
                raise InputError("held_files.no_object", connection=self._connection, object=name, nearest=near)
            objects[name] = self._described(objects[name], columns)
        return Schema(objects)

    def _described(self, described: ObjectSchema, columns: Mapping[str, Named]) -> ObjectSchema:
        named = [each.name for each in columns.values() if each.name is not None]
        for column in (*columns, *named):
            if described.field(column) is None:
                near, told = nearest(column, described.field_names), self._connection
                raise InputError(
                    "held_files.no_field", connection=told, object=described.name, field=column, nearest=near
                )
        fields = (
            replace(each, type=FieldType.FILE, writable=False, length=None, choices=())
            if each.name in columns
            else each
            for each in described.fields
        )
        return replace(described, fields=tuple(fields))

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        wanted = self._with_names(object_name, fields)
        for chunk in self.inner.read(object_name, wanted, after=after, size=size):
            yield self._filled(chunk, fields)

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        wanted = self._with_names(object_name, fields)
        for chunk in super().changed(object_name, wanted, since, after=after, size=size):
            yield self._filled(chunk, fields)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        return self._filled(self.inner.find(object_name, by, values, self._with_names(object_name, fields)), fields)

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        column, path = split_key(file.id, 2)
        folder = self._columns[object_name][column].folder
        if folder is None:
            return self._held(object_name, column, path)
        found = _below(folder, path)
        if found is None:
            raise FileError("file.unreadable")
        try:
            stream = found.open("rb")
        except FileNotFoundError as error:
            raise FileError("file.gone") from error
        except OSError as error:
            raise FileError("file.unreadable", error.strerror) from error
        return _pieces(stream)

    def _held(self, object_name: str, column: str, key: str) -> Iterator[bytes]:
        assert self._piece is not None  # noqa: S101 - else the option was refused
        start = 0
        while (piece := self._piece(object_name, column, key, start, PIECE)) is not None:
            if not piece:
                return
            yield piece
            start += len(piece)
        raise FileError("file.gone")

    def _with_names(self, object_name: str, fields: Sequence[str]) -> list[str]:
        columns = self._columns.get(object_name, {})
        names = [columns[each].name for each in fields if each in columns]
        return list(dict.fromkeys([*fields, *(name for name in names if name is not None)]))

    def _filled(self, chunk: Chunk, fields: Sequence[str]) -> Chunk:
        columns = self._columns.get(chunk.object, {})
        if not columns.keys() & set(fields):
            return chunk
        frame = {name: chunk.frame[name] for name in fields}
        for column, named in columns.items():
            if column in frame:
                cells = text_of(chunk.frame[column]).to_pylist()
                names = text_of(chunk.frame[named.name]).to_pylist() if named.name else [None] * len(cells)
                rows = zip(chunk.keys, cells, names, strict=True)
                told = [
                    _held_cell(column, *each) if named.folder is None else _cell(column, named.folder, named, *each[1:])
                    for each in rows
                ]
                frame[column] = pd.Series(pd.arrays.ArrowExtensionArray(pa.array(told, pa.string())))
        return replace(chunk, frame=pd.DataFrame(frame, index=chunk.frame.index, copy=False))


def _held_cell(column: str, key: str, size: str | None, name: str | None) -> str | None:
    return None if size is None else cell_of([HeldFile(join_key((column, key)), name or column, int(size))])


def _cell(column: str, folder: Path, named: Named, cell: str | None, name: str | None) -> str | None:
    paths, names = ([] if each is None else _parts(each, named.separator) for each in (cell, name))
    if len(names) != len(paths):
        names = []
    return cell_of(
        [
            _file(column, folder, path, names[place] if names else PurePosixPath(path).name)
            for place, path in enumerate(paths)
        ]
    )


def _parts(text: str, separator: str | None) -> list[str]:
    """Paths as old systems write them, with either kind of slash."""
    parts = text.split(separator) if separator else [text]
    return [each.strip().replace("\\", "/").strip("/") for each in parts if each.strip("/\\ \t\r\n")]


def _file(column: str, folder: Path, path: str, name: str) -> HeldFile:
    found, size = _below(folder, path), 0
    with suppress(OSError):  # whoever asks for the body is told
        size = found.stat().st_size if found is not None else 0
    return HeldFile(join_key((column, path)), name, size)


def _below(folder: Path, path: str) -> Path | None:
    """The file, where it is one and lies below the folder, wherever links lead; else None. One that is not there may be
    anything."""
    try:
        found = (folder / path).resolve()
        return found if found.is_relative_to(folder) and (found.is_file() or not found.exists()) else None
    except (OSError, ValueError, RuntimeError):  # no path at all, or links in a circle
        return None


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        try:
            while piece := stream.read(PIECE):
                yield piece
        except OSError as error:
            raise FileError("file.unreadable", error.strerror) from error
