"""Lines made of children, without a system around them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.mappings.folding.compiled import CompiledFold, compile_folds
from changeover.mappings.language import MappingFile, MappingModel
from changeover.mappings.yaml.document import Document

T = FieldType
CHILD = ObjectSchema(
    "note",
    ("id",),
    (
        Field("id", T.INTEGER),
        Field("nr", T.INTEGER),
        Field("part", T.TEXT),
        Field("at", T.DATE),
        Field("done", T.BOOLEAN),
        Field("text", T.TEXT),
    ),
)


def fold(**said: object) -> CompiledFold:
    plain = {"from": "note", "by": "nr", "line": "{text}", "between": "/"} | said
    model = MappingModel.model_validate(
        {"mapping": "m", "from": "p", "to": "t", "fields": {"a": "fold.x"}, "fold": {"x": plain}}
    )
    file = MappingFile("m.yaml", model, Document("m.yaml", {}, {(): 1}))
    (compiled,) = compile_folds(file, Schema({"note": CHILD}), lambda _: None)
    return compiled


def notes(*rows: tuple[object, ...], names: tuple[str, ...] = ("nr", "at", "text"), first: int = 1) -> Chunk:
    columns = {name: pa.array([row[at] for row in rows]) for at, name in enumerate(names)}
    frame = pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)
    return Chunk("note", frame, [str(first + at) for at in range(len(rows))])


def test_dates_go_before_by_their_value_and_ties_by_number() -> None:
    """What is no date and what has none goes first, so that `most` drops it first."""
    rows = [(1, "2024-1-9", "i"), (1, "2024-01-10", "c"), (1, None, "a"), (1, "soon", "b"), (1, "2024-01-10", "d")]
    chunk = notes(*rows, first=8)  # keys 8 to 12: as texts 10 to 12 would go before 8
    assert fold(order="at").fold([chunk], ["1"]).text.to_pylist() == ["i/b/a/c/d"]
    assert fold(order="at", most=2).fold([chunk], ["1"]).text.to_pylist() == ["c/d"]
    same = notes(*[(1, None, letter) for letter in "abcde"], first=8)
    assert fold().fold([same], ["1"]).text.to_pylist() == ["a/b/c/d/e"]


def test_a_parents_text_is_the_same_whatever_else_is_read_beside_it() -> None:
    """Read whole or found by key, in one piece or several: else every change of a neighbour would look like one."""
    mine = [(2, "2024-03-01", "a"), (2, "2024-02-01", "b")]
    strange = [(3, "whenever", "x"), (3, None, "y")]
    alone = fold(order="at").fold([notes(*mine)], ["2"]).text[0]
    together = fold(order="at").fold([notes(*mine, *strange)], ["1", "2", "3"]).text[1]
    apart = fold(order="at").fold([notes(mine[0]), notes(*strange, first=7), notes(mine[1], first=2)], ["2", "3"])
    assert alone.as_py() == together.as_py() == apart.text[0].as_py() == "b/a"


def test_pieces_of_empty_fields_are_left_out_and_an_empty_line_is_none() -> None:
    told = fold(line=["· ", "{at}: ", "{text}", " ({at} {text})"]).fold(
        [notes((1, None, "t"), (1, "2024-01-01", ""), (1, None, None), (1, "2024-01-02", "t"))], ["1"]
    )
    assert told.text.to_pylist() == ["· t ( t)/· 2024-01-01:  (2024-01-01 )/· 2024-01-02: t (2024-01-02 t)"]
    assert (told.children.tolist(), told.lines.tolist()) == ([4], [3])


def test_children_of_nobody_here_are_passed_over() -> None:
    told = fold().fold([notes((None, None, "a"), (9, None, "b"), (1, None, "c"))], ["1", "2"])
    assert told.text.to_pylist() == ["c", None]
    assert told.children.tolist() == [1, 0]
    assert fold().fold([], ["1"]).text.to_pylist() == [None]


def test_keys_of_several_parts_are_compared_part_by_part() -> None:
    names = ("nr", "part", "text")
    chunk = notes((1, "a|b", "x"), (1, "a", "y"), (1, None, "z"), names=names)
    told = fold(by=["nr", "part"]).fold([chunk], ["1|a\\|b", "1|a", "1|b"])
    assert told.text.to_pylist() == ["x", "y", None]


@pytest.mark.parametrize(("kind", "cells"), [("done", [True, False]), ("text", ["b", "a"]), ("id", [2, 1])])
def test_lines_go_by_any_kind_of_field(kind: str, cells: list[object]) -> None:
    names = ("nr", kind, "text") if kind != "text" else ("nr", "text")
    rows = [(1, cell, letter)[: len(names)] for cell, letter in zip(cells, "ba", strict=True)]
    assert fold(order=kind).fold([notes(*rows, names=names)], ["1"]).text.to_pylist() == ["a/b"]


def test_a_child_that_cannot_be_told_is_counted() -> None:
    told = fold(where={"at": {"at_least": "2024-01-01"}}).fold(
        [notes((1, "2024-01-02", "in"), (1, "2023-01-01", "out"), (1, "soon", "?"))], ["1"]
    )
    assert (told.text.to_pylist(), told.untold, told.children.tolist()) == (["in"], 1, [3])
