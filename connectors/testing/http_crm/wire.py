"""What goes over the wire: cells that keep their type in JSON, and changes."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias, cast

from ...cell import Cell
from ...change import Change, ChangeKind

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Document: TypeAlias = dict[str, Json]

_READ: dict[str, Callable[[str], Cell]] = {
    "decimal": Decimal,
    "float": float,
    "time": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "bytes": base64.b64decode,
}


def encoded(cell: Cell) -> Json:
    """Text, integer, boolean and null as they are; any other type as {its name: its text}."""
    match cell:
        case None | bool() | int() | str():
            return cell
        case Decimal():
            return {"decimal": str(cell)}
        case float():
            return {"float": repr(cell)}
        case dt.datetime():
            return {"time": cell.isoformat()}
        case dt.date():
            return {"date": cell.isoformat()}
        case _:
            return {"bytes": base64.b64encode(cell).decode()}


def decoded(told: Json) -> Cell:
    """Raises ValueError for what is no cell."""
    if isinstance(told, dict) and len(told) == 1:
        ((kind, text),) = told.items()
        if kind in _READ:
            return _READ[kind](str(text))
    if told is None or isinstance(told, bool | int | str):
        return told
    raise ValueError("no cell")


def encoded_row(row: Mapping[str, Cell]) -> Document:
    return {name: encoded(cell) for name, cell in row.items()}


def decoded_row(told: Json) -> dict[str, Cell]:
    return {name: decoded(cell) for name, cell in as_document(told).items()}


def encoded_change(change: Change) -> Document:
    return {
        "kind": change.kind.value,
        "our_key": change.our_key,
        "key": change.target_key,
        "values": encoded_row(change.values),
        "expect": None if change.expect is None else encoded_row(change.expect),
    }


def decoded_change(told: Json) -> Change:
    document = as_document(told)
    key, expect = document["key"], document["expect"]
    return Change(
        ChangeKind(str(document["kind"])),
        str(document["our_key"]),
        None if key is None else str(key),
        decoded_row(document["values"]),
        None if expect is None else decoded_row(expect),
    )


def as_document(told: Json) -> Document:
    """Raises ValueError where it is no JSON object."""
    if not isinstance(told, dict):
        raise ValueError("no object")
    return told


def as_list(told: Json) -> list[Json]:
    """Raises ValueError where it is no JSON array."""
    if not isinstance(told, list):
        raise ValueError("no array")
    return told


def as_texts(told: Json) -> list[str]:
    return [str(each) for each in as_list(told)]


def parsed(told: object) -> Json:
    """What `json.loads` returned, by its type."""
    return cast(Json, told)
