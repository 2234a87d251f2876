"""Ready packs: whole projects between two systems, as somebody would begin with them. They are found by looking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from .. import mappings
from ..connectors.errors import InputError
from .project import FILE

PROJECT_LINE = re.compile(r"^project: .*$", re.MULTILINE)
PLACES = {"gitignore": ".gitignore"}


def packs() -> dict[str, Traversable]:
    """Name -> folder of each."""
    found = (each for each in resources.files(mappings).iterdir() if each.is_dir() and (each / FILE).is_file())
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def pack(name: str) -> Traversable:
    """Raises InputError `init.no_pack`."""
    known = packs()
    if name not in known:
        raise InputError("init.no_pack", name=name, known=", ".join(known))
    return known[name]


def lay_pack(folder: Path, of: Traversable, project: str) -> list[str]:
    """Copy it into the folder, as a project of that name. Returns its files, relative to the folder. Raises OSError."""
    made = []
    for item, place in _files(of):
        text = item.read_text(encoding="utf-8")
        if place == FILE:
            text = PROJECT_LINE.sub(f"project: {project}", text, count=1)
        place = PLACES.get(place, place)
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        made.append(place)
    return made


def _files(of: Traversable, above: str = "") -> Iterator[tuple[Traversable, str]]:
    for each in sorted(of.iterdir(), key=lambda each: each.name):
        if each.is_dir():
            yield from _files(each, f"{above}{each.name}/")
        else:
            yield each, f"{above}{each.name}"
