"""One file's way: out of the source, through the store, into the target."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import cast

from ...connectors.errors import UnavailableError
from ...connectors.held_file import FileError, HeldFile, HoldsFiles, TakesFiles, Uploaded
from ...mappings.compile import CompiledMapping
from ...runs.bodies import BodyLostError, BodyStore, Measured
from ..session import Session
from .known import note_uploaded, uploaded

TRIES = 3
"""Of a body that breaks off on its way from the source."""
MARGIN = dt.timedelta(hours=1)
"""What the target forgets sooner than this is given to it again."""
DIFFERS = "file.differs"
"""Code: the body is not of the size or checksum that the source tells."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file in a field of a target record, by our key: another record has it anew, because a target may let only one
    use what was uploaded."""

    object: str
    our_key: str
    field: str
    file: HeldFile

    def name(self, store: BodyStore) -> str:
        """In the store."""
        file = self.file
        return store.name_of(self.object, self.our_key, self.field, file.id, file.name, str(file.size), file.checksum)


class Way:
    """That of the files of one mapping."""

    def __init__(self, session: Session, mapping: CompiledMapping) -> None:
        self._session, self._source_object, self._store = session, mapping.source.name, session.bodies

    def given(self, place: Place) -> Uploaded:
        """In the target, and good for a while. Raises FileError."""
        stored = place.name(self._store)
        known = uploaded(self._store, stored)
        if known is not None and (known.good_until is None or known.good_until > self._session.clock.now() + MARGIN):
            return known
        self.fetch(place)
        try:
            told = self._upload(place, stored)
        except BodyLostError:  # torn, or sealed with another key
            self._store.drop(stored)
            self.fetch(place)
            told = self._upload(place, stored)
        note_uploaded(self._store, stored, told)
        return told

    def fetch(self, place: Place) -> None:
        """Into the store, where it is not there yet. A body that is not what the source says is asked for twice. Raises
        FileError."""
        stored, file = place.name(self._store), place.file
        if self._store.has(stored):
            return
        for _ in range(2):
            came = self._come(stored, file)
            if came.agrees(file.size, file.checksum):
                return
            self._store.drop(stored)
        raise FileError(DIFFERS)

    def _come(self, stored: str, file: HeldFile) -> Measured:
        """A line that breaks in the middle is tried again. Raises FileError or UnavailableError."""
        source = cast(HoldsFiles, self._session.source)
        for attempt in range(TRIES - 1):
            try:
                return self._store.put(stored, source.body(self._source_object, file))
            except UnavailableError:
                self._session.wait(2.0**attempt)
        return self._store.put(stored, source.body(self._source_object, file))

    def over(self, place: Place) -> None:
        """Its record is settled."""
        self._store.drop(place.name(self._store))

    def _upload(self, place: Place, stored: str) -> Uploaded:
        target = cast(TakesFiles, self._session.target)
        return target.upload(place.object, place.field, place.file, lambda: self._store.pieces(stored))
