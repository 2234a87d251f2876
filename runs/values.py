"""The encrypted value store: what undo puts back, what a server said of a reject, and the samples of a report.

Nothing here is needed to go on with a run. Values lie in blocks of up to 512 records, packed, compressed and sealed
together, so that a hundred thousand small ones cost seconds; each block knows its owner and its records' keys, so that
no value can be passed off as another record's.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from ..connectors.errors import DecisionError, UnavailableError
from .keys import fingerprint
from .private_files import create_empty, private_folder
from .sealing import Seal, SealBrokenError, bind

PREIMAGE: Final = "preimage"
REJECT: Final = "reject"
SAMPLE: Final = "sample"
PROOF: Final = "proof"

BLOCK_RECORDS = 512
BLOCK_BYTES = 1 << 20
_WAIT_MILLISECONDS = 30_000

Item = tuple[str, str, str, str, bytes]
"""(purpose, run id, object, our key, payload)."""


class ValueStore:
    """One SQLite file (0600, WAL, synchronous=FULL). One thread uses it at a time.

    Raises UnavailableError `values.unavailable` where the file cannot be opened, read or written (a full disk too).
    """

    def __init__(self, path: Path, data_key: bytes) -> None:
        self._path = path
        self._seal = Seal(data_key)
        self._key_id = fingerprint(data_key)
        private_folder(path.parent)
        create_empty(path)
        with self._told():
            wait = _WAIT_MILLISECONDS / 1000
            self._base = sqlite3.connect(path, isolation_level=None, timeout=wait, check_same_thread=False)
            self._base.execute("pragma journal_mode = wal")
            self._base.execute("pragma synchronous = full")
            self._base.executescript(Path(__file__).with_name("values.sql").read_text("utf-8"))

    def put_many(self, items: Iterable[Item]) -> None:
        """Keep the payloads; one commit for the call, on the disk when it returns.

        A payload for a record that already has one for the same purpose and run takes its place.
        """
        with self._told(), self._transaction():
            for (purpose, run_id, name), group in groupby(items, key=lambda item: item[:3]):
                owner = self._owner(purpose, run_id, name)
                for records in _blocks((item[3], item[4]) for item in group):
                    self._put_block(owner, bind(purpose, run_id, name), records)

    def get(self, purpose: str, run_id: str, object_name: str, our_key: str) -> bytes | None:
        """The payload, None where there is none. Raises as `get_many`."""
        return self.get_many(purpose, run_id, object_name, [our_key]).get(our_key)

    def get_many(self, purpose: str, run_id: str, object_name: str, our_keys: Sequence[str]) -> dict[str, bytes]:
        """Payloads by our key; a key without one is left out.

        Raises DecisionError `values.key_lost` where they were sealed with a data key that is no longer here, and
        `values.damaged` where the store was changed from outside.
        """
        with self._told():
            rows = self._base.execute(
                "select b.block_id, b.key_id, b.sealed, json_group_array(json_array(e.our_key, e.position))"
                " from owner o join entry e using (owner_id) join block b on b.block_id = e.block_id"
                " where o.purpose = ? and o.run_id = ? and o.object = ?"
                " and e.our_key in (select value from json_each(?))"
                " group by b.block_id",
                (purpose, run_id, object_name, json.dumps(list(our_keys))),
            )
            found: dict[str, bytes] = {}
            for _, key_id, sealed, places in rows:
                records = self._open_block(key_id, sealed, bind(purpose, run_id, object_name))
                for our_key, position in json.loads(places):
                    if position >= len(records) or records[position][0] != our_key:
                        raise DecisionError("values.damaged", path=str(self._path))
                    found[our_key] = records[position][1]
            return found

    def require_key(self, purpose: str, run_id: str) -> None:
        """Raises DecisionError `values.key_lost` where anything of this purpose and run is sealed with another data
        key, before work begins that would need it."""
        with self._told():
            lost = self._base.execute(
                "select b.key_id from block b join owner o using (owner_id) "
                "where o.purpose = ? and o.run_id = ? and b.key_id <> ? limit 1",
                (purpose, run_id, self._key_id),
            ).fetchone()
        if lost is not None:
            raise DecisionError("values.key_lost", path=str(self._path), kept=lost[0], now=self._key_id)

    def drop(self, run_id: str, purpose: str, object_name: str) -> None:
        """Forget every value that this run kept of this object for this purpose."""
        with self._told(), self._transaction():
            for rows in ("entry", "block", "owner"):
                self._base.execute(
                    f"delete from {rows} where owner_id in"  # noqa: S608 (the three tables above)
                    " (select owner_id from owner where run_id = ? and purpose = ? and object = ?)",
                    (run_id, purpose, object_name),
                )

    def close(self) -> None:
        self._base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _owner(self, purpose: str, run_id: str, name: str) -> int:
        told = (purpose, run_id, name)
        self._base.execute("insert or ignore into owner (purpose, run_id, object) values (?, ?, ?)", told)
        [owner] = self._base.execute(
            "select owner_id from owner where purpose = ? and run_id = ? and object = ?", told
        ).fetchone()
        return int(owner)

    def _put_block(self, owner: int, bound: bytes, records: list[tuple[str, bytes]]) -> None:
        sealed = self._seal.close(_pack(records), bound)
        block = self._base.execute(
            "insert into block (owner_id, key_id, sealed) values (?, ?, ?)", (owner, self._key_id, sealed)
        ).lastrowid
        self._base.executemany(
            "insert or replace into entry (owner_id, our_key, block_id, position) values (?, ?, ?, ?)",
            [(owner, our_key, block, position) for position, (our_key, _) in enumerate(records)],
        )

    def _open_block(self, key_id: str, sealed: bytes, bound: bytes) -> list[tuple[str, bytes]]:
        if key_id != self._key_id:
            raise DecisionError("values.key_lost", path=str(self._path), kept=key_id, now=self._key_id)
        try:
            return _unpack(self._seal.open(sealed, bound))
        except SealBrokenError as problem:
            raise DecisionError("values.damaged", path=str(self._path)) from problem

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("begin immediate")
        try:
            yield
            self._base.execute("commit")
        except BaseException:
            if self._base.in_transaction:
                self._base.execute("rollback")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            raise UnavailableError("values.unavailable", path=str(self._path), reason=str(problem)) from problem


def _blocks(records: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    block: list[tuple[str, bytes]] = []
    size = 0
    for record in records:
        block.append(record)
        size += len(record[1])
        if len(block) == BLOCK_RECORDS or size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _pack(records: list[tuple[str, bytes]]) -> bytes:
    """Length of the head, head (JSON: plain size, our keys, payload lengths), payloads; all but the size compressed."""
    head = json.dumps([[our_key for our_key, _ in records], [len(payload) for _, payload in records]]).encode()
    plain = b"".join([len(head).to_bytes(4, "big"), head, *(payload for _, payload in records)])
    return len(plain).to_bytes(8, "big") + bytes(pa.compress(plain, codec="zstd", asbytes=True))


def _unpack(packed: bytes) -> list[tuple[str, bytes]]:
    size = int.from_bytes(packed[:8], "big")
    plain = pa.decompress(packed[8:], decompressed_size=size, codec="zstd", asbytes=True)
    place = 4 + int.from_bytes(plain[:4], "big")
    records = []
    for our_key, length in zip(*json.loads(plain[4:place]), strict=True):
        records.append((our_key, plain[place : place + length]))
        place += length
    return records
