"""A record as it is sent, and the refusals that the tenant's own describe foretells.

A value that is missing, too long or no option is refused here, before a call is spent on it: with which codes the
server says so is not known."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from ..cell import Cell
from ..schema import Field, FieldType
from .cells import MisfitError, sent
from .options import Options
from .tenant import TenantObject
from .wire import Document


class UnfitError(Exception):
    """The record would be refused. code: ours. field: at fault."""

    def __init__(self, code: str, field: str | None = None) -> None:
        super().__init__(code)
        self.code, self.field = code, field


def row_of(
    there: TenantObject,
    values: Mapping[str, Cell],
    options: Options,
    zone: ZoneInfo,
    *,
    creates: bool,
    given: str | None = None,
) -> Document:
    """Nothing is sent of a create's empty cells; an update's clear their field. given: the field that the tenant fills
    in. Raises UnfitError."""
    row: Document = {"dataObjectApiName": there.api}
    for name, cell in values.items():
        field = there.fields[name]
        if field.member is not None:  # by calls of its own
            continue
        code = _foretold(field.field, cell)
        if code is None and not creates and not field.field.changeable:
            code = "target.refused"
        if code is not None:
            raise UnfitError(code, name)
        if cell is None and creates:
            continue
        try:
            row[field.api] = sent(field, cell, zone) if cell is not None else cleared(options)
        except MisfitError as error:
            raise UnfitError(error.code, name) from error
    if creates:
        for each in there.schema.fields:
            if each.required and each.name != given and values.get(each.name) is None:
                raise UnfitError("target.required", each.name)
    return row


def cleared(options: Options) -> str | None:
    """What takes a field's value away in an update."""
    return "" if options.empty == "empty" else None


def _foretold(field: Field, cell: Cell) -> str | None:
    if cell is None or cell == "":
        return "target.required" if field.required else None
    if field.length is not None and isinstance(cell, str) and len(cell) > field.length:
        return "target.too_long"
    if field.type is FieldType.CHOICE and field.choices and cell not in field.choices:
        return "target.check"
    return None
