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
from ...mappings.compile import OWN_NAMES, load_mapping_files
from ...mappings.language import MappingFile
from ...mappings.yaml.document import YamlPath
from ...mappings.yaml.plain_yaml import flow
from ...mappings.yaml.strict_yaml import parse_yaml, read_yaml
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


@dataclass(frozen=True, slots=True)
class Written:
    """A mapping and what its file really says. data: as it was written, with nothing put in place of a table's name."""

    file: MappingFile
    data: Mapping[str, object]
    path: Path

    def place(self, section: str, field: str) -> YamlPath:
        """Where that stands in the file, or would: of a branch, in the branch itself, where it does not stand outside
        already. What is dropped stands outside of branches."""
        outside, own = (section, field), ("branches", self.file.branch, section, field)
        if not self.file.branch or section == DROP:
            return outside
        return outside if self._at(own) is None and self._at(outside) is not None else own

    def value(self, section: str, field: str) -> object | None:
        """What the file says there; None where it says nothing."""
        return self._at(self.place(section, field))

    def _at(self, place: YamlPath) -> object | None:
        return value_at(self.data, place)


def written_files(folder: Path) -> dict[str, Written]:
    """Every mapping of the folder `mappings`, by name. Raises InputError as `load_mapping_files`."""
    found: dict[str, Written] = {}
    data: dict[Path, Mapping[str, object]] = {}
    for file in load_mapping_files(folder):
        path = folder / Path(file.file).name
        if path not in data:
            data[path] = read_yaml(path, file.file, own_names=OWN_NAMES).data
        found[file.name] = Written(file, data[path], path)
    return found


def value_at(data: Mapping[str, object], place: YamlPath) -> object | None:
    found: object = data
    for step in place:
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


def cell_of(section: str, value: object | None) -> str:
    """The rule, or the reason, as it stands in the workbook's cell."""
    if value is None:
        return ""
    if section == DROP:
        return str(value.get("reason", "")) if isinstance(value, Mapping) else str(value)
    return flow(value)


def value_of(section: str, cell: str, before: object | None, shown: str) -> object:
    """What somebody means who has written that into the cell. before: what the file says. shown: how errors name the
    cell. Raises InputError `yaml.invalid`."""
    if section == DROP:
        return {**before, "reason": cell} if isinstance(before, Mapping) else cell
    body = "\n".join(f"  {line}" for line in cell.split("\n"))
    text = f"rule:\n{body}\n" if "\n" in cell else f"rule: {cell}\n"
    data = parse_yaml(text, shown, own_names=frozenset(("rule",))).data
    if set(data) != {"rule"}:
        raise InputError("workbook.no_rule", cell=shown)
    return data["rule"]
