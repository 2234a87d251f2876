"""What the source's columns hold, as far as the build sheet needs it: how long texts are, how far numbered keys go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding
from ...connectors.stored import text_of

_NUMBERED = r"^(?P<before>\D*)(?P<number>[0-9]{1,18})$"


class Measures:
    """A probe of one source object. longest: field -> characters of its longest text. keys: fields of whom the highest
    number is wanted."""

    def __init__(self, object_name: str, fields: Sequence[str], keys: Sequence[str]) -> None:
        self.object = object_name
        self.fields = tuple(dict.fromkeys([*fields, *keys]))
        self.longest = dict.fromkeys(fields, 0)
        self.rows = 0
        self._filled = dict.fromkeys(self.fields, 0)
        self._keys = tuple(keys)
        self._highest: dict[str, tuple[str, int]] = {}
        self._mixed: set[str] = set()

    def see(self, chunk: Chunk) -> Iterable[Finding]:
        self.rows += len(chunk)
        for name in self.fields:
            text = text_of(chunk.frame[name])
            filled = pc.sum(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0)).as_py() or 0
            self._filled[name] += filled
            if name in self.longest:
                self.longest[name] = max(self.longest[name], pc.max(pc.utf8_length(text)).as_py() or 0)
            if name in self._keys and name not in self._mixed:
                self._count(name, text.drop_null())
        return ()

    def end(self) -> Iterable[Finding]:
        return ()

    def always_filled(self, name: str) -> bool:
        return self.rows > 0 and self._filled.get(name) == self.rows

    def next_number(self, name: str) -> str | None:
        """The number after the highest, with what stands before it and as many digits; None where the keys are not one
        text and a number."""
        if name in self._mixed or name not in self._highest:
            return None
        highest, _ = self._highest[name]
        found = re.fullmatch(_NUMBERED, highest)
        if found is None:
            return None
        digits = found["number"]
        return f"{found['before']}{int(digits) + 1:0{len(digits)}d}"

    def _count(self, name: str, text: pa.StringArray) -> None:
        parts = pc.extract_regex(text, _NUMBERED)
        if not len(text):
            return
        if parts.null_count:
            self._mixed.add(name)
            return
        before = pc.unique(parts.field("before")).to_pylist()
        known = self._highest.get(name)
        if len(before) > 1 or (known is not None and not known[0].startswith(before[0])):
            self._mixed.add(name)
            return
        numbers = parts.field("number").cast(pa.int64())
        top = pc.max(numbers).as_py()
        if known is None or top > known[1]:
            self._highest[name] = (text[pc.index(numbers, top).as_py()].as_py(), top)
