"""What became of files, for reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ...runs.report.model import Row, Table, Text
from ..loading.loaded import FILED
from ..loading.tally import parts_of
from .filing import BYTES, MOVED

Files = Mapping[str, Counter[tuple[str, str]]]
"""Mapping -> (field, what) -> number."""


def tallied_files(counts: Mapping[str, int]) -> Counter[tuple[str, str]]:
    """What these have counted."""
    return Counter({(name, what): number for (name, what), number in parts_of(counts, FILED)})


def moved_files(counts: Mapping[str, int]) -> int:
    return sum(number for (_, what), number in tallied_files(counts).items() if what == MOVED)


def left_behind(files: Files) -> int:
    """How many stay."""
    return sum(number for counts in files.values() for (_, what), number in counts.items() if "." in what)


def files_table(files: Files) -> tuple[Table, ...]:
    """By field: how many files went, of how many bytes, and how many stayed behind; no table where there are none."""
    rows: list[Row] = []
    for mapping, counts in files.items():
        for name in dict.fromkeys(name for name, _ in counts):
            left = sum(number for (other, what), number in counts.items() if other == name and "." in what)
            rows.append((mapping, name, counts[name, MOVED], counts[name, BYTES], left))
    columns = ("column.mapping", "column.field", "column.files", "column.bytes", "column.files_left")
    return (Table(Text("table.files"), columns, tuple(rows)),) if rows else ()


def files_told(files: Files) -> list[dict[str, object]]:
    """The same for the JSON document, what stayed behind by its code."""
    told: list[dict[str, object]] = []
    for mapping, counts in files.items():
        for name in dict.fromkeys(name for name, _ in counts):
            left = {what: number for (other, what), number in sorted(counts.items()) if other == name and "." in what}
            moved = {"moved": counts[name, MOVED], "bytes": counts[name, BYTES], "left": left}
            told.append({"mapping": mapping, "field": name, **moved})
    return told
