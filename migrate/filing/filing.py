"""Bodies of files on their way: fetched from the source, kept sealed, given to the target just before their records.

What is in the store is not fetched again, and what the target still has is not given to it again, whichever process
left it there. A dry run only counts.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pyarrow as pa

from ...connectors.cell import Cell, canonical_text
from ...connectors.held_file import FileError, HeldFile, cell_of, files_in
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ...runs.digest import field_digests
from ...runs.ledger.records import Parked
from ...runs.values import REJECT
from ..fingerprint import arrow_column
from ..loading.adopt import Matches
from ..loading.classify import Sorted
from ..loading.loaded import Loaded
from ..sending.answer import Planned
from ..session import Session
from .fit import Fitted, fitted
from .known import REFUSED, lost, note_lost
from .way import MARGIN, Place, Way

SHARE_BYTES = 256 << 20
"""Of the bodies that lie in the store at a time."""
SHARE_ROWS = 1_000
DONE = ("created", "updated", "pending")
MOVED, BYTES = "moved", "bytes"
"""What is counted of each field besides the codes of what stays behind."""

Wanted = Callable[[int, int], bool]
"""Whether a field of a row, both by their place, is to be written."""


class Filing:
    """The files of one mapping's records in one run, a chunk after another."""

    def __init__(self, session: Session, mapping: CompiledMapping, run_id: int) -> None:
        self._session, self._mapping, self._way = session, mapping, Way(session, mapping)
        self._run = run_id
        self._columns = {each.name: place for place, each in enumerate(mapping.target_fields)}
        self._fitted = Fitted()
        self._cells: dict[int, dict[str, Cell]] = {}
        self._counted: set[int] = set()
        self._tried: set[str] = set()
        self._until: dict[str, dt.datetime] = {}
        self._rows: dict[str, int] = {}

    def fit(self, mapped: MappedChunk) -> tuple[MappedChunk, Fitted]:
        """The chunk with the files that go. What was lost is looked for once more in each run."""
        if self._mapping.filed and not self._session.rehearsal:
            self._look_again(mapped)
        mapped, self._fitted = fitted(self._session, self._mapping, mapped)
        self._cells, self._counted = {}, set()
        return mapped, self._fitted

    def shares(self, rows: Sorted, chosen: Sequence[int], wanted: Wanted, result: Loaded) -> Iterator[Sequence[int]]:
        """These rows, a share at a time, the files of each in the target; it is to be sent before the next is asked
        for. A row whose file turns out to be lost, and that is not to go without, is rejected here."""
        if not any(self._fitted.files.values()):
            yield chosen
            return
        share: list[int] = []
        size = 0
        for row in chosen:
            own = sum(file.size for name in self._names(row, wanted) for file in self._fitted.files[name][row])
            if share and (size + own > SHARE_BYTES or len(share) == SHARE_ROWS):
                yield from self._share(rows, share, wanted, result)
                share, size = [], 0
            if result.stopped is not None:
                return
            share.append(row)
            size += own
        if share:
            yield from self._share(rows, share, wanted, result)

    def put_into(self, cells: Sequence[dict[str, Cell]], rows: Sequence[int]) -> None:
        """What the target calls the files, into the cells of these rows."""
        for told, row in zip(cells, rows, strict=True) if self._cells else ():
            told |= self._cells.get(row, {})

    def count(self, result: Loaded) -> None:
        """Of the chunk, the files that are in the target with their records, and those that stay behind. Rows that wait
        are counted when they go."""
        told = Counter[tuple[str, str]]()
        for name, by_row in self._fitted.files.items():
            for row, files in by_row.items():
                if row in self._counted or result.buckets[row] in ("created", "pending"):
                    told[name, MOVED] += len(files)
                    told[name, BYTES] += sum(each.size for each in files)
        waits = set(result.deferred)
        for row, finding in self._fitted.left:
            if result.buckets[row] and row not in waits:
                told[finding.field or "", finding.code] += 1
                result.findings.append(finding)
        result.filed += told

    def renewed(self, piece: list[Planned]) -> list[Planned]:
        """The same changes. Where the target is about to forget a file of one, it has it anew."""
        late = self._session.clock.now() + MARGIN
        return [self._anew(each) if self._until.get(each.change.our_key, late) < late else each for each in piece]

    # A share

    def _names(self, row: int, wanted: Wanted) -> list[str]:
        return [name for name, there in self._fitted.files.items() if row in there and wanted(row, self._columns[name])]

    def _share(self, rows: Sorted, share: list[int], wanted: Wanted, result: Loaded) -> Iterator[Sequence[int]]:
        names = {row: self._names(row, wanted) for row in share}
        going = share
        if not self._session.rehearsal:
            self._session.renew = self.renewed
            going = [row for row in share if all(self._ready(rows, row, name, result) for name in names[row])]
            self._rows = {rows.mapped.our_keys[row]: row for row in going}
        yield going
        done = [row for row in going if names[row] and result.buckets[row] in DONE]
        self._counted.update(done)
        for row in done if not self._session.rehearsal else ():
            for name in names[row]:
                for file in self._fitted.files[name][row]:
                    self._way.over(self._place(rows.mapped.our_keys[row], name, file))
        self._until, self._rows = {}, {}

    def _ready(self, rows: Sorted, row: int, name: str, result: Loaded) -> bool:
        """Whether the record goes as far as this field is concerned; its files are in the target then."""
        our_key, going, there = rows.mapped.our_keys[row], [], []
        for file in self._fitted.files[name][row]:
            self._session.heed()
            place = self._place(our_key, name, file)
            try:
                told = self._way.given(place)
            except FileError as error:
                if not self._goes_without(rows, row, place, error, result):
                    return False
                continue
            going.append(file)
            there.append(replace(file, id=told.id))
            self._note_until(our_key, told.good_until)
        self._cells.setdefault(row, {})[name] = cell_of(there)
        if len(going) < len(self._fitted.files[name][row]):
            self._fitted.files[name][row] = tuple(going)
            self._digest(rows, row, name)
        return True

    def _goes_without(self, rows: Sorted, row: int, place: Place, error: FileError, result: Loaded) -> bool:
        """A file that was to go does not come, or is not taken: whether its record goes all the same."""
        stored = place.name(self._session.bodies)
        self._session.bodies.drop(stored)
        note_lost(self._session.bodies, stored, error.code)
        self._tried.add(stored)
        if error.detail:
            words = json.dumps(error.detail, ensure_ascii=False).encode()
            self._session.keep_words([(REJECT, str(self._run), place.object, place.our_key, words)])
        key = rows.mapped.source_keys[row]
        self._fitted.leave(self._mapping, row, key, place.field, place.file, error.code)
        if self._mapping.filed[place.field] == "leave_out":
            return True
        result.buckets[row] = "rejected"
        result.parked.append(Parked(place.our_key, key, "rejected", error.code))
        return False

    def _digest(self, rows: Sorted, row: int, name: str) -> None:
        """What is sent of this field is less than was mapped."""
        column = self._columns[name]
        cell = pa.array([cell_of(self._fitted.files[name][row])], pa.string())
        text = canonical_text(cell, self._mapping.target_fields[column])
        rows.digests[row, column] = np.uint64(field_digests([text], self._session.keys.digest)[0, 0])

    def _note_until(self, our_key: str, until: dt.datetime | None) -> None:
        if until is not None:
            self._until[our_key] = min(until, self._until.get(our_key, until))

    def _anew(self, planned: Planned) -> Planned:
        """A file that is not taken any more stays as it was: the target refuses the record and says so."""
        our_key, values = planned.change.our_key, dict(planned.change.values)
        row = self._rows[our_key]
        del self._until[our_key]
        for name in values.keys() & self._cells.get(row, {}).keys():
            there = []
            for file in self._fitted.files[name][row]:
                with suppress(FileError):
                    told = self._way.given(self._place(our_key, name, file))
                    self._note_until(our_key, told.good_until)
                    there.append(replace(file, id=told.id))
            if len(there) == len(self._fitted.files[name][row]):
                values[name] = cell_of(there)
        return planned._replace(change=replace(planned.change, values=values))

    def _place(self, our_key: str, name: str, file: HeldFile) -> Place:
        return Place(self._mapping.target.name, our_key, name, file)

    def _look_again(self, mapped: MappedChunk) -> None:
        """Whether what was lost is there again, or may be taken now."""
        store = self._session.bodies
        known = store.notes() - self._tried
        for name in self._mapping.filed if known else ():
            cells = arrow_column(mapped.frame, name).to_pylist()
            for our_key, cell in zip(mapped.our_keys, cells, strict=True):
                for file in files_in(cell):
                    place = self._place(our_key, name, file)
                    stored = place.name(store)
                    why = lost(store, stored) if stored in known else None
                    if why is None:
                        continue
                    self._tried.add(stored)
                    with suppress(FileError):
                        if why != REFUSED:
                            self._way.fetch(place)
                        store.forget(stored)


def of_new(rows: Sorted, matches: Matches) -> Wanted:
    """What is wanted of rows that are created, or adopted."""

    def wanted(row: int, column: int) -> bool:
        if row not in matches.adopted:
            return True
        target, spot = matches.adopted[row]
        return bool(target.digests[spot, column] != rows.digests[row, column])

    return wanted


def of_changed(rows: Sorted) -> Wanted:
    return lambda row, column: bool(rows.differs[row, column])
