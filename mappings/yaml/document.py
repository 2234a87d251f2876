"""A YAML file as plain values that still know their lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

YamlPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file.

    file: its name as shown. data: plain values: dict, list, str, int, bool, None. lines: for each place, as a path of
    keys and list positions, the line its key (or item) stands on, counted from 1.
    """

    file: str
    data: dict[str, object]
    lines: Mapping[YamlPath, int] = field(default_factory=dict)

    def line(self, path: YamlPath) -> int:
        """The line of that place or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def shown_path(path: YamlPath) -> str:
    """`fields.city.transform[0]`; `-` for the whole file."""
    told = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return told.removeprefix(".") or "-"
