"""A page of a job's results: CSV into columns, with the cells as REST tells them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ...chunk import Chunk
from ...schema import FieldType
from ..cells import whole_numbers
from ..org_object import ID, OrgField, OrgObject

END = "null"
"""The locator behind the last page."""
WHOLE_ID = r"^[0-9A-Za-z]{18}$"


@dataclass(frozen=True, slots=True)
class Page:
    """table: a column of text for each field. keys: the ids, a row each. locator: of the next page; END behind the last
    one, empty where the answer did not say."""

    table: pa.Table
    keys: list[str]
    locator: str

    def chunk(self, there: OrgObject, fields: Sequence[str], rows: slice, cursor: str) -> Chunk:
        table = self.table.slice(rows.start, rows.stop - rows.start)
        columns = {
            name: pd.arrays.ArrowExtensionArray(as_told(there.fields[name], table.column(name).combine_chunks()))
            for name in fields
        }
        frame = pd.DataFrame(columns, index=pd.RangeIndex(len(table)))
        return Chunk(there.name, frame, self.keys[rows], cursor)


def read_page(content: bytes, names: Sequence[str], locator: str | None, records: str | None) -> Page | None:
    """names: of the columns, as they were asked for. locator, records: as the headers tell them, None where they do
    not. None where the content is not what they say, or no such page."""
    table = _table(content, names)
    if table is None or (records is not None and records.isdigit() and int(records) != len(table)):
        return None
    ids = table.column(ID).combine_chunks()
    if not pc.all(pc.match_substring_regex(ids, WHOLE_ID), skip_nulls=False, min_count=0).as_py():
        return None
    return Page(table, ids.to_pylist(), locator or "")


def _table(content: bytes, names: Sequence[str]) -> pa.Table | None:
    """Without the line that names the columns, which each page has, or only the first. An empty cell is nothing: the
    org has no empty texts."""
    if not content.strip():
        return _of_nothing(names)
    try:
        table = csv.read_csv(
            io.BytesIO(content),
            read_options=csv.ReadOptions(column_names=list(names), block_size=len(content) + 1, use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    told = [str(table.column(at)[0].as_py()).lower() for at in range(len(names))]
    if sorted(told) != sorted(each.lower() for each in names):
        return table
    known = {each.lower(): each for each in names}
    return table.slice(1).rename_columns([known[each] for each in told])


def _of_nothing(names: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in names})


def as_told(field: OrgField, cells: pa.Array) -> pa.Array:
    """Cells of one field as they come by REST: booleans as such, moments with their offset, all else as its text."""
    if field.field.type is FieldType.BOOLEAN:
        known = pc.is_in(cells, pa.array(["true", "false", None]))
        return pc.equal(cells, "true") if pc.all(known).as_py() is not False else cells
    if field.kind == "datetime":
        return pc.replace_substring_regex(cells, pattern="Z$", replacement="+0000")
    return whole_numbers(cells) if field.field.type is FieldType.INTEGER else cells
