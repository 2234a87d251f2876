"""From Python's cells to a typed column and back."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from changeover.connectors.cell import Cell, arrow_type, cast, cells_of
from changeover.connectors.schema import Field, FieldType
from hypothesis import given, settings
from hypothesis import strategies as st

CELLS: dict[FieldType, st.SearchStrategy[Cell]] = {
    FieldType.TEXT: st.text(),
    FieldType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    FieldType.DECIMAL: st.decimals(-(10**30), 10**30, allow_nan=False, places=2),
    FieldType.FLOAT: st.floats(allow_nan=False),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.dates(),
    FieldType.INSTANT: st.datetimes(timezones=st.just(dt.UTC)),
    FieldType.LOCAL_TIME: st.datetimes(),
    FieldType.BINARY: st.binary(),
}


@pytest.mark.parametrize("kind", CELLS)
@given(st.data())
@settings(max_examples=50, deadline=None)
def test_a_column_gives_back_the_cells_that_it_was_made_of(kind: FieldType, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.none() | CELLS[kind], max_size=5))
    given_back = cells_of(pa.array(cells, arrow_type(Field("f", kind, scale=2))))
    assert given_back == cells
    assert [type(cell) for cell in given_back] == [type(cell) for cell in cells]
    assert {cell.tzinfo for cell in given_back if isinstance(cell, dt.datetime)} <= {
        None if kind is FieldType.LOCAL_TIME else dt.UTC
    }


def test_a_text_that_is_kept_trimmed_loses_the_blanks_around_it() -> None:
    """Of ASCII alone: a Chinese paragraph begins with wide ones, and whether a system cuts those is not known."""
    cells = pa.array([" a b \n", "\u3000段落", " \t", "", None, "x"])
    field = Field("f", FieldType.TEXT, trimmed=True, empty_text=False)
    typed, misfits = cast(cells, field)
    assert True not in misfits.to_pylist()
    assert typed.to_pylist() == ["a b", "\u3000段落", None, None, None, "x"]
    assert cast(cells, Field("f", FieldType.TEXT))[0].to_pylist() == cells.to_pylist()
