"""Keyed digests of fields: what the ledger remembers instead of values, to see whether one has changed.

64-bit SipHash over a cell's canonical text (`connectors.cell`). Made for noticing change; no signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pandas.util import hash_array

Digests = np.ndarray[tuple[int, int], np.dtype[np.uint64]]
"""One row a record, one column a field."""

_BYTES_A_FIELD = 8
_TEXTS = (pa.string(), pa.large_string(), pa.string_view())


def field_digests(columns: Sequence[pa.Array | pa.ChunkedArray], key: bytes) -> Digests:
    """Digests of columns of canonical text, all of one length: shape (rows, columns), dtype uint64.

    Null has a digest of its own, apart from the empty text and from every word for nothing. The same text has the same
    digest in every column, chunk and run under the same key (16 bytes), and another under another key.

    Raises TypeError for a column that is not text: pandas forgets the key for numbers and times.
    """
    rows = len(columns[0]) if columns else 0
    digests = np.empty((rows, len(columns)), dtype=np.uint64)
    hash_key, null_digest = _letters(key), _null_digest(key)
    for place, column in enumerate(columns):
        digests[:, place] = _column_digests(column, hash_key, null_digest)
    return digests


def pack(digests: Digests) -> list[bytes]:
    """A record's digests as one blob, 8 bytes a field, the same on every machine."""
    rows, fields = digests.shape
    if not fields:
        return [b""] * rows
    whole = np.ascontiguousarray(digests, dtype="<u8").view(f"V{fields * _BYTES_A_FIELD}")
    blobs: list[bytes] = whole.ravel().tolist()
    return blobs


def unpack(blobs: Sequence[bytes], fields: int) -> Digests:
    """Undo `pack`. Raises ValueError where a blob is of another number of fields."""
    wanted = fields * _BYTES_A_FIELD
    if any(len(blob) != wanted for blob in blobs):
        raise ValueError(f"a digest blob is not of {fields} fields")
    whole = np.frombuffer(b"".join(blobs), dtype="<u8").astype(np.uint64)
    return whole.reshape(len(blobs), fields)


def _column_digests(
    column: pa.Array | pa.ChunkedArray, hash_key: str, null_digest: np.uint64
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    if column.type not in _TEXTS:
        raise TypeError(f"digests are of canonical text, not of {column.type}")
    # As bytes pandas need not encode each text again: four times the speed, the same digests.
    cells = column.cast(pa.large_binary()).to_numpy(zero_copy_only=False).astype(object, copy=False)
    hashed = hash_array(cells, hash_key=hash_key, categorize=False)
    if column.null_count:
        # pandas gives null the digest of the text "None".
        hashed[column.is_null().to_numpy(zero_copy_only=False)] = null_digest
    return hashed


def _letters(key: bytes) -> str:
    """The 16 letters (96 bits) that pandas wants for a key."""
    if len(key) != 16:
        raise ValueError("a digest key has 16 bytes")
    return base64.b64encode(_derive(key, b"text"))[:16].decode()


def _null_digest(key: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(_derive(key, b"null")[:_BYTES_A_FIELD], "little"))


def _derive(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"changeover field digest 1 " + purpose, hashlib.sha256)
