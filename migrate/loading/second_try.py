"""Records that were rejected because another one has their unique value: tried once more at the end of their mapping,
where that one has given it up in the same run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...runs.ledger import records, runlog
from ..session import Session
from .parked import find_pieces
from .tally import READ, Tally

CODE = "unique.duplicate"


@dataclass
class SecondTry:
    """Of one mapping in one run. A process that ends forgets them; then the next run tries them.

    refused: source key -> what was said of it. tried: (source key, holder of its value)."""

    session: Session
    mapping: CompiledMapping
    run: int
    refused: dict[str, list[Finding]] = field(default_factory=lambda: defaultdict(list))
    tried: set[tuple[str, str]] = field(default_factory=set)

    def note(self, findings: Sequence[Finding]) -> None:
        for each in findings:
            if each.code == CODE and each.severity is Severity.BLOCKS and each.key is not None:
                self.refused[each.key].append(each)

    def due(self) -> list[str]:
        """Source keys of those whose value's holder this run has updated since."""
        pairs = {(key, str(each.params["holder"])) for key, said in self.refused.items() for each in said} - self.tried
        holders = sorted({holder for _, holder in pairs})
        known = records.lookup(self.session.ledger, self.mapping.target.name, holders) if holders else {}
        freed = {key for key, row in known.items() if row.run == self.run and row.bucket in ("updated", "pending")}
        due = {pair for pair in pairs if pair[1] in freed}
        self.tried |= due
        return sorted({key for key, _ in due})

    def again(self, keys: Sequence[str], tally: Tally, cursor: str | None) -> Iterator[Chunk]:
        """These, read anew; they count as not read before. What was said of those that are no longer rejected is taken
        back. cursor: how far the mapping is read, which stays so."""
        for _, chunk in find_pieces(self.session.source, self.mapping, keys, self.mapping.source_fields):
            said = [each for key in chunk.keys for each in self.refused.pop(key)]
            tally.add("rejected", -len(chunk))
            tally.add(READ, -len(chunk))
            yield replace(chunk, cursor=cursor or "")
            with self.session.ledger.transaction():
                over = [each for each in said if each.key not in self.refused]
                runlog.take_out(self.session.ledger, self.run, over)
