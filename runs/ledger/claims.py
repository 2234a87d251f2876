"""Who holds a value that may lie on only one record: uniqueness over a whole object without a frame of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from ..digest import field_digests
from .store import Ledger


class Claims:
    """The ledger's answer to "is this value taken?" (`validators.rules.unique`). It keeps keyed digests, not values."""

    def __init__(self, ledger: Ledger, digest_key: bytes) -> None:
        self._ledger = ledger
        self._key = digest_key

    def claim(self, object_name: str, field: str, texts: list[str], our_keys: list[str]) -> list[str | None]:
        """For each value: our key of the record that holds it already, None where it is free or held by the same
        record; then it is claimed. The first of equal values in one call holds it. A record holds one value a field:
        a new one frees the old one."""
        digests = _signed(texts, self._key)
        held = self._holders(object_name, field, sorted(set(digests)))
        answers: list[str | None] = []
        claims = []
        for digest, our_key in zip(digests, our_keys, strict=True):
            holder = held.setdefault(digest, our_key)
            if holder == our_key:
                answers.append(None)
                claims.append((object_name, field, our_key, digest))
            else:
                answers.append(holder)
        with self._ledger.transaction():
            self._ledger.db.executemany(
                "insert into claim values (?, ?, ?, ?) on conflict (object, field, our_key) do update set digest = "
                "excluded.digest",
                claims,
            )
        return answers

    def release(self, object_name: str, field: str, our_keys: list[str]) -> None:
        """Free whatever these records hold of this field."""
        with self._ledger.transaction():
            self._ledger.db.execute(
                "delete from claim where object = ? and field = ? and our_key in "  # noqa: S608
                f"(select j.value from {self._ledger.db.texts()})",
                (object_name, field, json.dumps(our_keys, ensure_ascii=False)),
            )

    def forget(self, object_name: str) -> None:
        """Free everything of this object."""
        with self._ledger.transaction():
            self._ledger.db.execute("delete from claim where object = ?", (object_name,))

    def release_records(self, object_name: str, our_keys: Sequence[str]) -> None:
        """Free everything that these records hold: the target refused them, so their values are free for others."""
        with self._ledger.transaction():
            self._ledger.db.executemany(
                "delete from claim where object = ? and our_key = ?", [(object_name, our_key) for our_key in our_keys]
            )

    def _holders(self, object_name: str, field: str, digests: Sequence[int]) -> dict[int, str]:
        rows = self._ledger.db.execute(  # `|| ''`: by the digest, never through all that the object has
            f"select c.digest, c.our_key from {self._ledger.db.texts()} cross join claim c "  # noqa: S608
            "where c.object || '' = ? and c.field = ? and c.digest = cast(j.value as bigint)",
            (json.dumps(digests), object_name, field),
        )
        return {int(row[0]): str(row[1]) for row in rows}


def _signed(texts: list[str], key: bytes) -> list[int]:
    """64-bit digests as the database's signed integers."""
    import pyarrow as pa

    digests = field_digests([pa.array(texts, pa.string())], key)[:, 0]
    return [int(value) for value in digests.astype(np.uint64).view(np.int64)]
