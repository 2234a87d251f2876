"""Texts of pieces in which fields stand in braces, on whole columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.stored import plain_text, readable

HOLE = re.compile(r"\{([^{}]+)\}")
_NO_TEXT = pa.scalar(None, pa.string())


def fields_in(pieces: Sequence[str]) -> tuple[str, ...]:
    """The fields that stand in them, each once."""
    return tuple(dict.fromkeys(name for piece in pieces for name in HOLE.findall(piece)))


def line_of(pieces: Sequence[str], columns: Mapping[str, pa.Array], count: int) -> pa.StringArray:
    """A piece that names fields is left out where all of these are null or empty. Null where all fields of all pieces
    are."""
    line, anything = pa.repeat("", count), pa.repeat(False, count)
    for piece in pieces:
        words = HOLE.split(piece)  # text and field in turn
        if len(words) == 1:
            line = pc.binary_join_element_wise(line, piece, "")
            continue
        cells = {name: plain_text(readable(columns[name])[0]) for name in words[1::2]}
        there = pa.repeat(False, count)
        for cell in cells.values():
            there = pc.or_(there, pc.fill_null(pc.not_equal(cell, ""), False))
        filled = [pc.fill_null(cells[word], "") if odd % 2 else pa.scalar(word) for odd, word in enumerate(words)]
        told = pc.binary_join_element_wise(*filled, "")
        line = pc.binary_join_element_wise(line, pc.if_else(there, told, ""), "")
        anything = pc.or_(anything, there)
    return pc.if_else(anything, line, _NO_TEXT)
