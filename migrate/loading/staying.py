"""What mappings leave out, told by what left it out and by year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...mappings.compile import CompiledMapping
from ...mappings.left_out import Cause
from ...runs.report.model import Row, Table, Text
from .tally import Tally, parts_of

_TALLIED, _LIVES = "left_out", "life"
Left = Mapping[str, Mapping[Cause, int]]
"""By mapping."""


def tally_left(tally: Tally, counts: Mapping[Cause, int]) -> None:
    """Count them with the run's progress, so that they survive a crash as its other counts do."""
    for each, number in counts.items():
        tally.add("\t".join((_TALLIED, *each)), number)


def tallied_left(counts: Mapping[str, int]) -> Counter[Cause]:
    """What `tally_left` has counted."""
    return Counter({Cause(*parts): number for parts, number in parts_of(counts, _TALLIED)})


def tally_lives(tally: Tally, counts: Mapping[tuple[str, str], int]) -> None:
    """The same for life states: (state, what becomes of it) -> records."""
    for (state, kind), number in counts.items():
        tally.add("\t".join((_LIVES, state, kind)), number)


def tallied_lives(counts: Mapping[str, int]) -> Counter[tuple[str, str]]:
    """What `tally_lives` has counted."""
    return Counter({(state, kind): number for (state, kind), number in parts_of(counts, _LIVES)})


def lives_table(lives: Sequence[tuple[CompiledMapping, Mapping[tuple[str, str], int]]]) -> tuple[Table, ...]:
    """Records in a life state that are not left out, by mapping and state; no table where there are none."""
    rows: tuple[Row, ...] = tuple(
        (mapping.name, state, Text(f"life.{kind}"), number, _reason(mapping, state))
        for mapping, counts in lives
        for (state, kind), number in sorted(counts.items())
    )
    columns = ("column.mapping", "column.life", "column.fate", "column.records", "column.reason")
    return (Table(Text("table.lives"), columns, rows),) if rows else ()


def _reason(mapping: CompiledMapping, name: str) -> str | None:
    return next((state.then.reason for state in mapping.states if state.name == name), None)


def left_tables(left: Left) -> tuple[Table, ...]:
    """Records left out by mapping and cause, and by year where one is told; no table where nothing was."""
    rows: tuple[Row, ...] = tuple(
        (name, Text(f"left_out.{each.what}", {"name": each.name}), each.year or None, number)
        for name, counts in left.items()
        for each, number in sorted(counts.items())
    )
    columns = ("column.mapping", "column.left_by", "column.year", "column.records")
    return (Table(Text("table.left_out"), columns, rows),) if rows else ()


def left_told(left: Left) -> list[dict[str, str | int | None]]:
    """The same for the JSON document."""
    return [
        {"mapping": name, "by": each.what, "name": each.name, "year": each.year or None, "count": number}
        for name, counts in left.items()
        for each, number in sorted(counts.items())
    ]
