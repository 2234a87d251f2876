"""One customer first: a run of chosen records, closed under references."""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...connectors.chunk import Chunk
from ...connectors.errors import InputError
from ...connectors.finding import Finding
from ...connectors.port import KEY
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import branch_suffix, make_our_key
from ...runs.ledger.runlog import Run
from ..fingerprint import arrow_column
from ..session import Session


@dataclass(frozen=True, slots=True)
class Choice:
    """Which records a run is about. keys: source object -> keys. sample: so many records of every mapping. children:
    also what refers to the chosen ones. rejected: what waits for somebody, all of it or only for the cause `code` and
    only of the person `owner`. Nothing chosen means everything."""

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sample: int | None = None
    children: bool = False
    rejected: bool = False
    code: str | None = None
    owner: str | None = None

    def __post_init__(self) -> None:
        if self.rejected and (self.keys or self.sample is not None or self.children):
            raise InputError("rejected.with_others")
        if not self.rejected and (self.code is not None or self.owner is not None):
            raise InputError("rejected.missing")

    @property
    def everything(self) -> bool:
        return not self.keys and self.sample is None and not self.rejected

    @property
    def digest(self) -> str:
        """What was chosen, as one text; empty for everything."""
        if self.everything:
            return ""
        if self.rejected:
            return hashlib.sha256(f"rejected\n{self.code}\n{self.owner}".encode()).hexdigest()
        parts = [f"{name}:{key}" for name, keys in sorted(self.keys.items()) for key in sorted(keys)]
        return hashlib.sha256("\n".join([*parts, str(self.sample), str(self.children)]).encode()).hexdigest()


def parse_keys(texts: Sequence[str], folder: Path) -> dict[str, tuple[str, ...]]:
    """`Account:K1,K2` or the name of a file with such lines. Raises InputError `keys.wrong` for anything else."""
    found: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        name, colon, listed = text.partition(":")
        path = folder / text
        there = _is_file(path)
        if colon and name and listed and not there:
            found[name] += [key for key in listed.split(",") if key]
        elif there:
            _parse_file(path, found)
        else:
            raise InputError("keys.wrong", text=text)
    return {name: tuple(dict.fromkeys(keys)) for name, keys in found.items()}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a list of keys may be longer than a file's name
        return False


def _parse_file(path: Path, found: dict[str, list[str]]) -> None:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError("keys.not_utf8", file=str(path)) from error
    for number, line in enumerate(lines, 1):
        name, colon, listed = line.strip().partition(":")
        if not line.strip():
            continue
        if not (colon and name and listed):
            raise InputError("keys.wrong_line", file=str(path), line=number)
        found[name] += [key for key in listed.split(",") if key]


class ChosenReader:
    """Reads the chosen records, and with them every record they refer to. Raises InputError `keys.no_object` or
    `keys.not_found` for what is not there."""

    resumes = False
    insists = False
    asked: int | None = None

    def __init__(self, session: Session, choice: Choice, order: Sequence[str]) -> None:
        self._session = session
        self._mappings = [session.mappings[name] for name in order]
        self._keys: dict[str, set[str]] = defaultdict(set)
        self._check(choice)
        for name, keys in choice.keys.items():
            self._keys[name] |= set(keys)
        if choice.sample is not None:
            self._sample(choice.sample)
        if choice.children:
            self._close_downwards()
        self._close_upwards()

    def read(self, mapping: CompiledMapping, after: str | None) -> Iterator[Chunk]:
        yield from self._find(mapping, sorted(self._keys.get(mapping.source.name, ())))

    def total(self, mapping: CompiledMapping) -> int | None:
        return len(self._keys.get(mapping.source.name, ()))

    def released(self, mapping: CompiledMapping, run: Run) -> Iterator[Chunk]:
        yield from ()

    def takes(self, mapping: CompiledMapping, source_key: str) -> bool:
        return source_key in self._keys.get(mapping.source.name, ())

    def absent(self, mapping: CompiledMapping) -> list[Finding]:
        return []

    def _find(self, mapping: CompiledMapping, keys: Sequence[str]) -> Iterator[Chunk]:
        size = self._session.source.capabilities.find_size
        for start in range(0, len(keys), size):
            wanted = [(key,) for key in keys[start : start + size]]
            yield self._session.source.find(mapping.source.name, (KEY,), wanted, mapping.source_fields)

    def _check(self, choice: Choice) -> None:
        for name, keys in choice.keys.items():
            mapping = next((each for each in self._mappings if each.source.name == name), None)
            if mapping is None:
                known = ", ".join(sorted({each.source.name for each in self._mappings}))
                raise InputError("keys.no_object", object=name, known=known)
            there = {key for chunk in self._find(mapping, keys) for key in chunk.keys}
            missing = [key for key in keys if key not in there]
            if missing:
                raise InputError("keys.not_found", object=name, count=len(missing), first=missing[0])

    def _sample(self, number: int) -> None:
        """The same records every time, spread over the whole object: those whose keys hash lowest."""
        for mapping in self._mappings:
            lowest: list[tuple[str, str]] = []
            for chunk in self._session.source.read(mapping.source.name, ()):
                hashed = [(hashlib.sha256(key.encode()).hexdigest(), key) for key in chunk.keys]
                lowest = heapq.nsmallest(number, lowest + hashed)
            self._keys[mapping.source.name] |= {key for _, key in lowest}

    def _close_upwards(self) -> None:
        """Add every parent, and its parents, until nothing is missing."""
        fresh = {name: set(keys) for name, keys in self._keys.items()}
        while any(fresh.values()):
            found: dict[str, set[str]] = defaultdict(set)
            for mapping in self._mappings:
                for name, keys in self._parents(mapping, sorted(fresh.get(mapping.source.name, ()))).items():
                    found[name] |= keys - self._keys[name]
            for name, keys in found.items():
                self._keys[name] |= keys
            fresh = found

    def _parents(self, mapping: CompiledMapping, keys: Sequence[str]) -> dict[str, set[str]]:
        parents: dict[str, set[str]] = defaultdict(set)
        for chunk in self._find(mapping, keys):
            mapped = mapping.apply(chunk, self._session.people)
            for name in mapping.references:
                cells = set(arrow_column(mapped.frame, name).to_pylist()) - {None}
                for maker, ours in mapping.by_maker(name, cells).items():
                    parents[self._session.mappings[maker].source.name] |= self._source_keys(maker, ours)
        return parents

    def _source_keys(self, maker: str, our_keys: Iterable[str]) -> set[str]:
        made = self._session.mappings[maker]
        prefix, suffix = make_our_key(made.system, made.source.name, ""), branch_suffix(made.branch)
        return {each.removeprefix(prefix).removesuffix(suffix) for each in our_keys}

    def _close_downwards(self) -> None:
        """Add the children of the chosen ones, and theirs."""
        fresh = {name: set(keys) for name, keys in self._keys.items()}
        while any(fresh.values()):
            found: dict[str, set[str]] = defaultdict(set)
            for child in self._mappings:
                for field_name, maker in ((name, each) for name, makers in child.references.items() for each in makers):
                    parent_object = self._session.mappings[maker].source.name
                    keys = self._children(child, field_name, maker, sorted(fresh.get(parent_object, ())))
                    found[child.source.name] |= keys - self._keys[child.source.name]
            for name, keys in found.items():
                self._keys[name] |= keys
            fresh = found

    def _children(self, child: CompiledMapping, field_name: str, maker: str, parents: Sequence[str]) -> set[str]:
        size = self._session.source.capabilities.find_size
        keys: set[str] = set()
        for source_field in child.key_fields(field_name, maker):
            for start in range(0, len(parents), size):
                wanted = [(key,) for key in parents[start : start + size]]
                keys |= set(self._session.source.find(child.source.name, (source_field,), wanted, ()).keys)
        return keys if len(child.references[field_name]) == 1 else self._theirs(child, field_name, maker, keys, parents)

    def _theirs(
        self, child: CompiledMapping, field_name: str, maker: str, keys: Iterable[str], parents: Sequence[str]
    ) -> set[str]:
        """Of these children those whose parent is of that kind: another's key may read the same."""
        wanted, theirs = set(parents), set[str]()
        for chunk in self._find(child, sorted(keys)):
            mapped = child.apply(chunk, self._session.people)
            column = arrow_column(mapped.frame, field_name)
            ours = set(child.by_maker(field_name, set(column.to_pylist()) - {None})[maker])
            ours = {each for each in ours if self._source_keys(maker, [each]) <= wanted}
            theirs |= {key for key, cell in zip(mapped.source_keys, column.to_pylist(), strict=True) if cell in ours}
        return theirs
