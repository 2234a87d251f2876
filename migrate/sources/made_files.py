"""Files that a fold makes of children: what is told of each, and its body when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from ...connectors.chunk import Chunk
from ...connectors.held_file import PIECE, FileError, HeldFile, cell_of
from ...connectors.stored import as_stored
from ...mappings.folding.compiled import CompiledFold, Folded
from ...mappings.folding.filed import body_of, id_of, names_of, parted, sum_of

ROOM = 32 << 20
"""Bytes of bodies that are kept: whoever is told of files soon asks for them, in the same order."""

Pieces = Callable[[CompiledFold, Sequence[str]], Iterator[Folded]]
"""What the children of parents come to, as many parents at a time as can be asked for at once."""


@dataclass
class MadeFiles:
    """Those of one fold. In memory are the texts of parents that are asked for together, and some of the bodies."""

    fold: CompiledFold
    pieces: Pieces
    _bodies: dict[str, bytes] = field(default_factory=dict)
    _parents: Sequence[str] = ()
    _places: dict[str, int] = field(default_factory=dict)

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
        body = self._bodies.get(file.checksum)
        body = self._again(parted(file.id)[1]) if body is None else body
        return (body[start : start + PIECE] for start in range(0, len(body), PIECE))

    def _told(self, parents: Sequence[str]) -> tuple[list[tuple[int, str] | None], Folded]:
        """(size, checksum) a parent, None where there is no line."""
        self._parents, self._places = parents, {key: place for place, key in enumerate(parents)}
        self._bodies.clear()
        made: list[tuple[int, str] | None] = []
        parts = [_NOBODY]
        for folded in self.pieces(self.fold, parents):
            made += [None if body is None else (len(body), checksum) for body, checksum in self._made(folded)]
            parts.append(replace(folded, text=_NOBODY.text))
        children, lines, kept = (
            np.concatenate([getattr(each, name) for each in parts]) for name in ("children", "lines", "kept")
        )
        return made, Folded(_NOBODY.text, children, lines, kept, sum(each.untold for each in parts))

    def _again(self, key: str) -> bytes:
        """Anew, and with it those behind it in its chunk, which are likely to be next."""
        place = self._places.get(key)
        parents = [key] if place is None else self._parents[place:]
        self._bodies.clear()
        body, *_ = next(iter(self._made(next(self.pieces(self.fold, parents)))))
        if body is None:
            raise FileError("file.gone")
        return body

    def _made(self, folded: Folded) -> list[tuple[bytes | None, str]]:
        """(body, checksum) a parent; as many as there is room for are kept."""
        room = ROOM - sum(map(len, self._bodies.values()))
        made: list[tuple[bytes | None, str]] = []
        for text in folded.text.to_pylist():
            body = None if text is None else body_of(text)
            checksum = "" if body is None else sum_of(body)
            made.append((body, checksum))
            if body is not None and len(body) <= room:
                room -= len(body)
                self._bodies[checksum] = body
        return made


_NO_NUMBER = np.zeros(0, np.int64)
_NOBODY = Folded(pa.array([], pa.string()), _NO_NUMBER, _NO_NUMBER, _NO_NUMBER, 0)
