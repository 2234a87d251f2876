"""What a transform's examples are."""

from __future__ import annotations

from typing import TypeAlias

Argument: TypeAlias = str | int | bool | list[str] | dict[str, str] | None
Example: TypeAlias = tuple[dict[str, Argument], str | tuple[str | None, ...] | None, str | None]
Examples: TypeAlias = list[Example]
"""(arguments, cell, result); the cell is a tuple of cells where the transform makes one column of several."""
