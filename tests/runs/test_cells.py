"""Cells keep value and type through the value store's JSON."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pandas as pd
import pytest
from changeover.connectors.cell import Cell
from changeover.runs.cells import decode_cells, encode_cells
from hypothesis import given
from hypothesis import strategies as st

CELLS = st.one_of(
    st.none(),
    st.text(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=8))])),
    st.binary(),
)


@given(st.dictionaries(st.text(), CELLS))
def test_every_cell_comes_back_as_it_was(cells: dict[str, Cell]) -> None:
    back = decode_cells(encode_cells(cells))
    assert back == cells
    assert [type(cell) for cell in back.values()] == [type(cell) for cell in cells.values()]
    for field, cell in cells.items():
        if isinstance(cell, Decimal | dt.datetime):
            assert str(back[field]) == str(cell)


def test_a_float_that_is_no_number_comes_back() -> None:
    back = decode_cells(encode_cells({"x": math.nan}))["x"]
    assert isinstance(back, float)
    assert math.isnan(back)


def test_a_text_that_looks_like_a_tag_or_is_broken_stays_as_it_is() -> None:
    cells: dict[str, Cell] = {"note": '{"decimal":"1"}', "decimal": "1", "broken": "\ud800"}
    assert decode_cells(encode_cells(cells)) == cells


@pytest.mark.parametrize("value", [pd.NaT, pd.NA, object(), {"a": 1}.keys()])
def test_what_is_no_cell_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        encode_cells({"x": value})  # type: ignore[dict-item]
