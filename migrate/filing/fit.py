"""Which files of a mapped chunk go: not those that are larger than the target takes, nor those known to be lost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd
import pyarrow as pa

from ...connectors.finding import Finding, Severity
from ...connectors.held_file import HeldFile, cell_of, files_in
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ..fingerprint import arrow_column
from ..noted import finding_of
from ..session import Session
from .known import lost
from .way import Place

TOO_LARGE = "file.too_large"


@dataclass
class Fitted:
    """files: field -> row -> those that go. left: of each file that stays behind, its row, and why."""

    files: dict[str, dict[int, tuple[HeldFile, ...]]] = field(default_factory=dict)
    left: list[tuple[int, Finding]] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        return [each for _, each in self.left]

    def leave(
        self, mapping: CompiledMapping, row: int, key: str, name: str, file: HeldFile, code: str, most: int = 0
    ) -> None:
        """This file stays behind and, where the rule says so, its record. key: the source's. most: bytes that the
        target takes."""
        rejects = mapping.filed[name] == "reject"
        params: dict[str, str | int] = {"field": name, "then": "@file.with_record" if rejects else "@file.alone"}
        params |= {"size": file.size, "most": most} if code == TOO_LARGE else {}
        told = finding_of(mapping, code, Severity.BLOCKS if rejects else Severity.WARNS, key, name, params)
        self.left.append((row, replace(told, sample=file.name)))


def fitted(session: Session, mapping: CompiledMapping, mapped: MappedChunk) -> tuple[MappedChunk, Fitted]:
    """The chunk with the files that go: the same in a plan, a run and a comparison, for what is lost is remembered."""
    result = Fitted()
    if not mapping.filed or not len(mapped):
        return mapped, result
    store, most = session.bodies, session.target.capabilities.largest_file
    known = store.notes()
    frame = mapped.frame.copy(deep=False)
    for name in mapping.filed:
        there = result.files[name] = {}
        cells = arrow_column(mapped.frame, name).to_pylist()
        for row, cell in enumerate(cells):
            files, going = files_in(cell), []
            for file in files:
                code: str | None = TOO_LARGE if most is not None and file.size > most else None
                if code is None and known:
                    stored = Place(mapping.target.name, mapped.our_keys[row], name, file).name(store)
                    code = lost(store, stored) if stored in known else None
                if code is None:
                    going.append(file)
                else:
                    result.leave(mapping, row, mapped.source_keys[row], name, file, code, most or 0)
            if len(going) < len(files):
                cells[row] = cell_of(going)
            if going:
                there[row] = tuple(going)
        frame[name] = pd.Series(pd.arrays.ArrowExtensionArray(pa.array(cells, pa.string())), copy=False)
    return replace(mapped, frame=frame), result
