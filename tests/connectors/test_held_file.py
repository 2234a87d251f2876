"""Cells of files: one form, and what of it counts."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.cell import canonical_value, cast
from changeover.connectors.held_file import HeldFile, cell_of, files_in
from changeover.connectors.schema import Field, FieldType

FILES = Field("files", FieldType.FILE)
SUMMED = Field("files", FieldType.FILE, checksum="sha256")
ONE, TWO = HeldFile("a/1", "合同.pdf", 12, "sha256:ab"), HeldFile("a/2", "b.txt", 0)


def test_a_cell_keeps_its_files() -> None:
    assert files_in(cell_of([ONE, TWO])) == (ONE, TWO)
    assert (files_in(None), files_in(" "), files_in("[]"), cell_of([])) == ((), (), (), None)


def test_only_names_and_sizes_count_and_checksums_where_both_tell_them() -> None:
    def same(one: list[HeldFile], other: list[HeldFile], field: Field = FILES) -> bool:
        return canonical_value(cell_of(one), field) == canonical_value(cell_of(other), field)

    moved = HeldFile("TN_9", ONE.name, ONE.size)
    assert same([ONE, TWO], [TWO, moved])
    assert not same([ONE, TWO], [TWO, moved], SUMMED)
    assert same([ONE], [HeldFile("x", ONE.name, ONE.size, ONE.checksum)], SUMMED)
    assert not same([ONE], [ONE, ONE])
    assert not same([ONE], [HeldFile("a/1", ONE.name, 13)])
    assert not same([ONE], [HeldFile("a/1", "合同.doc", 12)])
    assert same([HeldFile("", "caf\u00e9", 1)], [HeldFile("", "cafe\u0301", 1)])
    assert canonical_value("[]", FILES) is None


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "x",
        '[{"name": "a"}]',
        '[{"name": "", "size": 1}]',
        '[{"name": "a", "size": "1"}]',
        '[{"name": "a", "size": -1}]',
        '["a"]',
        '[{"name": "a", "size": 1, "path": "b"}]',
        '[{"name": "a", "size": true}]',
    ],
)
def test_what_is_no_list_of_files_is_a_misfit(text: str) -> None:
    typed, missed = cast(pd.Series([text, cell_of([ONE]), "[]", " ", None], dtype=object), FILES)
    assert missed.to_pylist() == [True, False, False, False, False]
    assert typed.to_pylist() == [None, cell_of([ONE]), None, None, None]
    assert typed.type == pa.string()
