"""Bodies of both sides, read and held against each other: what names and sizes cannot prove."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import cast

from ...connectors.errors import InputError
from ...connectors.held_file import FileError, HeldFile, HoldsFiles, files_in
from ...connectors.port import Connector
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ..fingerprint import TargetRows, arrow_column
from ..session import Session

Sums = dict[tuple[str, int], Counter[str]]
"""Name and size -> how many bodies of each checksum."""


class Bodies:
    """Those of one mapping. number: of bodies of the source that were compared."""

    def __init__(self, session: Session, mapping: CompiledMapping) -> None:
        self.number = 0
        self._session, self._mapping = session, mapping

    def differ(
        self, mapped: MappedChunk, rows: Sequence[int], target: TargetRows, spots: Sequence[int]
    ) -> Iterator[tuple[int, str]]:
        """(place in rows, field) of records that have files of the same names and sizes on both sides, and not the same
        bodies. spots: where the target's record of each row is. A body that a side cannot give is not the same."""
        for name in self._mapping.filed:
            ours = arrow_column(mapped.frame, name).to_pylist()
            for place, (row, spot) in enumerate(zip(rows, spots, strict=True)):
                here, there = files_in(ours[row]), files_in(cast("str | None", target.cell(spot, name)))
                both = {_called(each) for each in here} & {_called(each) for each in there}
                if both and not self._same(here, there, both):
                    yield place, name

    def _same(self, here: Sequence[HeldFile], there: Sequence[HeldFile], both: set[tuple[str, int]]) -> bool:
        mapping, session = self._mapping, self._session
        self.number += sum(_called(each) in both for each in here)
        source = self._sums(session.source, mapping.source.name, here, both)
        return source is not None and source == self._sums(session.target, mapping.target.name, there, both)

    def _sums(
        self, system: Connector, object_name: str, files: Sequence[HeldFile], wanted: set[tuple[str, int]]
    ) -> Sums | None:
        """None where a body does not come."""
        sums: Sums = defaultdict(Counter)
        for file in files:
            if _called(file) not in wanted:
                continue
            self._session.interruption.check()
            digest = hashlib.sha256()
            try:
                for piece in cast(HoldsFiles, system).body(object_name, file):
                    digest.update(piece)
            except FileError:
                return None
            sums[_called(file)][digest.hexdigest()] += 1
        return sums


def require_bodies(session: Session) -> None:
    """Raises InputError `file.no_bodies` where the target gives none."""
    if not session.target.capabilities.holds_files:
        raise InputError("file.no_bodies", connection=session.project.environment.target.name)


def _called(file: HeldFile) -> tuple[str, int]:
    return unicodedata.normalize("NFC", file.name), file.size
