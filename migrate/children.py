"""Which target records hang on others: undo deletes children first and never what carries somebody else's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from ..connectors.schema import FieldType
from .fingerprint import arrow_column
from .session import Session


class Children:
    """The children, by the target's own references, of records of one object that are about to go.

    children: parent's target key -> (child object, child's target key), read once for all the parents.
    """

    def __init__(self, session: Session, object_name: str, parents: Sequence[str]) -> None:
        self._object = object_name
        self._of: dict[str, set[tuple[str, str]]] = defaultdict(set)
        size = session.target.capabilities.find_size
        for child_object, field in _references_to(session, object_name):
            for start in range(0, len(parents), size):
                wanted = [(key,) for key in parents[start : start + size]]
                found = session.target.find(child_object, (field,), wanted, (field,))
                for key, parent in zip(found.keys, arrow_column(found.frame, field).to_pylist(), strict=True):
                    self._of[str(parent)].add((child_object, key))

    def keep(self, going: Mapping[str, str], gone: Collection[tuple[str, str]]) -> dict[str, int]:
        """Records of `going` (target key -> our key) that must stay, with how many children keep them: children of
        other objects that do not go (gone: object, target key of those that do), and children of this object that
        stay."""
        stays: dict[str, int] = {}
        settled = False
        while not settled:
            settled = True
            for parent, children in self._of.items():
                if parent not in going or parent in stays:
                    continue
                count = sum(1 for child in children if self._remains(child, going, stays, gone))
                if count:
                    stays[parent] = count
                    settled = False
        return stays

    def _remains(
        self,
        child: tuple[str, str],
        going: Mapping[str, str],
        stays: Mapping[str, int],
        gone: Collection[tuple[str, str]],
    ) -> bool:
        name, key = child
        return (key not in going or key in stays) if name == self._object else child not in gone

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


def _references_to(session: Session, object_name: str) -> Iterator[tuple[str, str]]:
    for name, schema in sorted(session.target_schema.objects.items()):
        for field in schema.fields:
            if field.type is FieldType.REFERENCE and object_name in field.references:
                yield name, field.name
