"""Whether what is to be folded can be: children, keys, fields; and that nothing of the children is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from ...connectors.finding import Finding, Severity
from ...connectors.nearest import labelled, nearest
from ...connectors.schema import ObjectSchema, Schema
from ..branches import models_of_file
from ..checking.conditions import check_conditions
from ..checking.place import Examined, finding_in, labels
from ..language import Fold, MappingFile, spoken_of
from . import FOLD, called
from .compiled import used_fields
from .filed import ENDING
from .lines import fields_in

BLOCKS, WARNS = Severity.BLOCKS, Severity.WARNS
ZoneOf = Callable[[str], ZoneInfo | None]
_NO_OBJECT = ObjectSchema("", (), ())


def check_folds(
    file: MappingFile, parent: ObjectSchema, source: Schema, others: Mapping[str, MappingFile], zone_of: ZoneOf
) -> Iterator[Finding]:
    """Everything about the `fold` of one mapping. parent: its source object as the source has it. zone_of: the zone of
    the wall clock times of an object."""
    models = models_of_file(file)
    named = {name for each in models for name in spoken_of(each) - each.drop.keys()}
    for name, spec in file.model.fold.items():
        if parent.field(called(name)) is not None:
            yield finding_in(file, "fold.name_taken", BLOCKS, FOLD, name, name=called(name))
        first = _first_of(name, file, others)
        if first.model.fold[name].does() != spec.does():
            told: dict[str, str | int] = {"name": called(name), "object": parent.name, "first": first.file}
            yield finding_in(file, "fold.name_twice", BLOCKS, FOLD, name, **told)
        if called(name) not in named:
            yield finding_in(file, "fold.unused", BLOCKS, FOLD, name, name=called(name))
        child = source.object(spec.from_)
        if child is None:
            known = {each: found.label for each, found in source.objects.items()}
            told = {"name": spec.from_, "nearest": nearest(spec.from_, known)}
            yield finding_in(file, "mapping.no_source_object", BLOCKS, FOLD, name, "from", **told)
            continue
        yield from _check_one(file, name, spec, parent, child, zone_of(child.name))
        yield from _left_over(file, name, child, list(others.values()))


def _first_of(name: str, file: MappingFile, others: Mapping[str, MappingFile]) -> MappingFile:
    """The first mapping of the same source object that has a fold of this name."""
    same = (each for each in others.values() if each.model.from_ == file.model.from_)
    return next((each for each in same if name in each.model.fold), file)


def _check_one(
    file: MappingFile, name: str, spec: Fold, parent: ObjectSchema, child: ObjectSchema, zone: ZoneInfo | None
) -> Iterator[Finding]:
    if len(spec.by) != len(parent.key):
        told: dict[str, str | int] = {"given": len(spec.by), "object": parent.name, "wanted": ", ".join(parent.key)}
        yield finding_in(file, "fold.key_parts", BLOCKS, FOLD, name, "by", **told)
    if not fields_in(spec.line):
        yield finding_in(file, "fold.no_field", BLOCKS, FOLD, name, "line")
    named = (("by", spec.by), ("order", spec.order), ("line", fields_in(spec.line)), ("drop", spec.drop))
    of_child = [(key, each, child) for key, fields in named for each in dict.fromkeys(fields)]
    for key, each, owner in [*of_child, *(("file", each, parent) for each in fields_in(spec.file))]:
        if owner.field(each) is None:
            told = {"object": owner.name, "name": each, "nearest": nearest(each, labels(owner.fields))}
            yield finding_in(file, "mapping.no_source_field", BLOCKS, FOLD, name, key, **told)
    if spec.file and not ENDING.search(spec.file[-1]):
        yield finding_in(file, "fold.no_ending", BLOCKS, FOLD, name, "file")
    for each in spec.drop:
        if each in used_fields(spec):
            yield finding_in(file, "mapping.mapped_and_dropped", BLOCKS, FOLD, name, "drop", each, name=each)
    if spec.where is not None:
        alone = Examined(file, child, _NO_OBJECT, zone, None, False, {}, {})
        yield from check_conditions(alone, spec.where, FOLD, name, "where")


def _left_over(file: MappingFile, name: str, child: ObjectSchema, files: Iterable[MappingFile]) -> Iterator[Finding]:
    """Fields of a child that no fold uses or drops: once, for the first of them. Where a mapping moves the child as
    well, its own check tells."""
    folding = [each for each in files if any(spec.from_ == child.name for spec in each.model.fold.values())]
    reading = {object_name for each in files for object_name in _read_whole(each)}
    first = folding[0]
    place = next(each for each, spec in first.model.fold.items() if spec.from_ == child.name)
    if child.name in reading or first.file != file.file or first.branch != file.branch or place != name:
        return
    settled = settled_by_folds(child.name, folding) | set(child.key)
    for field in child.fields:
        if field.name not in settled:
            called = labelled(field.name, field.label)
            found = finding_in(file, "mapping.left_over", WARNS, FOLD, name, called=called)
            yield replace(found, object=child.name, field=field.name, mapping=file.model.mapping)


def _read_whole(file: MappingFile) -> set[str]:
    """The source objects whose fields a mapping has to speak of."""
    assemble = file.model.assemble
    return {file.model.from_} if assemble is None else {each.from_ for each in assemble.contributors.values()}


def settled_by_folds(object_name: str, files: Iterable[MappingFile]) -> set[str]:
    """Fields of this object that a fold uses or drops, those that it makes, and those after which it calls a file."""
    folds = [(file.model.from_, *each) for file in files for each in file.model.fold.items()]
    of_child = [name for _, _, spec in folds if spec.from_ == object_name for name in (*used_fields(spec), *spec.drop)]
    mine = [name for of, own, spec in folds if of == object_name for name in (called(own), *fields_in(spec.file))]
    return {*of_child, *mine}
