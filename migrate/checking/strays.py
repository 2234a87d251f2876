"""Children that are to be folded and have no parent: counted by `check`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding, Severity
from ...connectors.port import KEY
from ...connectors.stored import as_stored
from ...mappings.compile import CompiledMapping
from ...mappings.folding.compiled import CompiledFold
from ..session import Session


class Strays:
    """Looks at the children of one fold."""

    def __init__(self, session: Session, mapping: CompiledMapping, fold: CompiledFold) -> None:
        self.object = fold.child.name
        self.by = tuple(each.name for each in fold.by)
        asked = fold.conditions.sources if fold.conditions is not None else ()
        self.fields = tuple(dict.fromkeys([*self.by, *asked]))
        self._session, self._mapping, self._fold = session, mapping, fold
        self._counts = {"fold.no_key": 0, "fold.no_parent": 0}

    def see(self, chunk: Chunk) -> Iterable[Finding]:
        """What the fold leaves out itself is not looked for: it may be another parent's."""
        counted = Counter(self._fold.keys(chunk).filter(self._taken(chunk)).to_pylist())
        self._counts["fold.no_key"] += counted.pop(None, 0)
        missing = {str(key) for key in counted}
        for parents in self._parents(sorted(missing)):
            missing.difference_update(parents.keys)
        self._counts["fold.no_parent"] += sum(counted[key] for key in missing)
        return ()

    def end(self) -> Iterable[Finding]:
        """How many have no parent's key, and how many one that no parent has."""
        for code, number in self._counts.items():
            if number:
                told: dict[str, str | int] = {"count": number, "name": self._fold.field, "by": ", ".join(self.by)}
                told["parent"] = self._mapping.source.name
                yield Finding(
                    code,
                    Severity.WARNS,
                    told,
                    object=self.object,
                    mapping=self._mapping.mapping_file.model.mapping,
                    file=self._fold.file,
                    line=self._fold.line,
                )

    def _taken(self, chunk: Chunk) -> pa.BooleanArray:
        if self._fold.conditions is None:
            return pa.array(np.ones(len(chunk), dtype=bool))
        columns = {name: as_stored(chunk.frame[name]) for name in self._fold.conditions.sources}
        return pc.fill_null(self._fold.conditions.met(columns, len(chunk)), False)

    def _parents(self, keys: list[str]) -> Iterator[Chunk]:
        source = self._session.source
        size = source.capabilities.find_size
        for start in range(0, len(keys), size):
            wanted = [(key,) for key in keys[start : start + size]]
            yield source.find(self._mapping.source.name, (KEY,), wanted, ())


def strays(session: Session, mappings: Mapping[str, CompiledMapping]) -> list[Strays]:
    """One for each fold, however many mappings or branches have it."""
    seen: dict[tuple[str, str], Strays] = {}
    for mapping in mappings.values():
        for fold in mapping.folds:
            seen.setdefault((mapping.source.name, fold.field), Strays(session, mapping, fold))
    return list(seen.values())
