"""Fields that the target takes at creation only, and in which it holds something else than the source says now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..connectors.finding import Finding, Severity
from ..mappings.compile import CompiledMapping
from ..mappings.mapped import MappedChunk
from .causes import SHOWN_KEYS
from .fingerprint import Marks
from .loading.tally import chosen


@dataclass
class TakenOnce:
    """numbers: target field -> records of which no run will change it. first: the source keys of the first few."""

    numbers: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[str]] = field(default_factory=dict)

    def see(self, mapping: CompiledMapping, kept: Marks, mapped: MappedChunk, rows: Sequence[int]) -> None:
        """kept: where a field is left alone, fields of the mapping beside these rows of the chunk."""
        for column, each in enumerate(mapping.target_fields):
            if each.changeable or not (places := chosen(kept[:, column])):
                continue
            first = self.first.setdefault(each.name, [])
            first += [mapped.source_keys[rows[place]] for place in places[: SHOWN_KEYS - len(first)]]
            self.numbers[each.name] += len(places)

    def findings(self, mapping: CompiledMapping) -> Iterator[Finding]:
        for name, number in self.numbers.items():
            yield from (_finding(mapping, name, key) for key in self.first[name])
            if more := number - len(self.first[name]):
                yield _finding(mapping, name, None, count=more)


def _finding(mapping: CompiledMapping, name: str, key: str | None, **params: int) -> Finding:
    file, line = mapping.rule_lines[name]
    return Finding(
        "reconcile.taken_once",
        Severity.WARNS,
        params,
        object=mapping.source.name,
        key=key,
        mapping=mapping.name,
        field=name,
        file=file,
        line=line,
    )
