"""What a project says of a folder of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..nearest import nearest
from ..port import Settings

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
"""Endings of file names, and the format that each stands for."""

_OPTIONS = ("path", "objects", "keys", "audit", "files")
_OBJECT_OPTIONS = ("file", "key", "format", "encoding", "delimiter", "sheet", "header")


@dataclass(frozen=True, slots=True)
class FileObject:
    """One object: its file (shown: as the project names it, a workbook with its sheet), its key columns, and how to
    read it. header: the row of a sheet that names its columns."""

    name: str
    path: Path
    shown: str
    key: tuple[str, ...]
    format: str
    encoding: str = "utf-8"
    delimiter: str = ","
    sheet: str | None = None
    header: int | None = None


def folder_of(settings: Settings) -> Path:
    """The folder of the option `path`. Raises InputError `files.no_folder`."""
    path = settings.options.get("path", ".")
    folder = Path(settings.folder) / str(path)
    if not folder.is_dir():
        raise InputError("files.no_folder", connection=settings.name, folder=str(path))
    return folder


def file_objects(settings: Settings) -> dict[str, FileObject]:
    """The objects by name: those of the option `objects`, or else every file of the folder with a known ending.

    Raises InputError.
    """
    _only_known(settings.options, _OPTIONS, settings.name)
    folder = folder_of(settings)
    keys = _mapping(settings.options.get("keys", {}), "keys", settings.name)
    listed = settings.options.get("objects")
    if listed is None:
        objects = _found(folder, keys, settings.name)
    else:
        given = _mapping(listed, "objects", settings.name)
        objects = [_listed(name, options, folder, keys, settings.name) for name, options in given.items()]
    for name in keys:
        if name not in {each.name for each in objects}:
            near = nearest(name, (each.name for each in objects))
            raise InputError("files.key_of_nothing", connection=settings.name, object=name, nearest=near)
    return {each.name: each for each in objects}


def _found(folder: Path, keys: Mapping[str, object], connection: str) -> list[FileObject]:
    objects: dict[str, FileObject] = {}
    for path in sorted(folder.iterdir()):
        kind = FORMATS.get(path.suffix.lower())
        if kind is None or path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in objects:
            raise InputError("files.same_name", connection=connection, object=path.stem, folder=folder.name)
        if path.stem not in keys:
            raise InputError("files.no_key", connection=connection, object=path.stem, file=path.name)
        delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        key = _names(keys[path.stem], path.stem, connection)
        objects[path.stem] = FileObject(path.stem, path, path.name, key, kind, delimiter=delimiter)
    if not objects:
        raise InputError("files.empty_folder", connection=connection, folder=folder.name, known=", ".join(FORMATS))
    return list(objects.values())


def _listed(name: str, options: object, folder: Path, keys: Mapping[str, object], connection: str) -> FileObject:
    given = _mapping(options, name, connection)
    _only_known(given, _OBJECT_OPTIONS, connection)
    shown = str(given.get("file", ""))
    path = folder / shown
    if not shown or not path.is_file():
        there = (each.name for each in folder.iterdir() if each.is_file())
        raise InputError("files.no_file", connection=connection, object=name, file=shown, nearest=nearest(shown, there))
    kind = str(given.get("format", FORMATS.get(path.suffix.lower(), "")))
    if kind not in FORMATS.values():
        raise InputError("files.no_format", connection=connection, object=name, file=shown)
    if "key" not in given and name not in keys:
        raise InputError("files.no_key", connection=connection, object=name, file=shown)
    key = _names(given.get("key", keys.get(name)), name, connection)
    encoding = str(given.get("encoding", "utf-8"))
    try:
        b"a".decode(encoding, "ignore")
    except (LookupError, UnicodeError):
        raise InputError("files.no_encoding", connection=connection, object=name, encoding=encoding) from None
    delimiter = str(given.get("delimiter", "\t" if path.suffix.lower() == ".tsv" else ","))
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise InputError("files.no_delimiter", connection=connection, object=name)
    sheet, header = _sheet_and_header(given, kind, name, connection)
    shown = shown if sheet is None else f"{shown} [{sheet}]"
    return FileObject(name, path, shown, key, kind, encoding, delimiter, sheet, header)


def _sheet_and_header(
    given: Mapping[str, object], kind: str, name: str, connection: str
) -> tuple[str | None, int | None]:
    """Raises InputError `files.sheet` for either where the file is no workbook, or where it cannot be one."""
    sheet, header = given.get("sheet"), given.get("header")
    fits = (sheet is None or (isinstance(sheet, str) and sheet)) and (
        header is None or (isinstance(header, int) and not isinstance(header, bool) and header > 0)
    )
    if not fits or (kind != "xlsx" and (sheet is not None or header is not None)):
        raise InputError("files.sheet", connection=connection, object=name)
    return (sheet if isinstance(sheet, str) else None), (header if isinstance(header, int) else None)


def _mapping(value: object, option: str, connection: str) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise InputError("files.not_a_mapping", connection=connection, option=option)
    return {str(name): each for name, each in value.items()}


def _names(value: object, object_name: str, connection: str) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(each, str) and each for each in names):
        raise InputError("files.key_no_columns", connection=connection, object=object_name)
    return tuple(names)


def _only_known(given: Mapping[str, object], known: tuple[str, ...], connection: str) -> None:
    for name in given:
        if name not in known:
            raise InputError("files.option", connection=connection, option=str(name), nearest=nearest(str(name), known))
