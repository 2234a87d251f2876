"""Records as they would arrive: mapped and judged as a run does it, nothing sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding
from ...mappings.compile import CompiledMapping
from ...runs.ledger.claims import Claims
from ...validators.judge import Judge
from ..loading.left_out import untaken
from ..loading.outside import scoped
from ..loading.unfit_keys import UnfitKeys
from ..session import Session
from .links import Links
from .old_addresses import OldAddresses

NO_RUN = 0
MOST_VALUES = 1_000
UNKNOWN = ("value.unknown", "choices.unknown")
Place = tuple[str, str, str]
"""Mapping, target field, code."""


@dataclass(slots=True)
class UnknownValues:
    """Values that no value map and no picklist has. counts: by place, how many records have each. more: records whose
    value was not counted, for there were MOST_VALUES of that place already."""

    counts: dict[Place, Counter[str]] = field(default_factory=dict)
    more: Counter[Place] = field(default_factory=Counter)

    def note(self, finding: Finding) -> None:
        if finding.code not in UNKNOWN or finding.sample is None:
            return
        place = (finding.mapping or "", finding.field or "", finding.code)
        counted = self.counts.setdefault(place, Counter())
        if finding.sample in counted or len(counted) < MOST_VALUES:
            counted[finding.sample] += 1
        else:
            self.more[place] += 1


class Records:
    """One mapping's records. What it finds has the codes, files and lines of plan and run; unlike these it never stops
    at too many of a kind, and passes over no mapping because of another."""

    def __init__(self, session: Session, mapping: CompiledMapping, claims: Claims, links: Links) -> None:
        self.object = mapping.source.name
        self.fields = mapping.source_fields
        self._session = session
        self._mapping = mapping
        self._links = links
        self._addresses = OldAddresses(mapping)
        ordered = session.source.capabilities.ordered_reads
        self._unfit = UnfitKeys(claims, NO_RUN, mapping.name, ordered)
        self._judge = Judge(
            mapping.target_fields,
            mapping.name,
            mapping.file,
            mapping.rule_lines,
            mapping.expectations,
            claims,
            mapping.unwritten,
        )
        self._read = self._untaken = 0

    def see(self, chunk: Chunk) -> Iterator[Finding]:
        mapped = self._mapping.apply(chunk, self._session.people)
        nameless = self._unfit.find(mapped, self._read)
        self._read += mapped.read
        self._untaken += mapped.untaken
        mapped = mapped.without(nameless.keys()) if nameless else mapped
        scope = scoped(self._session, self._mapping, mapped, asks=False)
        yield from nameless.values()
        yield from scope.mapped.findings
        yield from self._judge.judge(scope.mapped)
        yield from scope.findings
        yield from self._links.see(self._mapping, scope.mapped)
        self._addresses.see(scope.mapped)

    def end(self) -> Iterable[Finding]:
        self._unfit.forget()
        return [*untaken(self._mapping, self._untaken), *self._links.end(self._mapping), *self._addresses.end()]
