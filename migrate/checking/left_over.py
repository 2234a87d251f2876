"""Source fields that no mapping speaks of, and whether they hold data: seen in the pass over the records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding, Severity
from ...connectors.stored import plain_text
from ..fingerprint import arrow_column


class LeftOver:
    """Looks at the fields of one object. findings: one for each, as compiling the mappings has noticed it."""

    def __init__(self, object_name: str, findings: Sequence[Finding]) -> None:
        self.object = object_name
        self.fields = tuple(each.field or "" for each in findings)
        self._findings = findings
        self._filled = dict.fromkeys(self.fields, 0)
        self._read = 0

    def see(self, chunk: Chunk) -> Iterable[Finding]:
        self._read += len(chunk)
        for name in self._filled:
            self._filled[name] += _there(arrow_column(chunk.frame, name))
        return ()

    def end(self) -> Iterable[Finding]:
        """Nothing that would keep a record back: see `found`."""
        return ()

    def found(self) -> list[Finding]:
        """BLOCKS for a field that is neither null nor empty in some record, INFO for one that is in all."""
        return [self._found(each, self._filled[each.field or ""]) for each in self._findings]

    def _found(self, finding: Finding, filled: int) -> Finding:
        if not filled:
            return replace(finding, code="mapping.empty_left_over", severity=Severity.INFO)
        told = {**finding.params, "filled": filled, "records": self._read}
        return replace(finding, code="mapping.data_left_over", severity=Severity.BLOCKS, params=told)


def _there(column: pa.Array) -> int:
    text = plain_text(column)
    return int(pc.sum(pc.and_(text.is_valid(), pc.fill_null(pc.not_equal(text, ""), False))).as_py() or 0)
