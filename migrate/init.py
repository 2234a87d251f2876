"""The verb `init`: a project folder that belongs in the engineer's own git."""

from __future__ import annotations

import re
import shlex
from importlib import resources
from pathlib import Path

from ..connectors.errors import InputError, UnavailableError
from ..runs.report.model import Report, Text

TEMPLATES = "template"
PARTS = ("mappings", "corrections", "schemas")
PLACES = {"gitignore": ".gitignore", "corrections.md": "corrections/README.md"}


def init(folder: Path, source: str, target: str) -> Report:
    """Make the folder. Raises InputError `init.exists` where there is a project already."""
    if (folder / "changeover.yaml").exists():
        raise InputError("init.exists", folder=str(folder))
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.absolute().name).strip("-.") or "move"
    filled = {"@PROJECT@": name, "@SOURCE@": source, "@TARGET@": target}
    try:
        for part in PARTS:
            (folder / part).mkdir(parents=True, exist_ok=True)
        made = [_write(folder, item.name, item.read_text(encoding="utf-8"), filled) for item in _templates()]
    except OSError as error:
        raise UnavailableError("file.write_refused", path=str(folder), reason=error.strerror or "?") from error
    return Report(
        verb="init",
        verdict=Text("init.done", {"folder": str(folder)}),
        good=True,
        facts=tuple(("fact.file", file) for file in sorted(made)),
        next_steps=(f"changeover check --project {shlex.quote(str(folder))}",),
        extra={"folder": str(folder)},
    )


def _templates() -> list[resources.abc.Traversable]:
    return [item for item in resources.files(__package__).joinpath(TEMPLATES).iterdir() if item.is_file()]


def _write(folder: Path, name: str, text: str, filled: dict[str, str]) -> str:
    for mark, value in filled.items():
        text = text.replace(mark, value)
    place = PLACES.get(name, name)
    (folder / place).write_text(text, encoding="utf-8")
    return place
