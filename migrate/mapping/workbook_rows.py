"""What both directions of the workbook know: its columns, which of them people fill in, and the mark of each line by
which it is known again wherever somebody has sorted it to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...connectors.errors import InputError
from ...mappings.document import YamlPath
from ...mappings.language import MappingFile
from ...mappings.plain_yaml import flow
from ...mappings.strict_yaml import parse_yaml
from .decisions import SAID

FIELDS, DROP = "fields", "drop"
MARK: Final = "changeover"
"""The head of the hidden column."""
RULE: Final = "workbook.rule"
REASON: Final = "column.reason"
EDITED: Final[Mapping[str, str]] = {name: f"workbook.{name}" for name in SAID}
"""What people say -> its column."""
OF_RULES: Final = (
    "workbook.source_label",
    "column.source_field",
    "profile.type",
    "profile.filled",
    "workbook.samples",
    "workbook.target_field",
    "workbook.target_label",
    "workbook.target_type",
    "workbook.in_words",
    RULE,
    *EDITED.values(),
)
OF_LEFT: Final = (
    "column.mapping",
    "workbook.source_label",
    "column.source_field",
    "profile.type",
    "profile.filled",
    "workbook.samples",
    REASON,
    *EDITED.values(),
)
OF_QUESTIONS: Final = ("column.mapping", "workbook.section", "column.field", *EDITED.values())


@dataclass(frozen=True, slots=True)
class Mark:
    """mapping, section (`fields` or `drop`), field: what the line is about. was: column -> digest of the cell as it was
    exported."""

    mapping: str
    section: str
    field: str
    was: Mapping[str, str]

    def text(self) -> str:
        return json.dumps([self.mapping, self.section, self.field, dict(self.was)], ensure_ascii=True)


def mark_of(mapping: str, section: str, field: str, cells: Mapping[str, str]) -> Mark:
    return Mark(mapping, section, field, {column: digest(cell) for column, cell in cells.items()})


def read_mark(text: str) -> Mark | None:
    """None where it is none of ours."""
    try:
        mapping, section, field, was = json.loads(text)
        return Mark(str(mapping), str(section), str(field), {str(name): str(each) for name, each in was.items()})
    except (ValueError, TypeError, AttributeError):
        return None


def digest(cell: str) -> str:
    return hashlib.sha256(cell.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def place_in(file: MappingFile, section: str, field: str) -> YamlPath:
    """Where that stands in the file, or would: in the file's own branch, where it has one."""
    branch = str(getattr(file, "branch", ""))
    own: YamlPath = ("branches", branch, section, field)
    return own if branch and (section, field) not in file.document.lines else (section, field)


def value_at(file: MappingFile, section: str, field: str) -> object | None:
    """What the file says there; None where it says nothing."""
    found: object = file.document.data
    for step in place_in(file, section, field):
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    return found


def cell_of(section: str, value: object | None) -> str:
    """The rule, or the reason, as it stands in the workbook's cell."""
    if value is None:
        return ""
    return str(value) if section == DROP and isinstance(value, str) else flow(value)


def value_of(section: str, cell: str, shown: str) -> object:
    """What somebody has written into that cell. shown: how errors name it. Raises InputError `yaml.invalid`."""
    if section == DROP:
        return cell
    body = "\n".join(f"  {line}" for line in cell.split("\n"))
    text = f"rule:\n{body}\n" if "\n" in cell else f"rule: {cell}\n"
    data = parse_yaml(text, shown, own_names=frozenset(("rule",))).data
    if set(data) != {"rule"}:
        raise InputError("workbook.no_rule", cell=shown)
    return data["rule"]


def path_of(folder: Path, file: MappingFile) -> Path:
    return folder / "mappings" / Path(file.file).name
