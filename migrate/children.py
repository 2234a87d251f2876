"""Which target records hang on others: undo deletes children first and never what carries somebody else's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from ..connectors.schema import FieldType
from .fingerprint import arrow_column
from .session import Session


class Children:
    """The children, by the target's own references, of records of one object that are about to go, read once for all
    the parents. let_go: (object, target key, field) of references that will be put back to what they were before.
    """

    def __init__(
        self,
        session: Session,
        object_name: str,
        parents: Sequence[str],
        let_go: Collection[tuple[str, str, str]] = (),
    ) -> None:
        self._object = object_name
        self._of: dict[str, set[tuple[str, str]]] = defaultdict(set)
        size = session.target.capabilities.find_size
        for child_object, field in references_to(session, object_name):
            for start in range(0, len(parents), size):
                wanted = [(key,) for key in parents[start : start + size]]
                found = session.target.find(child_object, (field,), wanted, (field,))
                for key, parent in zip(found.keys, arrow_column(found.frame, field).to_pylist(), strict=True):
                    if (child_object, key, field) not in let_go:
                        self._of[str(parent)].add((child_object, key))

    def of(self, child_object: str) -> set[str]:
        """The target keys of the children that are of this object."""
        return {key for children in self._of.values() for name, key in children if name == child_object}

    def keep(self, going: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
        """Which of those that go (object -> target key -> our key) must stay, with how many children keep them:
        children that do not go, and children of this object that stay."""
        stays: dict[str, int] = {}
        settled = False
        while not settled:
            settled = True
            for parent, children in self._of.items():
                if parent not in going[self._object] or parent in stays:
                    continue
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

    def levels(self, going: Mapping[str, str]) -> Iterator[tuple[list[str], bool]]:
        """The target keys of `going`, leaves first, each level free of children among those left. What hangs together
        in a cycle comes last, marked true: its references must be emptied before it can go."""
        inside = {
            parent: {key for name, key in children if name == self._object and key in going}
            for parent, children in self._of.items()
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
            yield level, False
            left.difference_update(level)
            following = set()
            for key in level:
                for parent in parents_of[key]:
                    waits[parent] -= 1
                    if not waits[parent]:
                        following.add(parent)
            level = sorted(following & left)
        if left:
            yield sorted(left), True


def references_to(session: Session, object_name: str) -> Iterator[tuple[str, str]]:
    """(object, field) of every reference of the target to this object."""
    for name, schema in sorted(session.target_schema.objects.items()):
        for field in schema.fields:
            if field.type is FieldType.REFERENCE and object_name in field.references:
                yield name, field.name
