"""References to records of several kinds: that a key tells whose it is, on our side and on the target's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from ...connectors.finding import Finding, Severity
from ...connectors.schema import FieldType, Schema
from ..language import MappingFile
from .place import finding_in

BLOCKS = Severity.BLOCKS
_NUMBERS = (FieldType.INTEGER, FieldType.DECIMAL)


def check_kinds(files: Mapping[str, MappingFile], target: Schema) -> Iterator[Finding]:
    """Every rule of every mapping that refers to more than one."""
    for file in files.values():
        for name, rule in file.model.fields.items():
            parents = {maker: files[maker] for _, way in rule.ways() for _, maker in way.makers if maker in files}
            if len(parents) > 1:
                yield from _check_ours(file, name, list(parents.values()))
                yield from _check_theirs(file, name, sorted({each.model.to for each in parents.values()}), target)


def _check_ours(file: MappingFile, name: str, parents: list[MappingFile]) -> Iterator[Finding]:
    """Two mappings of one source object give its records keys of ours that are told apart by branches alone."""
    for one, other in combinations(parents, 2):
        apart = one.branch and other.branch and one.branch != other.branch
        if one.model.from_ == other.model.from_ and not apart:
            told = {"first": one.name, "second": other.name, "source": one.model.from_}
            yield finding_in(file, "mapping.reference_twins", BLOCKS, "fields", name, **told)


def _check_theirs(file: MappingFile, name: str, objects: list[str], target: Schema) -> Iterator[Finding]:
    """Where several objects number their records, a number in the field may be a record of either."""
    numbered = [each for each in objects if _is_numbered(target, each)]
    if len(numbered) > 1:
        told = {"name": name, "objects": ", ".join(numbered)}
        yield finding_in(file, "mapping.reference_numbers", BLOCKS, "fields", name, **told)


def _is_numbered(target: Schema, object_name: str) -> bool:
    schema = target.object(object_name)
    keys = [schema.field(part) for part in schema.key] if schema else []
    return len(keys) == 1 and keys[0] is not None and keys[0].type in _NUMBERS
