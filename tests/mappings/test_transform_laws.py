"""What every transform keeps to, whatever stands in the cells: nothing fails, no cell touches another, null stays."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest
from changeover.mappings.transform import BoundTransform, available
from hypothesis import given, settings
from hypothesis import strategies as st


def width(cells: str | tuple[str | None, ...] | None) -> int:
    return len(cells) if isinstance(cells, tuple) else 1


BOUND = [
    pytest.param(transform.bind(arguments, width(cells)), width(cells), id=f"{name}-{number}")
    for name, transform in available().items()
    for number, (arguments, cells, _) in enumerate(transform.examples)
    if (arguments, width(cells)) not in [(each[0], width(each[1])) for each in transform.examples[:number]]
]
"""Each transform with each of the arguments of its examples, and how many columns it is given there."""
ALONE = [pytest.param(each.values[0], id=each.id) for each in BOUND if each.values[1] == 1]
ONE_EACH = list({each.values[0].transform.name: each for each in reversed(ALONE)}.values())
SEVERAL = [each for each in BOUND if each.values[1] != 1]
SHOWN = {
    name: [
        cell
        for _, given_cells, result in transform.examples
        for cell in (*(given_cells if isinstance(given_cells, tuple) else (given_cells,)), result)
        if cell
    ]
    for name, transform in available().items()
}
"""What the examples hold: cells that a transform has something to do with."""

NASTY = [
    "",
    " ",
    "\u3000",
    "👩‍⚕️",
    "🇨🇳🏳️‍🌈",
    "𠮷𡘙",  # beyond the basic plane: two units in UTF-16, four bytes in UTF-8
    "\ud7ff\ue000\ufffe\uffff\U0010ffff",  # on either side of the surrogates, and what is no character
    "\ufffd",
    "１２３（ＡＢＣ）％￥",
    "שלום עולם",
    "\u202eabc\u202c",
    "e\u0301 a\u0308\u0323",
    "a" + "\u0301" * 50,
    "ﷺ" * 30,  # NFKC makes eighteen characters of each
    "\x00",
    "\x00a\x00",
    "\x01\x1b[0m\x7f\x85",
    "\u200b\ufeff\u200d",
    "a\r\nb\u2028c",
    "a" * 10_000,
    "安" * 10_000,
    "1" * 10_000,
    "(" * 10_000,
    "<b>" * 2_000,
    "((((",
    "-",
    "+",
    ".",
    "0",
    "-0",
    "+1",
    "1e400",
    "1e-400",
    "NaN",
    "Infinity",
    "00012",
    "12.50",
    "９９９",
    "٣٤",
    "²",
    "12345678901234567890123456789012345678901234567890",
    "2023-02-30",
    "ＮＯ",
    "{} %s \\1 $1",
    "<![CDATA[",
    "&#x110000;&#0;&amp",
    ",;|、",
]
NUMBERLIKE = st.from_regex(r"[-+(]?[￥$]?[0-9,.' /年月日%万]{0,12}[)]?", fullmatch=True)


def cells_for(name: str) -> st.SearchStrategy[str | None]:
    """Any text, bad text, text like a number or date, and the transform's own examples, whole or spliced."""
    own = st.sampled_from(SHOWN[name])
    spliced = st.builds(lambda one, other, at: one[:at] + other + one[at:], own, st.text(max_size=3), st.integers(0, 9))
    return st.none() | st.sampled_from(NASTY) | st.text(max_size=20) | NUMBERLIKE | own | spliced


def column(cells: Sequence[str | None]) -> pa.StringArray:
    return pa.array(cells, pa.string())


def keeps_to_the_laws(bound: BoundTransform, cells: Sequence[str | None], at: int) -> None:
    whole = column(cells)
    together = bound(whole)
    together.validate(full=True)
    told = together.to_pylist()
    assert together.type == pa.string()
    assert told == [bound(column([cell]))[0].as_py() for cell in cells]
    assert told == bound(whole[:at]).to_pylist() + bound(whole[at:]).to_pylist()  # chunks; the second has an offset
    assert told == bound(column(["x", *cells, None])[1:-1]).to_pylist()
    assert whole.to_pylist() == cells  # the given column is left as it was
    assert [result for cell, result in zip(cells, told, strict=True) if cell is None] == [None] * cells.count(None)


@pytest.mark.parametrize("bound", ALONE)
def test_each_nasty_text(bound: BoundTransform) -> None:
    cells = [None, *NASTY, *SHOWN[bound.transform.name]]
    keeps_to_the_laws(bound, cells, len(cells) // 2)


@pytest.mark.parametrize("bound", ONE_EACH)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_any_text(bound: BoundTransform, data: st.DataObject) -> None:
    cells = data.draw(st.lists(cells_for(bound.transform.name), max_size=5))
    keeps_to_the_laws(bound, cells, data.draw(st.integers(0, len(cells))))


@pytest.mark.parametrize(("bound", "columns"), SEVERAL)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_rows_of_several_columns(bound: BoundTransform, columns: int, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(*[cells_for(bound.transform.name)] * columns), min_size=1, max_size=5))
    together = bound(*(column(cells) for cells in zip(*rows, strict=True)))
    together.validate(full=True)
    told = together.to_pylist()
    assert told == [bound(*(column([cell]) for cell in row))[0].as_py() for row in rows]
    assert told == bound(*(column(["x", *cells])[1:] for cells in zip(*rows, strict=True))).to_pylist()
    nothing = (None,) * columns
    assert [result for row, result in zip(rows, told, strict=True) if row == nothing] == [None] * rows.count(nothing)
