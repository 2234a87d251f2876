"""Which records of the target carry our key, where it may be more than one; and how a proof's open calls are settled by
asking for them."""

from __future__ import annotations

from typing import Final

from ...connectors.port import KEY, OUR_KEY
from ...runs.ledger.operations import OpenOperation, Settled
from ...runs.ledger.proofs import TWICE
from ..session import Session

UNDOUBLE: Final = "undouble"
"""The call of a proof that deletes the second record which the proof itself has made."""


def keys_of(session: Session, object_name: str, our_key: str) -> list[str]:
    """The target keys of all records that carry our key, as the acting user sees them."""
    return sorted(session.target.find(object_name, (OUR_KEY,), [(our_key,)], ()).keys)


def settled_call(session: Session, operation: OpenOperation) -> Settled:
    """How an open call of a proof ends. A second record made by it is looked for by our key, one deleted by its own.
    An ordeal and its taking back may be asked for twice without harm, so they count as not sent."""
    key = operation.our_key
    if operation.bucket == TWICE:
        others = [each for each in keys_of(session, operation.object, key) if each != operation.target_key]
        if others:
            return Settled(key, "acked", target_key=others[0])
    if operation.bucket == UNDOUBLE and not _there(session, operation.object, operation.target_key):
        return Settled(key, "acked", target_key=operation.target_key)
    return Settled(key, "not_sent", code="target.no_answer")


def _there(session: Session, object_name: str, target_key: str | None) -> bool:
    return bool(len(session.target.find(object_name, (KEY,), [(target_key,)], ())))
