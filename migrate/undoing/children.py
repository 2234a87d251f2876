"""Which target records hang on others: undo deletes children first and never what carries somebody else's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from ...connectors.schema import FieldType
from ..fingerprint import arrow_column
from ..session import Session


class Child(NamedTuple):
    """A record that refers to another by this field."""

    object: str
    key: str
    field: str


class Children:
    """The children, by the target's own references, of records of one object that are about to go, read once for all
    the parents. let_go: references that will be put back to what they were before, or that are gone and may still be
    seen."""

    def __init__(
        self, session: Session, object_name: str, parents: Sequence[str], let_go: Collection[Child] = ()
    ) -> None:
        self._object = object_name
        self._of: dict[str, set[Child]] = defaultdict(set)
        size = session.target.capabilities.find_size
        for child_object, field in references_to(session, object_name):
            for start in range(0, len(parents), size):
                wanted = [(key,) for key in parents[start : start + size]]
                found = session.target.find(child_object, (field,), wanted, (field,))
                for key, parent in zip(found.keys, arrow_column(found.frame, field).to_pylist(), strict=True):
                    child = Child(child_object, key, field)
                    if child not in let_go:
                        self._of[str(parent)].add(child)

    def of(self, parent: str) -> set[Child]:
        """The children of this record, itself left out."""
        return {each for each in self._of.get(parent, ()) if (each.object, each.key) != (self._object, parent)}

    def keep(self, going: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
        """Which of those that go (object -> target key -> our key) must stay, with how many children keep them:
        children that do not go, and children of this object that stay."""
        stays: dict[str, int] = {}
        settled = False
        while not settled:
            settled = True
            for parent in self._of:
                if parent not in going[self._object] or parent in stays:
                    continue
                children = {(each.object, each.key) for each in self.of(parent)}
                count = sum(1 for child in children if self._remains(child, going, stays))
                if count:
                    stays[parent] = count
                    settled = False
        return stays

    def _remains(
        self, child: tuple[str, str], going: Mapping[str, Mapping[str, str]], stays: Mapping[str, int]
    ) -> bool:
        name, key = child
        return key not in going.get(name, {}) or (name == self._object and key in stays)

    def levels(self, going: Mapping[str, str]) -> Iterator[list[str]]:
        """The target keys of `going`, leaves first, each level free of children among those left. What hangs together
        in a cycle comes last: its references must be emptied before it can go."""
        inside = {
            parent: {each.key for each in self.of(parent) if each.object == self._object and each.key in going}
            for parent in self._of
            if parent in going
        }
        left = set(going)
        waits = Counter({key: len(inside.get(key, ())) for key in left})
        parents_of: dict[str, set[str]] = defaultdict(set)
        for parent, children in inside.items():
            for child in children:
                parents_of[child].add(parent)
        level = sorted(key for key in left if not waits[key])
        while level:
            yield level
            left.difference_update(level)
            following = set()
            for key in level:
                for parent in parents_of[key]:
                    waits[parent] -= 1
                    if not waits[parent]:
                        following.add(parent)
            level = sorted(following & left)
        if left:
            yield sorted(left)


def references_to(session: Session, object_name: str) -> Iterator[tuple[str, str]]:
    """(object, field) of every reference of the target to this object."""
    for name, schema in sorted(session.target_schema.objects.items()):
        for field in schema.fields:
            if field.type is FieldType.REFERENCE and object_name in field.references:
                yield name, field.name
