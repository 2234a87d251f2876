"""What the CRM does with a call, once it has let it in."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from ...change import CONTAGION, Batch, Outcome, OutcomeState
from ...chunk import Chunk
from ...memory import MemoryConnector
from .wire import Document, Json, as_list, as_texts, decoded, decoded_change, encoded

Answer: TypeAlias = tuple[int, Document]
STATUS = {
    OutcomeState.ACKED: 200,
    OutcomeState.EXISTS: 409,
    OutcomeState.STALE: 412,
    OutcomeState.REJECTED: 422,
    OutcomeState.NOT_SENT: 424,
}
"""Of a change: done, our key is there already, another value was found, refused, fell with another one."""
LOCKED = "target.locked"
STATUS_LOCKED = 423


def batch_of(object_name: str, document: Document) -> Batch:
    return Batch(object_name, tuple(decoded_change(each) for each in as_list(document["changes"])))


def do(crm: MemoryConnector, batch: Batch, locked: Collection[str] = (), *, whole: bool) -> list[Outcome]:
    """Do the changes but those that are locked. whole: all or none of them."""
    if locked:
        free = {each.our_key: each for each in batch.changes if each.our_key not in locked}
        done = {each.our_key: each for each in crm.write(Batch(batch.object, tuple(free.values())))}
        kept_out = {key: Outcome(key, OutcomeState.NOT_SENT, code=LOCKED) for key in locked}
        return [(done | kept_out)[each.our_key] for each in batch.changes]
    before = copy.deepcopy(crm._tables, {id(each): each for each in crm.describe().objects.values()}) if whole else None
    outcomes = crm.write(batch)
    if before is None or all(each.state is OutcomeState.ACKED for each in outcomes):
        return outcomes
    crm._tables = before
    return [
        Outcome(each.our_key, OutcomeState.NOT_SENT, code=CONTAGION) if each.state is OutcomeState.ACKED else each
        for each in outcomes
    ]


def answer_of(outcomes: Sequence[Outcome], *, single: bool, as_one: bool) -> Answer:
    """(status, document) for one change, or for a batch whose changes are told one by one, in no order that counts."""
    results: list[Json] = [_result(each) for each in outcomes]
    if single:
        return _status(outcomes[0]), _result(outcomes[0])
    if as_one and any(each.state is not OutcomeState.ACKED for each in outcomes):
        return 422, {"code": "target.refused", "message": "one of the records is bad"}
    return 200, {"results": results}


def _status(outcome: Outcome) -> int:
    return STATUS_LOCKED if outcome.code == LOCKED else STATUS[outcome.state]


def _result(outcome: Outcome) -> Document:
    return {
        "our_key": outcome.our_key,
        "status": _status(outcome),
        "key": outcome.target_key,
        "code": outcome.code,
        "field": outcome.field,
    }


def ask(crm: MemoryConnector, about: Callable[[], Document], parts: Sequence[str], document: Document) -> Document:
    """Answer a call that changes nothing. Raises InputError, KeyError or ValueError for one that makes no sense."""
    match parts:
        case ["about"]:
            return about()
        case ["now"]:
            return {"now": encoded(crm.now())}
        case ["objects", name, "count"]:
            return {"count": crm.count(name)}
        case ["objects", name, "read"]:
            after, size = document["after"], document["size"]
            pages = crm.read(
                name,
                as_texts(document["fields"]),
                after=None if after is None else str(after),
                size=int(str(size)),
            )
            return _page(next(pages, None))
        case ["objects", name, "find"]:
            values = [tuple(decoded(cell) for cell in as_list(each)) for each in as_list(document["values"])]
            return _page(crm.find(name, as_texts(document["by"]), values, as_texts(document["fields"])))
        case ["objects", name, "our_keys"]:
            return {"pairs": [[ours, key] for some in crm.our_keys(name) for ours, key in some]}
    raise KeyError("/".join(parts))


def _page(chunk: Chunk | None) -> Document:
    if chunk is None:
        return {"keys": []}
    columns: Document = {}
    for name, column in chunk.frame.items():
        columns[str(name)] = [encoded(cell) for cell in column.array.__arrow_array__().to_pylist()]
    return {
        "keys": list(chunk.keys),
        "cursor": chunk.cursor,
        "our_keys": list(chunk.our_keys),
        "columns": columns,
    }
