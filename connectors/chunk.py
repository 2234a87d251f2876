"""A piece of an object on its way: columns of cells, with each record's key and the cursor that resumes after it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Records of one object, as stored.

    frame: one row a record, one column a field asked for, every column on an Arrow dtype (`pd.ArrowDtype`). A column
    whose cells are of mixed kinds comes as text; nothing is typed or repaired here. Index: 0..n-1.
    keys: the records' keys as text, one a row, in the frame's order. A composite key is its parts joined by `join_key`.
    cursor: what `read(after=...)` takes to go on behind this chunk's last record; empty from `find`.
    our_keys: our key a row where known (a `find` on a target), else empty.
    """

    object: str
    frame: pd.DataFrame
    keys: list[str]
    cursor: str = ""
    our_keys: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.keys) != len(self.frame):
            raise ValueError(f"{self.object}: {len(self.keys)} keys for {len(self.frame)} rows")

    def __len__(self) -> int:
        return len(self.keys)


def join_key(parts: tuple[str, ...]) -> str:
    """One text for a key of one or several parts: `a|b`, with `|` and `\\` inside a part escaped by `\\`."""
    if len(parts) == 1:
        return parts[0]
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)


def split_key(key: str, count: int) -> tuple[str, ...]:
    """Undo `join_key` for a key of `count` parts. Raises ValueError where the text has another number of parts."""
    if count == 1:
        return (key,)
    parts, current, letters = [], [], iter(key)
    for letter in letters:
        if letter == "\\":
            current.append(next(letters, ""))
        elif letter == "|":
            parts.append("".join(current))
            current = []
        else:
            current.append(letter)
    parts.append("".join(current))
    if len(parts) != count:
        raise ValueError(f"key {key!r} has {len(parts)} parts, not {count}")
    return tuple(parts)
