"""A mapping turned around: what the target's records would be in the source, rule by rule, as far as that can be told.

A rule can be turned around where every target cell that it makes comes from one source cell alone. Then two laws hold
for the cells that fit on both sides: out and back is what it was, and back and out is what it was. Every other rule
goes one way, and says why.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa

from ..connectors.cell import canonical_text, cast
from ..connectors.finding import Finding, Severity
from ..connectors.schema import Field, FieldType
from ..connectors.stored import plain_text
from . import transforms
from .compile import CompiledMapping, WritePolicy
from .kinds import KindsRule
from .language import Rule
from .people import People
from .people_rule import PeopleRule
from .rule import CompiledRule
from .transform import BoundTransform

KNOWN: Final = frozenset(
    ("from", "constant", "default", "transform", "values", "otherwise", "reference", "people", "outside")
) | {"write", "wins", "class"}
WHOLE: Final = frozenset(("mapping", "from", "to", "where", "match", "fields", "drop", "expect", "examples", "by_year"))
"""Of a mapping and of a rule, the keys that are understood here; what says more goes one way."""

_TEXTS = (FieldType.TEXT, FieldType.CHOICE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TRAPS = frozenset(("yes", "no", "on", "off", "y", "n", "true", "false", "null"))


@dataclass(frozen=True, slots=True)
class BackRule:
    """How a source field would be filled. source: the target field that it comes from. values: target text -> source
    text; None where the cell goes as it is. keep: what `values` does not have goes as it is too. once: the source takes
    it at creation only."""

    source: str
    values: Mapping[str, str] | None = None
    keep: bool = False
    reference: str | None = None
    people: bool = False
    once: bool = False


@dataclass(frozen=True, slots=True)
class Reversed:
    """mapping: of which this is the way back. rules: source field -> how it would be filled. one_way: INFO findings,
    one for each target field that does not come back, with file and line of its rule."""

    mapping: CompiledMapping
    rules: Mapping[str, BackRule] = field(default_factory=dict)
    one_way: tuple[Finding, ...] = ()

    @property
    def text(self) -> str:
        """A mapping file of the same name, from the target's object to the source's."""
        lines = [
            f"mapping: {_scalar(self.mapping.name)}",
            f"from: {_scalar(self.mapping.target.name)}",
            f"to: {_scalar(self.mapping.source.name)}",
            "fields:" if self.rules else "fields: {}",
        ]
        for name, rule in self.rules.items():
            lines.append(f"  {_scalar(name)}:")
            lines.append(f"    from: {_scalar(rule.source)}")
            if rule.reference is not None:
                lines.append(f"    reference: {_scalar(rule.reference)}")
            if rule.people:
                lines.append("    people: true")
            if rule.once:
                lines.append("    write: only_create")
            if rule.values is not None:
                lines.append("    values:")
                lines += [f"      {_quoted(here)}: {_quoted(there)}" for here, there in rule.values.items()]
                lines.append(f"    otherwise: {'keep' if rule.keep else 'reject'}")
        return "\n".join(lines) + "\n"


class _OneWay(Exception):  # noqa: N818 - it never leaves this module
    """code, params: why a rule cannot be turned around."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def reverse(mapping: CompiledMapping, mappings: Mapping[str, CompiledMapping], people: People | None) -> Reversed:
    """mappings: all of them, by name. people: who is who; None where the project does not say."""
    strange = mapping.mapping_file.meaning().keys() - WHOLE
    if strange or mapping.branch:
        names = ", ".join(sorted(strange)) or "branches"
        told = Finding("reverse.mapping_form", Severity.INFO, {"names": names}, mapping=mapping.name, file=mapping.file)
        return Reversed(mapping, {}, (told,))
    rules: dict[str, BackRule] = {}
    one_way: list[Finding] = []
    for rule in mapping.rules:
        try:
            name, back = _turned(mapping, rule, mappings, people)
            if name in rules:
                raise _OneWay("reverse.twice", source=name, first=rules[name].source)
            rules[name] = back
        except _OneWay as why:
            place = {"mapping": mapping.name, "field": rule.field.name, "file": rule.file, "line": rule.line}
            one_way.append(Finding(why.code, Severity.INFO, {"name": rule.field.name, **why.params}, **place))  # type: ignore[arg-type]
    return Reversed(mapping, rules, tuple(one_way))


def _turned(
    mapping: CompiledMapping, rule: CompiledRule, mappings: Mapping[str, CompiledMapping], people: People | None
) -> tuple[str, BackRule]:
    """(source field, how it would be filled)."""
    said = _said(rule.rule)
    if strange := said - KNOWN:
        raise _OneWay("reverse.rule_form", names=", ".join(sorted(strange)))
    if rule.rule.policy is WritePolicy.NEVER:
        raise _OneWay("reverse.rule_form", names="write: never")
    if isinstance(rule, KindsRule):
        raise _OneWay("reverse.kinds")
    if rule.constant is not None:
        raise _OneWay("reverse.constant")
    if len(rule.sources) != 1:
        raise _OneWay("reverse.several", count=len(rule.sources))
    source = mapping.source.field(rule.sources[0])
    if source is None or source.name in mapping.source.key:
        raise _OneWay("reverse.of_the_key", source=rule.sources[0])
    if not source.writable:
        raise _OneWay("reverse.not_writable", source=source.name)
    if rule.default is not None:
        raise _OneWay("reverse.default")
    if rule.rule.outside in ("null", "skip"):
        raise _OneWay("reverse.outside", policy=str(rule.rule.outside))
    return source.name, replace(_back(rule, source, mappings, people), once=not source.changeable)


def _said(rule: Rule) -> set[str]:
    """The keys of the rule, and those of what it says of people beyond `true`."""
    said = set(rule.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    more = rule.people.model_fields_set if isinstance(rule.people, PeopleRule) else ()
    return said | {f"people.{each}" for each in more}


def _back(
    rule: CompiledRule, source: Field, mappings: Mapping[str, CompiledMapping], people: People | None
) -> BackRule:
    name = rule.field.name
    if rule.transforms:
        if rule.values is not None or rule.parent is not None or rule.rule.people or len(rule.transforms) > 1:
            raise _OneWay("reverse.transform", transform=rule.transforms[0].transform.name)
        (bound,) = rule.transforms
        inverse = _inverse(bound)
        if inverse is None:
            raise _OneWay("reverse.transform", transform=bound.transform.name)
        return BackRule(name, _one_to_one(inverse, rule.field))
    if rule.values is not None:
        if rule.parent is not None or rule.rule.people:
            raise _OneWay("reverse.values_of_keys")
        return _values_back(rule, source)
    if rule.parent is not None:
        if rule.parent.mapping not in mappings:
            raise _OneWay("reverse.no_parent", parent=rule.parent.mapping)
        return BackRule(name, reference=rule.parent.mapping)
    if rule.rule.people:
        alike = people.merged if people is not None else 0
        if people is None or alike:
            raise _OneWay("reverse.people", count=alike)
        return BackRule(name, people=True)
    _require_alike(source, rule)
    return BackRule(name)


def _inverse(bound: BoundTransform) -> Mapping[str, str] | None:
    """What a transform declares of its way back with these arguments: text -> result, for every text that has one."""
    declared = getattr(importlib.import_module(f"{transforms.__name__}.{bound.transform.name}"), "inverse", None)
    told: Mapping[str, str] | None = None if declared is None else declared(**bound.arguments)
    return told


def _values_back(rule: CompiledRule, source: Field) -> BackRule:
    said = rule.values
    if said is None or said.otherwise.kind == "default":
        raise _OneWay("reverse.values_default")
    if any(result is None for result in said.values.values()):
        raise _OneWay("reverse.values_null")
    keep = said.otherwise.kind == "keep"
    if keep:
        _require_alike(source, rule)
        stays = set(said.values.values()) - said.values.keys()
        if stays:  # such a cell may have been kept, or may be a result
            raise _OneWay("reverse.values_kept", count=len(stays))
    back = _one_to_one({key: result for key, result in said.values.items() if result is not None}, rule.field)
    return BackRule(rule.field.name, back, keep)


def _one_to_one(values: Mapping[str, str], target: Field) -> dict[str, str]:
    """Result -> key, results as the target's cells are spelled."""
    results = list(values.values())
    typed, _ = cast(pa.array(results, pa.string()), replace(target, required=False))
    spelled = [text if text is not None else result for text, result in zip(_texts(typed), results, strict=True)]
    same = canonical_text(typed, target).to_pylist()
    told = [text if text is not None else result for text, result in zip(same, results, strict=True)]
    if len(set(told)) < len(told):
        raise _OneWay("reverse.many_to_one", count=len(told) - len(set(told)))
    return dict(zip(spelled, values, strict=True))


def _texts(column: pa.Array) -> Sequence[str | None]:
    texts: list[str | None] = plain_text(column).to_pylist()
    return texts


def _require_alike(source: Field, rule: CompiledRule) -> None:
    """Cells of both types stand for each other one to one. What does not fit is rejected on either way."""
    target = rule.field
    same = source.type is target.type or (source.type in _TEXTS and target.type in _TEXTS)
    whole = (source.type, target.type) == (FieldType.INTEGER, FieldType.DECIMAL)
    moved = target.type is FieldType.LOCAL_TIME and rule.target_zone is not None and rule.zone != rule.target_zone
    if moved or not (same or whole) or target.type in (FieldType.FLOAT, FieldType.REFERENCE):
        raise _OneWay("reverse.type", was=source.type.value, becomes=target.type.value)


def _scalar(text: str) -> str:
    return text if _NAME.fullmatch(text) and text.casefold() not in _TRAPS else _quoted(text)


def _quoted(text: str) -> str:
    """As JSON has it, which YAML reads alike."""
    return json.dumps(text, ensure_ascii=False)
