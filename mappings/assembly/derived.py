"""The source object that an assembly stands for: its schema, and the zones of its wall clock times.

Its fields: the parts of the key; for each contributor whether it has a record (`agreed`); the fields that the assembly
itself names; and every field of each contributor (`agreed.disc`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from ...connectors.schema import Field, FieldType, ObjectSchema, Schema
from ..language import Assemble, AssembledField, MappingFile

_NUMBERS = (FieldType.INTEGER, FieldType.DECIMAL, FieldType.FLOAT)


def with_assemblies(files: Sequence[MappingFile], source: Schema) -> Schema:
    """The source's schema and the objects that these mappings put together. Contributors that there are not give no
    fields: `check_assembly` tells of them."""
    made = {
        file.model.from_: assembled_object(file.model.from_, file.model.assemble, source)
        for file in files
        if file.model.assemble is not None
    }
    return Schema({**source.objects, **made}) if made else source


def assembled_object(name: str, assemble: Assemble, source: Schema) -> ObjectSchema:
    fields = [
        *(_key_part(assemble, part, source) for part in range(len(assemble.key))),
        *(Field(each, FieldType.BOOLEAN, required=True) for each in assemble.contributors),
        *(merged_field(assemble, each, source) for each in assemble.fields),
    ]
    for each, contributor in assemble.contributors.items():
        described = source.object(contributor.from_)
        sure = each in assemble.required
        fields += [
            replace(field, name=f"{each}.{field.name}", required=sure and field.required, unique=False)
            for field in (described.fields if described is not None else ())
        ]
    return ObjectSchema(name, assemble.key, tuple(fields))


def source_field(assembled: AssembledField, name: str, contributor: str) -> str:
    """How a contributor calls the field of that name."""
    return assembled.from_.get(contributor, name)


def key_fields(assemble: Assemble, contributor: str) -> tuple[str, ...]:
    return assemble.contributors[contributor].key or assemble.key


def merged_field(assemble: Assemble, name: str, source: Schema) -> Field:
    """Of the contributors' own type where they agree; a decimal where all are numbers; text otherwise."""
    given = list(_given(assemble, name, source))
    kinds = {each.type for each in given}
    sure = bool(given) and given[0].required and assemble.fields[name].prefer[0] in assemble.required
    if len(kinds) == 1:
        widest = max(given, key=lambda each: (each.length is None, each.length or 0))
        scales = {each.scale for each in given}
        scale = max((each or 0 for each in scales), default=0) if None not in scales else None
        return replace(
            widest, name=name, required=sure, unique=False, precision=None, scale=scale, minimum=None, maximum=None
        )
    return Field(name, FieldType.DECIMAL if kinds and kinds <= set(_NUMBERS) else FieldType.TEXT, required=sure)


def _given(assemble: Assemble, name: str, source: Schema) -> Iterator[Field]:
    for each in assemble.fields[name].prefer:
        contributor = assemble.contributors.get(each)
        described = source.object(contributor.from_) if contributor is not None else None
        own = source_field(assemble.fields[name], name, each)
        field = described.field(own) if described is not None else None
        if field is not None:
            yield field


def _key_part(assemble: Assemble, part: int, source: Schema) -> Field:
    """Text, unless every contributor has it as the same kind of number."""
    found = []
    for name, contributor in assemble.contributors.items():
        described, own = source.object(contributor.from_), key_fields(assemble, name)
        found.append(described.field(own[part]) if described is not None and part < len(own) else None)
    kinds = {None if each is None else each.type for each in found}
    changed = any(each.transform for each in assemble.contributors.values())
    same = next(iter(kinds)) if len(kinds) == 1 else None
    kind = same if same in (FieldType.INTEGER, FieldType.DECIMAL) and not changed else FieldType.TEXT
    return Field(assemble.key[part], kind or FieldType.TEXT, required=True)


def settled_by(file: MappingFile) -> set[str]:
    """Fields of the assembled object that need no rule: they take part in putting it together."""
    assemble = file.model.assemble
    if assemble is None:
        return set()
    settled = {*assemble.contributors}
    for name, contributor in assemble.contributors.items():
        by = [contributor.several.by] if contributor.several.by else []
        settled |= {
            f"{name}.{each}"
            for each in (*key_fields(assemble, name), *(contributor.where.names if contributor.where else ()), *by)
        }
    for name, field in assemble.fields.items():
        settled |= {f"{each}.{source_field(field, name, each)}" for each in field.prefer}
    return settled


def field_zones(
    assemble: Assemble | None, source: ObjectSchema, zones: Mapping[str, ZoneInfo | None]
) -> dict[str, ZoneInfo | None]:
    """The zone of each field of an assembled object, where its contributors lie in several connections. No time is made
    of one that comes from more than one zone: see `torn_fields`."""
    if assemble is None or not zones:
        return {}
    of = {name: zones.get(each.from_.partition(".")[0]) for name, each in assemble.contributors.items()}
    told: dict[str, ZoneInfo | None] = {}
    for field in source.fields:
        contributor, dot, _ = field.name.partition(".")
        if dot and contributor in of:
            told[field.name] = of[contributor]
        elif field.name in assemble.fields:
            told[field.name] = of.get(assemble.fields[field.name].prefer[0])
    return told


def torn_fields(assemble: Assemble, zones: Mapping[str, ZoneInfo | None]) -> set[str]:
    """Fields whose contributors' wall clocks are not in one zone."""
    of = {name: zones.get(each.from_.partition(".")[0]) for name, each in assemble.contributors.items()}
    return {name for name, field in assemble.fields.items() if len({str(of.get(each)) for each in field.prefer}) > 1}
