"""From a pair of fields to the rule that the language would need for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ...connectors.schema import Field, FieldType
from ..language import MappingFile
from ..profiling.profile import Kind, ObjectProfile
from .choices import choice_pairs
from .draft import Drafted
from .likeness import Reason
from .pairing import Pair
from .words import words_of

DATE_FORMATS: Final = ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y%m%d"]
_NUMBERS: Final = (FieldType.INTEGER, FieldType.DECIMAL, FieldType.FLOAT)
_TEXTS: Final = (FieldType.TEXT, FieldType.CHOICE)
_ONCE: Final = {"write": "only_create"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule depends on besides its two fields.

    name, source, target: of the mapping that is drafted. others: the project's mappings that could be read. people: the
    target's object of people, where the project configures them. cells: different cells of source fields that become
    choices, where there are few. profile: of the source object.
    """

    name: str
    source: str
    target: str
    others: Mapping[str, MappingFile]
    people: str | None
    cells: Mapping[str, tuple[str, ...]]
    profile: ObjectProfile | None


def rule_for(pair: Pair, around: Surroundings) -> Drafted:
    """A field of people, a reference, a choice, or a plain field with what its cells look like in mind; written once
    where the target takes no more."""
    drafted = _drafted(pair.source, pair.target, around)
    if pair.target.changeable:
        return drafted
    rule = {"from": drafted.rule} if isinstance(drafted.rule, str) else drafted.rule
    return replace(drafted, rule={**rule, **_ONCE})


def _drafted(source: Field, target: Field, around: Surroundings) -> Drafted:
    if target.type is FieldType.REFERENCE:
        return _reference(source, target, around)
    if source.type is FieldType.REFERENCE and target.type in _TEXTS:
        return Drafted(source.name, (Reason("suggest.a_key_not_a_name"),), live=False)
    if target.type is FieldType.CHOICE and target.choices and source.name in around.cells:
        return _choice(source, target, around.cells[source.name])
    transform = _transform(source, target, around.profile)
    first = _ONCE if _is_noted_once(target) else {}
    if transform is None and not first:
        return Drafted(source.name)
    return Drafted({"from": source.name, **({"transform": transform} if transform else {}), **first})


def _reference(source: Field, target: Field, around: Surroundings) -> Drafted:
    if around.people is not None and around.people in target.references:
        return Drafted({"from": source.name, "people": True})
    of_itself = around.target in target.references and (not source.references or around.source in source.references)
    fitting = [
        name
        for name, file in sorted(around.others.items())
        if file.model.to in target.references and (not source.references or file.model.from_ in source.references)
    ]
    if of_itself:
        return Drafted({"from": source.name, "reference": around.name})
    if fitting:
        return Drafted({"from": source.name, "reference": fitting[0]})
    parent = mapping_name(target.references[0]) if target.references else "?"
    missing = Reason("suggest.no_parent", {"object": ", ".join(target.references) or "?"})
    return Drafted({"from": source.name, "reference": parent}, (missing,), live=False)


def _choice(source: Field, target: Field, cells: tuple[str, ...]) -> Drafted:
    found = choice_pairs(cells, target.choices)
    if found.alike:
        return Drafted(source.name)
    if not found.pairs:
        return Drafted(
            source.name, (Reason("suggest.no_choice", {"choices": ", ".join(target.choices[:12])}),), False, found.open
        )
    rule: dict[str, object] = {"from": source.name, "values": found.pairs, "otherwise": "reject"}
    return Drafted(rule, open=found.open)


def _transform(source: Field, target: Field, profile: ObjectProfile | None) -> object:
    measured = profile.field(source.name) if profile else None
    if measured is None or source.type not in _TEXTS:
        return None
    match measured.kind:
        case Kind.NUMBER if target.type in _NUMBERS:
            return "number"
        case Kind.BOOLEAN if target.type is FieldType.BOOLEAN:
            return "boolean"
        case Kind.DATE if target.type is FieldType.DATE:
            return {"date": {"formats": DATE_FORMATS}}
        case Kind.EMAIL | Kind.PHONE | Kind.URL:
            return "trim"
        case _:
            return None


def _is_noted_once(target: Field) -> bool:
    """When and by whom a record was made: written with it, and never again."""
    return any("created" in word.meanings for word in words_of(target.name))


def mapping_name(object_name: str) -> str:
    """What a mapping to that object may be called."""
    name = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "_-") else "_" for letter in object_name
    )
    return name if name[:1].isalpha() else f"to_{name.strip('_') or 'object'}"
