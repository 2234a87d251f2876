"""A move from the real source to nowhere: what a set of mappings would make, with nothing known and nothing there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ...connectors.cell import Cell
from ...connectors.chunk import Chunk
from ...runs.ledger.store import Ledger
from ...runs.stage import Stage
from ...runs.values import ValueStore
from ..loading.rehearsal import Rehearsal
from ..sending.caller import Inline
from ..session import Session


class Nowhere(Rehearsal):
    """A target of the same make in which there is nothing."""

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        yield from ()

    def count(self, object_name: str) -> int:
        return 0

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        kind = pd.ArrowDtype(pa.string())
        return Chunk(object_name, pd.DataFrame({name: pd.Series([], dtype=kind) for name in fields}), [])

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        yield from ()


@contextmanager
def apart(session: Session) -> Iterator[Session]:
    """The same session with a ledger that knows nothing and a target that has nothing. Both are gone afterwards."""
    session.project.runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=session.project.runs) as name:
        folder = Path(name)
        ledger = Ledger(folder / "ledger.db", durable=False)
        values = ValueStore(folder / "values.db", session.keys.data)
        try:
            yield replace(
                session,
                target=Nowhere(session.target),
                ledger=ledger,
                values=values,
                stage=Stage(folder / "stage", session.keys.data),
                caller=Inline(),
                rehearsal=True,
            )
        finally:
            ledger.close()
            values.close()
