"""The index of unique values, handed in by the ledger so that a value is known again in a later chunk or run."""

from __future__ import annotations

from typing import Protocol


class SeenValues(Protocol):
    """Which record holds which value of a unique target field.

    A value is held by one our key of its object and field at a time; our key holds one value of a field at a time, so
    claiming another frees the one before. An implementation may keep digests instead of texts.
    """

    def claim(self, object_name: str, field: str, texts: list[str], our_keys: list[str]) -> list[str | None]:
        """Claim `texts[i]` for `our_keys[i]`, in this order, so that of two alike in one call the first holds it.

        object_name, field: of the target. texts: canonical texts. Returns for each the our key that already holds the
        value, None where it was free (and is now held) or is held by the same our key."""

    def release(self, object_name: str, field: str, our_keys: list[str]) -> None:
        """Free whatever these our keys hold of this field; those that hold nothing are passed over."""
