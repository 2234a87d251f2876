"""Our key in the org: a text field that the administrator makes, and how our key is written into it.

The org cuts the space around a text. A key that begins or ends with space would then be another one's, so it is kept
with a bar before or behind it; and so is one that begins or ends with a bar, so that none is taken for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

BAR = "|"


@dataclass(frozen=True, slots=True)
class KeyField:
    """unique: no two records have the same value, exact: by which `a` and `A` are two. external: it is an external id.
    written: our user may write it."""

    name: str
    unique: bool
    exact: bool
    external: bool
    written: bool

    @property
    def fit(self) -> bool:
        return self.unique and self.exact and self.external and self.written

    def of(self, row: Mapping[str, Any]) -> str | None:
        """Our key of a record, None where it is not ours."""
        held = row.get(self.name)
        return told(str(held)) if held else None


def key_field_of(fields: Iterable[Mapping[str, Any]], name: str) -> KeyField | None:
    """fields: of a describe."""
    found = next((each for each in fields if each.get("name") == name), None)
    if found is None or found.get("type") != "string" or found.get("calculated") or found.get("autoNumber"):
        return None
    written = bool(found.get("createable") and found.get("updateable"))
    unique, exact, external = (bool(found.get(each)) for each in ("unique", "caseSensitive", "externalId"))
    return KeyField(name, unique, exact, external, written)


def kept(our_key: str) -> str:
    before = BAR if our_key[:1] == BAR or our_key[:1].isspace() else ""
    behind = BAR if our_key[-1:] == BAR or our_key[-1:].isspace() else ""
    return before + our_key + behind


def told(held: str) -> str:
    """Undo `kept`."""
    return held.removeprefix(BAR).removesuffix(BAR)
