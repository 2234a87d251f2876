"""What is told of records that wait to be filled by a second operation, and what is looked at once more before it."""

from __future__ import annotations

from collections.abc import Sequence

from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...validators.judge import Judge
from .rewriting import TO_COME, Rewritten


def judged_again(mapping: CompiledMapping, judge: Judge, texts: Rewritten) -> list[Finding]:
    """What is to be said of texts that have become others since their records were judged."""
    return [each for each in judge.judge(texts.mapped) if each.field in mapping.linked] if mapping.linked else []


def still_pending(mapping: CompiledMapping, texts: Rewritten, buckets: Sequence[str]) -> list[Finding]:
    """One finding a record that waits still. buckets: what became of the rows."""
    waits = {each.link.row: each.field for each in reversed(texts.seen) if each.what == TO_COME}
    return [_pending(mapping, texts, row, waits.get(row)) for row, each in enumerate(buckets) if each == "pending"]


def _pending(mapping: CompiledMapping, texts: Rewritten, row: int, text: str | None) -> Finding:
    """text: the field that names a record by its old address; None where it is a reference that waits."""
    file, line = (mapping.file, None) if text is None else mapping.rule_lines[text]
    return Finding(
        "reference.pending" if text is None else "linking.pending",
        Severity.WARNS,
        {},
        object=mapping.source.name,
        key=texts.mapped.source_keys[row],
        mapping=mapping.name,
        field=text,
        file=file,
        line=line,
    )
