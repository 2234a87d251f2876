"""A mapping with one thing changed: what its examples ought to notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import pyarrow as pa

from .cases import CasesRule
from .compiled import CompiledMapping
from .condition import CompiledConditions
from .kinds import KindsRule
from .language import Otherwise
from .people_rule import PeopleRule
from .rule import CompiledRule, ValueMap
from .transform import BoundTransform, WrongArgumentError


@dataclass(frozen=True, slots=True)
class Mutation:
    """code: of the text that says what was changed, filled by params. field: the target field whose rule it was, or the
    source field of a line of `where`. mapping: the changed one. line: where that stands in the file."""

    code: str
    params: Mapping[str, str | int]
    field: str
    mapping: CompiledMapping
    line: int


def mutations(mapping: CompiledMapping) -> Iterator[Mutation]:
    """Every mutation of the mapping, in the order of its rules, then of `where`."""
    file = mapping.mapping_file
    for place, rule in enumerate(mapping.rules):
        for code, params, changed in _of_rule(mapping, rule):
            rules = (*mapping.rules[:place], changed, *mapping.rules[place + 1 :])
            yield Mutation(code, params, rule.field.name, replace(mapping, rules=rules), rule.line)
    if mapping.conditions is not None and file.model.where is not None:
        places = (path for path, _, _ in file.model.where.leaves(("where",)))
        for path, (name, conditions) in zip(places, _without_one(mapping.conditions), strict=True):
            without = replace(mapping, conditions=conditions)
            yield Mutation("mutation.where", {"name": name}, name, without, file.line(*path))


def _without_one(said: CompiledConditions) -> Iterator[tuple[str, CompiledConditions | None]]:
    """The conditions less one of them, each in turn, and its field; in the order of `Conditions.leaves`."""
    for place, leaf in enumerate(said.leaves):
        yield leaf.field.name, _or_none(replace(said, leaves=(*said.leaves[:place], *said.leaves[place + 1 :])))
    for place, each in enumerate(said.all):
        for name, inner in _without_one(each):
            kept = (*said.all[:place], *([inner] if inner else []), *said.all[place + 1 :])
            yield name, _or_none(replace(said, all=kept))
    for place, each in enumerate(said.any):
        for name, inner in _without_one(each):
            kept = (*said.any[:place], *([inner] if inner else []), *said.any[place + 1 :])
            yield name, _or_none(replace(said, any=kept))
    if said.negated is not None:
        for name, inner in _without_one(said.negated):
            yield name, _or_none(replace(said, negated=inner))


def _or_none(said: CompiledConditions) -> CompiledConditions | None:
    return said if said.leaves or said.all or said.any or said.negated else None


_Changed = tuple[str, dict[str, str | int], CompiledRule]


def _of_rule(mapping: CompiledMapping, rule: CompiledRule) -> Iterator[_Changed]:
    if isinstance(rule, CasesRule):
        yield from _of_cases(mapping, rule)
        return
    yield from _transforms(rule)
    if rule.values is not None:
        yield from _values(rule, rule.values)
    if rule.constant is not None:
        yield "mutation.constant", {}, replace(rule, constant=_null(rule.constant))
    if rule.default is not None:
        yield "mutation.default", {}, replace(rule, default=None)
    if rule.parent is not None and len(rule.sources) == 1:
        yield "mutation.reference", {"name": rule.parent.mapping}, replace(rule, parent=None)
    if isinstance(rule, KindsRule):
        for kind, parent in rule.of.items():
            left = {each: keys for each, keys in rule.of.items() if each != kind}
            yield "mutation.kind", {"kind": kind, "name": parent.mapping}, replace(rule, of=left)
    yield from _people(rule)
    other = _another_source(mapping, rule)
    if other is not None:
        swapped = rule.rule.model_copy(update={"from_": (other, *rule.sources[1:])})
        yield "mutation.source", {"name": rule.sources[0], "other": other}, replace(rule, rule=swapped)


def _people(rule: CompiledRule) -> Iterator[_Changed]:
    said = rule.rule
    if said.people:
        yield "mutation.people", {}, replace(rule, rule=said.model_copy(update={"people": False}))
    if isinstance(said.people, PeopleRule):
        yield "mutation.people_form", {}, replace(rule, rule=said.model_copy(update={"people": True}))
    if said.department:
        yield "mutation.department", {}, replace(rule, rule=said.model_copy(update={"department": False}))


def _of_cases(mapping: CompiledMapping, rule: CasesRule) -> Iterator[_Changed]:
    """Each of its cases with one thing changed, and each single condition taken away."""
    if rule.default is not None:
        yield "mutation.default", {}, replace(rule, default=None)
    for place, case in enumerate(rule.cases):
        before, after = rule.cases[:place], rule.cases[place + 1 :]
        for code, told, inner in _of_rule(mapping, case.rule):
            yield code, told, replace(rule, cases=(*before, replace(case, rule=inner), *after))
        for name, fewer in _without_one(case.when) if case.when else ():
            changed = replace(rule, cases=(*before, replace(case, when=fewer), *after))
            yield "mutation.when", {"name": name}, changed


def _null(scalar: pa.Scalar) -> pa.Scalar:
    return pa.scalar(None, scalar.type)


def _transforms(rule: CompiledRule) -> Iterator[_Changed]:
    for place, bound in enumerate(rule.transforms):
        before, after = rule.transforms[:place], rule.transforms[place + 1 :]
        name = bound.transform.name
        if not bound.transform.joins:
            yield "mutation.transform", {"name": name}, replace(rule, transforms=(*before, *after))
        for argument, other in _other_arguments(bound):
            told: dict[str, str | int] = {"name": name, "argument": argument}
            yield "mutation.argument", told, replace(rule, transforms=(*before, other, *after))


def _other_arguments(bound: BoundTransform) -> Iterator[tuple[str, BoundTransform]]:
    """Each whole number among the arguments one greater, where the transform takes that."""
    for name, value in bound.arguments.items():
        if isinstance(value, int) and not isinstance(value, bool):
            try:
                yield name, bound.transform.bind({**bound.arguments, name: value + 1})
            except WrongArgumentError:
                continue


def _values(rule: CompiledRule, values: ValueMap) -> Iterator[_Changed]:
    """Each of the map's results with the next one in its place, and `otherwise` taken away."""
    results = list(dict.fromkeys(values.values.values()))
    for one, other in pairwise(results):
        turned = {one: other, other: one}
        swapped = {key: turned.get(result, result) for key, result in values.values.items()}
        told: dict[str, str | int] = {"name": _shown(one), "other": _shown(other)}
        yield "mutation.values", told, replace(rule, values=replace(values, values=swapped))
    instead = Otherwise(kind="keep" if values.otherwise.kind == "reject" else "reject")
    changed = replace(rule, values=replace(values, otherwise=instead))
    yield "mutation.otherwise", {"name": values.otherwise.kind, "other": instead.kind}, changed


def _shown(result: str | None) -> str:
    return "null" if result is None else result


def _another_source(mapping: CompiledMapping, rule: CompiledRule) -> str | None:
    """The next field of the rule's first field's type: one that the mapping uses, else any of the object."""
    if not rule.sources:
        return None
    used, every = mapping.source_fields, mapping.source.field_names
    start = used.index(rule.sources[0])
    kinds = {each.name: each.type for each in mapping.source.fields}
    wanted = kinds[rule.sources[0]]
    candidates = (*used[start + 1 :], *used[:start], *every)
    return next((name for name in candidates if kinds[name] == wanted and name not in rule.sources), None)
