"""Sealing and opening: AES-256-GCM with a random nonce of its own for every piece, bound to what it belongs to."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class SealBrokenError(Exception):
    """The piece was changed, torn, moved to another place, or sealed with another key."""


class Seal:
    """One data key. `bound` says what a piece belongs to; it is not stored, and opening needs the very same."""

    def __init__(self, data_key: bytes) -> None:
        if len(data_key) != 32:
            raise ValueError("a data key has 32 bytes")
        self._cipher = AESGCM(data_key)

    def close(self, plain: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, bound)

    def open(self, piece: bytes, bound: bytes) -> bytes:
        """The plain bytes. Raises SealBrokenError."""
        try:
            return self._cipher.decrypt(piece[:NONCE_BYTES], piece[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError) as problem:
            raise SealBrokenError from problem


def bind(*parts: str) -> bytes:
    """The parts as bytes that no other parts give: each with its length before it."""
    pieces = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)
