"""Records with those below them in one call: all are made, or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .answers import CallError, Document, Reply, RowError, attributes_of, said
from .org import Org
from .request import Request
from .shapes import FieldShape, ObjectShape
from .writing import insert

MOST, MOST_KINDS, DEEPEST = 200, 5, 5


@dataclass(slots=True)
class Node:
    """reference: the field by which it refers to the one above it."""

    shape: ObjectShape
    values: Document
    name: str
    above: Node | None
    reference: FieldShape | None
    id: str = ""


class _RefusedError(Exception):
    """None of them is made."""


def create(org: Org, request: Request) -> Reply:
    shape = org.shape(request.path[2])
    nodes = list(_nodes(org, request.document().get("records"), shape, None, None, 1))
    if len(nodes) > MOST or len({each.shape.name for each in nodes}) > MOST_KINDS:
        raise CallError(400, "INVALID_INPUT", f"more than {MOST} records or {MOST_KINDS} types")
    names = [each.name for each in nodes]
    if len(set(names)) < len(names):
        raise CallError(400, "INVALID_INPUT", "Duplicate ReferenceId provided in the request.")
    refused: list[Document] = []
    try:
        with org.store.whole():
            for each in nodes:
                try:
                    if each.above is not None and each.reference is not None:
                        each.values[each.reference.name] = each.above.id or None
                    each.id = insert(org, request.acting, each.shape, each.values)
                except RowError as error:
                    refused.append({"referenceId": each.name, "errors": [error.of_row()]})
                    raise _RefusedError from error
    except _RefusedError:
        org.live.clear()
        return said({"hasErrors": True, "results": refused}, 400)
    return said({"hasErrors": False, "results": [{"referenceId": each.name, "id": each.id} for each in nodes]}, 201)


def _nodes(
    org: Org, records: object, shape: ObjectShape, above: Node | None, reference: FieldShape | None, depth: int
) -> Iterator[Node]:
    """Those above before those below."""
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records) or depth > DEEPEST:
        raise CallError(400, "INVALID_INPUT", f"records: a list is wanted, {DEEPEST} levels deep at most")
    for record in records:
        told = attributes_of(record)
        own = org.by_lower.get(str(told.get("type", shape.name)).lower())
        if own is not shape or not told.get("referenceId"):
            raise CallError(400, "INVALID_INPUT", f"attributes: type {shape.name} and a referenceId are wanted")
        below = {name: each for name, each in record.items() if isinstance(each, dict) and "records" in each}
        values = {name: each for name, each in record.items() if name not in below and name != "attributes"}
        node = Node(shape, values, str(told["referenceId"]), above, reference)
        yield node
        for name, each in below.items():
            found = shape.children.get(name.lower())
            if found is None:
                raise CallError(400, "INVALID_FIELD", f"No such relationship '{name}' on sobject of type {shape.name}")
            yield from _nodes(org, each["records"], found[0], node, found[1], depth + 1)
