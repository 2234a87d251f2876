"""Whether what is to be put together can be: contributors, keys, fields, and names that are not told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from zoneinfo import ZoneInfo

from ...connectors.finding import Finding, Severity
from ...connectors.nearest import nearest
from ...connectors.schema import FieldType, ObjectSchema, Schema
from ..checking.conditions import check_conditions
from ..checking.place import Examined, finding_in, labels
from ..language import Assemble, MappingFile
from ..transform import WrongArgumentError, available
from .derived import key_fields, source_field, torn_fields

BLOCKS = Severity.BLOCKS
ZoneOf = Callable[[str], ZoneInfo | None]
_NO_OBJECT = ObjectSchema("", (), ())
_TIMES = (FieldType.INSTANT, FieldType.LOCAL_TIME)


def check_assembly(file: MappingFile, source: Schema, zone_of: ZoneOf) -> Iterator[Finding]:
    """Everything about the `assemble` of one mapping. source: without assembled objects. zone_of: the zone of the wall
    clock times of an object."""
    assemble = file.model.assemble
    if assemble is None:
        return
    if file.model.from_ in source.objects:
        yield finding_in(file, "assembly.name_taken", BLOCKS, "mapping", name=file.model.from_)
    yield from _check_names(file, assemble)
    for name, contributor in assemble.contributors.items():
        described = source.object(contributor.from_)
        place = ("assemble", "contributors", name)
        if described is None:
            known = {each: found.label for each, found in source.objects.items()}
            told = {"name": contributor.from_, "nearest": nearest(contributor.from_, known)}
            yield finding_in(file, "mapping.no_source_object", BLOCKS, *place, "from", **told)
        else:
            yield from _check_contributor(file, assemble, name, described, zone_of(described.name))
    yield from _check_fields(file, assemble, source)


def _check_names(file: MappingFile, assemble: Assemble) -> Iterator[Finding]:
    given = Counter([*assemble.key, *assemble.contributors, *assemble.fields])
    for name, number in given.items():
        if number > 1 or "." in name:
            place = next((each for each in ("contributors", "fields") if name in getattr(assemble, each)), "key")
            code = "assembly.name_twice" if number > 1 else "assembly.name_with_dot"
            yield finding_in(file, code, BLOCKS, "assemble", place, name, name=name)
    for at, name in enumerate(assemble.required):
        yield from _known(file, assemble, name, "assemble", "required", at)


def _known(file: MappingFile, assemble: Assemble, name: str, *path: str | int) -> Iterator[Finding]:
    if name not in assemble.contributors:
        told = {"name": name, "nearest": nearest(name, list(assemble.contributors))}
        yield finding_in(file, "assembly.no_contributor", BLOCKS, *path, **told)


def _check_contributor(
    file: MappingFile, assemble: Assemble, name: str, described: ObjectSchema, zone: ZoneInfo | None
) -> Iterator[Finding]:
    contributor = assemble.contributors[name]
    place = ("assemble", "contributors", name)
    key = key_fields(assemble, name)
    if len(key) != len(assemble.key):
        told: dict[str, str | int] = {"name": name, "given": len(key), "wanted": ", ".join(assemble.key)}
        yield finding_in(file, "assembly.key_parts", BLOCKS, *place, "key", **told)
    if contributor.where is not None:
        alone = Examined(file, described, _NO_OBJECT, zone, None, False, {}, {})
        yield from check_conditions(alone, contributor.where, *place, "where")
    named = [(("key",), each) for each in key]
    named += [(("several",), contributor.several.by)] if contributor.several.by else []
    for path, field in named:
        yield from _in_object(file, described, field, *place, *path)
    for at, call in enumerate(contributor.transform):
        transform = available().get(call.name)
        if transform is None:
            close = nearest(call.name, available().keys())
            yield finding_in(
                file, "mapping.no_transform", BLOCKS, *place, "transform", at, name=call.name, nearest=close
            )
            continue
        if transform.joins:
            yield finding_in(file, "assembly.joins", BLOCKS, *place, "transform", at, name=call.name)
        try:
            transform.bind(call.arguments)
        except WrongArgumentError as error:
            for problem in error.problems:
                code, at_fault = "mapping.wrong_argument", (*place, "transform", at)
                yield finding_in(file, code, BLOCKS, *at_fault, name=call.name, problem=problem)


def _in_object(file: MappingFile, described: ObjectSchema, name: str, *path: str | int) -> Iterator[Finding]:
    if described.field(name) is None:
        told = {"object": described.name, "name": name, "nearest": nearest(name, labels(described.fields))}
        yield finding_in(file, "mapping.no_source_field", BLOCKS, *path, **told)


def _check_fields(file: MappingFile, assemble: Assemble, source: Schema) -> Iterator[Finding]:
    for name, field in assemble.fields.items():
        place = ("assemble", "fields", name)
        for at, each in enumerate(field.prefer):
            yield from _known(file, assemble, each, *place, "prefer", at)
            if field.prefer.count(each) > 1:
                yield finding_in(file, "assembly.preferred_twice", BLOCKS, *place, "prefer", at, name=each)
                break
            contributor = assemble.contributors.get(each)
            described = source.object(contributor.from_) if contributor is not None else None
            if described is not None:
                own = source_field(field, name, each)
                yield from _in_object(file, described, own, *place, *(("from", each) if each in field.from_ else ()))
        for each in field.from_:
            if each not in field.prefer:
                yield finding_in(file, "assembly.not_preferred", BLOCKS, *place, "from", each, name=each)


def check_clocks(examined: Examined, zones: Mapping[str, ZoneInfo | None]) -> Iterator[Finding]:
    """A time of one field cannot come from wall clocks of several zones: nobody could tell afterwards which it was."""
    assemble = examined.file.model.assemble
    torn = torn_fields(assemble, zones) if assemble is not None and zones else set()
    for name, rule, field in examined.filled():
        for each in rule.from_:
            if each in torn and field.type in _TIMES:
                yield examined.found("assembly.clocks", BLOCKS, "fields", name, name=each)
