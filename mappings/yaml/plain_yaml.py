"""Plain values as YAML on one line, so that the strict reader reads back what was written."""

from __future__ import annotations

import json
import re
from typing import Final

_PLAIN: Final = re.compile(r"[^\W\d][\w./-]*(?: [\w./-]+)*")
_TAKEN_OTHERWISE: Final = frozenset(("yes", "no", "on", "off", "y", "n", "true", "false", "null"))


def flow(value: object) -> str:
    """`{from: cname, transform: [trim]}`. value: as the strict reader gives it: dict, list, str, int, bool or None."""
    match value:
        case dict():
            return "{" + ", ".join(f"{scalar(str(key))}: {flow(each)}" for key, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
        case str():
            return scalar(value)
        case None | bool() | int():
            return json.dumps(value)
        case _:
            raise TypeError(f"no plain value: {type(value).__name__}")


def scalar(text: str) -> str:
    """A text as it may stand in YAML, in quotes where it needs them."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _TAKEN_OTHERWISE and text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in json.dumps(text, ensure_ascii=False))


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
