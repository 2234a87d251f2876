"""A record as it is sent: one flat JSON object, its numbers written digit by digit, never by way of a float."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from ..cell import Cell
from ..change import Change
from ..schema import FieldType
from ..stored import plain_decimal
from .file_fields import FILES
from .org_object import OrgObject


class Row(NamedTuple):
    """files: what the record is to have, as a cell names them; None where nothing is said of it."""

    change: Change
    body: bytes
    files: tuple[str, ...] | None = None


class UnfitError(Exception):
    """The record would be refused. code: ours. field: at fault."""

    def __init__(self, code: str, field: str) -> None:
        super().__init__(code)
        self.code, self.field = code, field


def row_of(
    there: OrgObject,
    values: Mapping[str, Cell],
    *,
    creates: bool,
    key: str | None = None,
    our_key: str | None = None,
    alone: bool = False,
) -> bytes:
    """key: the record's id, where it is there already. our_key: as it is kept; None to say nothing of it, empty to take
    it off. alone: without what a collection wants to know of each record. Raises UnfitError for what may not be said of
    such a record. Files are no part of it.

    A create says that a field is empty only where the org would put something there by itself; a box that is neither
    ticked nor not is left to it.
    """
    told = [] if alone else [f'"attributes":{{"type":{_text(there.name)}}}']
    if key is not None and not alone:
        told.append(f'"id":{_text(key)}')
    if our_key is not None and there.our_key is not None:
        told.append(f"{_text(there.our_key.name)}:{_text(our_key) if our_key else 'null'}")
    for name, cell in values.items():
        field = there.fields[name]
        if name == FILES and name in there.files:
            continue
        if cell is None and (field.field.type is FieldType.BOOLEAN or (creates and not field.given)):
            continue
        if not (field.created if creates else field.updated):
            raise UnfitError("target.refused", name)
        told.append(f"{_text(name)}:{_literal(cell)}")
    return f"{{{','.join(told)}}}".encode()


def _literal(cell: Cell) -> str:
    match cell:
        case None:
            return "null"
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case Decimal():
            return plain_decimal(cell)
        case dt.datetime():
            moment = cell.astimezone(dt.UTC).replace(tzinfo=None)
            return f'"{moment.isoformat(timespec="milliseconds")}Z"'
        case dt.date():
            return f'"{cell.isoformat()}"'
        case _:
            return _text(str(cell))


def _text(told: str) -> str:
    return json.dumps(told, ensure_ascii=False)
