"""What a system holds: its objects and their fields, as the system itself describes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TypeAlias

JsonObject: TypeAlias = dict[str, object]


class FieldType(StrEnum):
    """The types that cross rooms. A connector turns its system's own types into these and back.

    INSTANT is a moment on the world's clock; LOCAL_TIME is a wall clock's reading whose zone is the
    connection's declared one. KEY and REFERENCE cells are text in every room above the connectors, whatever
    the column's own type; the connector turns them back at its edge. A FILE cell is a list of files (`held_file`).
    """

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    LOCAL_TIME = "local_time"
    CHOICE = "choice"
    REFERENCE = "reference"
    BINARY = "binary"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object.

    name: API name. type: see FieldType. label: what users see, empty where there is none.
    required: a create without a value is refused (never true where the system has a default of its own).
    writable: false for formulas, generated and read-only fields. changeable: false where a value is taken when the
    record is created and never afterwards; it says nothing of a field that is not writable. unique: two records may not
    share a value.
    length: in characters, None where unlimited. precision, scale: decimal digits in all and after the point.
    minimum, maximum: the smallest and largest number that fits, as text, None where unlimited.
    choices: the only values allowed, empty where any is. references: objects a REFERENCE may point to. master: the
    record is a detail of the one that this REFERENCE points to, and may be created inside it (`Change.details`).
    empty_text: a TEXT tells an empty text from null; where it does not, an empty one is null. checksum: the kind of
    checksum that a FILE tells of each of its files (`sha256`, `md5`), empty where it tells none. parts: a TEXT is a
    set, its parts separated by this; their order, and how often one is in it, mean nothing. trimmed: a TEXT is kept
    without the blanks (those of ASCII, tabs and line ends too) around it.
    """

    name: str
    type: FieldType
    label: str = ""
    required: bool = False
    writable: bool = True
    changeable: bool = True
    unique: bool = False
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    minimum: str | None = None
    maximum: str | None = None
    choices: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    master: bool = False
    empty_text: bool = True
    checksum: str = ""
    parts: str = ""
    trimmed: bool = False


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object: its key fields (in order; several make a composite key) and all its fields, key fields included."""

    name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    label: str = ""

    def field(self, name: str) -> Field | None:
        return next((each for each in self.fields if each.name == name), None)

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.fields)


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything a system describes, by object name."""

    objects: Mapping[str, ObjectSchema] = field(default_factory=dict)

    def object(self, name: str) -> ObjectSchema | None:
        return self.objects.get(name)

    def only(self, names: Iterable[str]) -> Schema:
        """The same schema narrowed to the named objects; unknown names are left out."""
        return Schema({name: self.objects[name] for name in sorted(set(names)) if name in self.objects})

    def to_json(self) -> JsonObject:
        return {name: asdict(each) for name, each in sorted(self.objects.items())}

    def digest(self) -> str:
        """SHA-256 of the canonical JSON: equal exactly when nothing a mapping could notice has changed."""
        text = json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def schema_from_json(document: Mapping[str, Mapping[str, object]]) -> Schema:
    """Read what `Schema.to_json` wrote. Raises TypeError or ValueError where the document is not one of ours."""
    objects = {}
    for name, each in document.items():
        listed = each["fields"]
        if not isinstance(listed, list | tuple):
            raise ValueError(f"{name}: fields is not a list")
        fields = tuple(_field_from_json(item) for item in listed)
        key = each["key"]
        if not isinstance(key, list | tuple):
            raise ValueError(f"{name}: key is not a list")
        objects[name] = ObjectSchema(name=name, key=tuple(key), fields=fields, label=str(each.get("label", "")))
    return Schema(objects)


def _field_from_json(item: Mapping[str, object]) -> Field:
    plain = dict(item)
    plain["type"] = FieldType(str(plain["type"]))
    for many in ("choices", "references"):
        value = plain.get(many, ())
        if not isinstance(value, list | tuple):
            raise ValueError(f"{many} is not a list")
        plain[many] = tuple(value)
    return Field(**plain)  # type: ignore[arg-type]
