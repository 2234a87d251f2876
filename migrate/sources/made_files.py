"""Files that a fold makes of children: what is told of each, and its body when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from ...connectors.chunk import Chunk
from ...connectors.held_file import PIECE, FileError, HeldFile, cell_of
from ...connectors.stored import as_stored
from ...mappings.folding.compiled import CompiledFold, Folded
from ...mappings.folding.filed import body_of, id_of, names_of, parted, sum_of

ROOM = 16 << 20
"""Bytes of bodies that are kept of what was told at once: whoever is told of files soon asks for them, in order."""
TOLD = 2
"""So many tellings are remembered: between a chunk and its bodies other records may be asked for."""

Pieces = Callable[[CompiledFold, Sequence[str]], Iterator[Folded]]
"""What the children of parents come to, as many parents at a time as can be asked for at once."""


@dataclass
class _Telling:
    """parents: told of at once. bodies: by checksum, as many as there is room for. held: their bytes."""

    parents: Sequence[str]
    bodies: dict[str, bytes] = field(default_factory=dict)
    held: int = 0

    @cached_property
    def places(self) -> dict[str, int]:
        return {key: place for place, key in enumerate(self.parents)}

    def keep(self, body: bytes, checksum: str) -> None:
        if self.held + len(body) <= ROOM:
            self.bodies[checksum] = body
            self.held += len(body)

    def clear(self) -> None:
        self.bodies.clear()
        self.held = 0


@dataclass
class MadeFiles:
    """Those of one fold. In memory are the texts of parents that are asked for together, and some of the bodies."""

    fold: CompiledFold
    pieces: Pieces
    _tellings: list[_Telling] = field(default_factory=list)

    def cells(self, chunk: Chunk, parents: Sequence[str], places: pa.Array) -> tuple[pa.StringArray, Folded]:
        """The cell of each record, a list of one file or null, and how many children each of the parents has. chunk:
        with the fields that the file is called after. parents: keys, each once. places: of each record among them."""
        made, folded = self._told(parents)
        columns = {name: as_stored(chunk.frame[name]) for name in self.fold.named_by}
        names = names_of(self.fold.spec.file, columns, chunk.keys)
        cells = [
            None if (told := made[place]) is None else cell_of([HeldFile(id_of(self.fold.field, key), name, *told)])
            for key, name, place in zip(chunk.keys, names, places.to_pylist(), strict=True)
        ]
        return pa.array(cells, pa.string()), folded

    def body(self, file: HeldFile) -> Iterator[bytes]:
        """Raises FileError where there is no line any more of which it could be made."""
        kept = (each.bodies[file.checksum] for each in self._tellings if file.checksum in each.bodies)
        body = next(kept, None) or self._again(parted(file.id)[1])
        return (body[start : start + PIECE] for start in range(0, len(body), PIECE))

    def _told(self, parents: Sequence[str]) -> tuple[list[tuple[int, str] | None], Folded]:
        """(size, checksum) a parent, None where there is no line."""
        telling = _Telling(parents)
        self._tellings = [telling, *self._tellings[: TOLD - 1]]
        made: list[tuple[int, str] | None] = []
        parts = [_NOBODY]
        for folded in self.pieces(self.fold, parents):
            made += [None if body is None else (len(body), checksum) for body, checksum in _made(folded, telling)]
            parts.append(replace(folded, text=_NOBODY.text))
        children, lines, kept = (
            np.concatenate([getattr(each, name) for each in parts]) for name in ("children", "lines", "kept")
        )
        return made, Folded(_NOBODY.text, children, lines, kept, sum(each.untold for each in parts))

    def _again(self, key: str) -> bytes:
        """Anew, and with it those behind it in its telling, which are likely to be next."""
        telling = next((each for each in self._tellings if key in each.places), _Telling([key]))
        telling.clear()
        made = _made(next(self.pieces(self.fold, telling.parents[telling.places[key] :])), telling)
        body, _ = next(made)
        for _ in made:
            pass
        if body is None:
            raise FileError("file.gone")
        return body


def _made(folded: Folded, telling: _Telling) -> Iterator[tuple[bytes | None, str]]:
    """(body, checksum) a parent; as many as there is room for are kept."""
    for cell in folded.text:
        text = cell.as_py()
        body = None if text is None else body_of(text)
        checksum = "" if body is None else sum_of(body)
        if body is not None:
            telling.keep(body, checksum)
        yield body, checksum


_NO_NUMBER = np.zeros(0, np.int64)
_NOBODY = Folded(pa.array([], pa.string()), _NO_NUMBER, _NO_NUMBER, _NO_NUMBER, 0)
