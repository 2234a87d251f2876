"""A record's cells as a small JSON document and back, without losing a digit or a type."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal

from ..connectors.cell import Cell


def encode_cells(cells: Mapping[str, Cell]) -> bytes:
    """{field: cell} as UTF-8 JSON. Raises TypeError for what is no cell."""
    return _ENCODER.encode(dict(cells)).encode("utf-8", "surrogatepass")


def decode_cells(document: bytes) -> dict[str, Cell]:
    """What `encode_cells` wrote, each cell with its value and type; an instant comes back with its offset."""
    fields = json.loads(document.decode("utf-8", "surrogatepass"))
    return {field: _untagged(value) if isinstance(value, dict) else value for field, value in fields.items()}


def _tagged(cell: object) -> dict[str, str]:
    match cell:
        case Decimal():
            return {"decimal": str(cell)}
        # pandas' NaT calls itself a datetime and a date, and equals nothing.
        case dt.datetime() if cell == cell:
            return {"time": cell.isoformat()}
        case dt.date() if cell == cell:
            return {"date": cell.isoformat()}
        case bytes():
            return {"bytes": base64.b64encode(cell).decode()}
        case _:
            raise TypeError(f"not a cell: {type(cell).__name__}")


def _untagged(tagged: dict[str, str]) -> Cell:
    [(kind, text)] = tagged.items()
    match kind:
        case "decimal":
            return Decimal(text)
        case "time":
            return dt.datetime.fromisoformat(text)
        case "date":
            return dt.date.fromisoformat(text)
        case _:
            return base64.b64decode(text)


_ENCODER = json.JSONEncoder(default=_tagged, ensure_ascii=False, check_circular=False, separators=(",", ":"))
