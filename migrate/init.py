"""The verb `init`: a project folder that belongs in the engineer's own git."""

from __future__ import annotations

import re
import shlex
from importlib import resources
from pathlib import Path

from ..connectors.errors import InputError, UnavailableError
from ..runs.report.model import Report, Text
from .packs import lay_pack
from .packs import pack as pack_of

TEMPLATES = "template"
PARTS = ("mappings", "corrections", "schemas")
PLACES = {"gitignore": ".gitignore", "corrections.md": "corrections/README.md"}
PROJECT, READ_FIRST = "changeover.yaml", "README.md"
SOURCE, TARGET = "sqlite:///legacy.db", "sqlite:///target.db"


def init(folder: Path, source: str | None = None, target: str | None = None, pack: str | None = None) -> Report:
    """Make the folder; pack: the name of the ready one with which it begins. Raises InputError `init.exists` where
    there is a project already, `init.no_pack`, or `init.pack_has_systems` where a system is named besides."""
    if (folder / PROJECT).exists():
        raise InputError("init.exists", folder=str(folder))
    if pack is not None and (source or target):
        raise InputError("init.pack_has_systems", pack=pack, file=PROJECT)
    begun = None if pack is None else pack_of(pack)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.absolute().name).strip("-.") or "move"
    filled = {"@PROJECT@": name, "@SOURCE@": source or SOURCE, "@TARGET@": target or TARGET}
    templates = [each for each in _templates() if begun is None or each.name != PROJECT]
    try:
        for part in PARTS:
            (folder / part).mkdir(parents=True, exist_ok=True)
        made = [_write(folder, item.name, item.read_text(encoding="utf-8"), filled) for item in templates]
        if begun is not None:
            made = [*made, *lay_pack(folder, begun, name)]
    except OSError as error:
        raise UnavailableError("file.write_refused", path=str(folder), reason=error.strerror or "?") from error
    told = {"folder": str(folder), "pack": pack or "", "file": str(folder / READ_FIRST)}
    return Report(
        verb="init",
        verdict=Text("init.done" if begun is None else "init.done_pack", told),
        good=True,
        facts=tuple(("fact.file", file) for file in sorted(set(made))),
        next_steps=(f"changeover check --project {shlex.quote(str(folder))}",),
        extra={"folder": str(folder), "pack": pack},
    )


def _templates() -> list[resources.abc.Traversable]:
    return [item for item in resources.files(__package__).joinpath(TEMPLATES).iterdir() if item.is_file()]


def _write(folder: Path, name: str, text: str, filled: dict[str, str]) -> str:
    for mark, value in filled.items():
        text = text.replace(mark, value)
    place = PLACES.get(name, name)
    (folder / place).write_text(text, encoding="utf-8")
    return place
