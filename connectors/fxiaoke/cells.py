"""Cells on their way: as the gateway writes them, and as every room reads them.

Numbers are text on the wire, dates and times milliseconds, people and departments lists even where there is one of
them, several choices a list. A list of names is one text here, its parts separated by `;`; files are in the form of
`held_file`, and what is neither (a sub-table) is its JSON.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa

from ..cell import Cell, arrow_type
from ..held_file import HeldFile, cell_of, files_in
from ..stored import as_stored, plain_decimal
from .tenant import FILES, MANY, NUMBERS, PARTS, PEOPLE, TenantField
from .wire import Json, whole

SEPARATOR = PARTS
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)


class MisfitError(Exception):
    """The cell cannot be sent. code: our catalogue's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def sent(field: TenantField, cell: Cell, zone: ZoneInfo) -> Json:
    """The cell as the gateway takes it. A moment is cut to its millisecond. zone: whose midnight a date is. Raises
    MisfitError."""
    if cell is None:
        return None
    match cell:
        case bool():
            return cell
        case int() | Decimal():
            return plain_decimal(Decimal(cell))
        case dt.datetime():
            if cell.tzinfo is None:
                raise MisfitError("target.type")
            return (cell.astimezone(dt.UTC) - _EPOCH) // _MILLISECOND
        case dt.date():
            try:
                midnight = dt.datetime.combine(cell, dt.time(), zone).astimezone(dt.UTC)
            except OverflowError:
                raise MisfitError("target.out_of_range") from None
            return (midnight - _EPOCH) // _MILLISECOND
        case str():
            return _sent_text(field, cell)
        case _:
            raise MisfitError("target.type")


def _sent_text(field: TenantField, cell: str) -> Json:
    if field.kind in MANY:
        return [each for each in cell.split(SEPARATOR) if each]
    if field.kind in PEOPLE:
        return [cell] if cell else []
    if field.kind in FILES:
        try:
            return [_sent_file(field, each) for each in files_in(cell)]
        except ValueError:
            raise MisfitError("target.type") from None
    return cell


def _sent_file(field: TenantField, file: HeldFile) -> Json:
    """Both of the keys under which clients write a file's name: which of them the tenant reads is not known."""
    _, point, extension = file.name.rpartition(".")
    told: dict[str, Json] = {"path": file.id, "filename": file.name, "name": file.name, "size": file.size}
    told["ext"] = extension.lower() if point else ""
    return told | ({"isImage": True} if field.kind == "image" else {})


def _came_files(told: list[Json]) -> str | None:
    """None of them is left out: what is no file makes the cell one that is no list of files."""
    files = []
    for each in told:
        one = each if isinstance(each, dict) else {}
        size = whole(one.get("size"))
        name = one.get("filename") or one.get("name")
        if size is None or not isinstance(name, str):
            return json.dumps(told, ensure_ascii=False, sort_keys=True)
        files.append(HeldFile(str(one.get("path") or ""), name, size))
    return cell_of(files)


def column(field: TenantField, told: Sequence[Json], zone: ZoneInfo) -> pa.Array:
    """The cells of one field, in order, as they are stored there; numbers are left as their text."""
    cells = [_came(field, each, zone) for each in told]
    if all(each is None for each in cells):
        return pa.nulls(len(cells), arrow_type(field.field))
    return as_stored(pd.Series(cells, dtype=object))


def members(field: TenantField, told: Json) -> list[str]:
    """Who is in a team with the role and the permission of this field, in order."""
    found: set[str] = set()
    for each in told if isinstance(told, list) else ():
        if isinstance(each, dict):
            people = each.get("teamMemberEmployee")
            same = (str(each.get("teamMemberRole")), str(each.get("teamMemberPermissionType"))) == field.member
            found |= set(map(str, people)) if same and isinstance(people, list) else set()
    return sorted(found)


def _came(field: TenantField, told: Json, zone: ZoneInfo) -> Cell:
    if field.member is not None:
        return SEPARATOR.join(members(field, told)) or None
    if told is None or told == []:
        return None
    if isinstance(told, list) and field.kind in FILES:
        return _came_files(told)
    if isinstance(told, list):
        plain = all(isinstance(each, str | int) for each in told)
        return SEPARATOR.join(map(str, told)) if plain else json.dumps(told, ensure_ascii=False, sort_keys=True)
    if isinstance(told, dict):
        return json.dumps(told, ensure_ascii=False, sort_keys=True)
    if field.kind in ("date", "date_time"):
        return _moment(field, told, zone)
    if field.kind == "true_or_false":
        return told
    if field.kind in NUMBERS:
        return None if told == "" else str(told)
    return told if isinstance(told, str) else json.dumps(told)


def _moment(field: TenantField, told: str | int, zone: ZoneInfo) -> Cell:
    """Milliseconds, as a number or as its text; anything else stays as it is, for whoever types it to judge."""
    if told == "":
        return None
    try:
        moment = _EPOCH + int(told) * _MILLISECOND
        return moment if field.kind == "date_time" else moment.astimezone(zone).date()
    except (ValueError, OverflowError):
        return str(told)
