"""Parents before children: in what order mappings are loaded, and which references of a true cycle wait."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Protocol, TypeAlias

from ..connectors.finding import Finding, Severity
from ..connectors.schema import Field

Cuts: TypeAlias = dict[str, dict[str, set[str]]]
"""Mapping -> target field -> the mappings for which it has to wait."""


class Referring(Protocol):
    """What of a compiled mapping matters here. references: target field -> mappings that make parents."""

    @property
    def target_fields(self) -> tuple[Field, ...]: ...

    @property
    def references(self) -> Mapping[str, Collection[str]]: ...

    @property
    def rule_lines(self) -> Mapping[str, tuple[str, int]]: ...


def load_order(mappings: Mapping[str, Referring]) -> list[str]:
    """Every mapping once, each behind those it refers to, and otherwise in the given order.

    Where mappings refer to each other in a circle, one is put first whose references into the circle may be empty, as
    far as that is possible; `cut_references` tells which of its references then wait.
    """
    ordered: list[str] = []
    for group in _circles(mappings):
        waiting = list(group)
        while waiting:
            chosen = min(waiting, key=lambda name: _cost(mappings, name, set(waiting) - {name}, waiting.index(name)))
            ordered.append(chosen)
            waiting.remove(chosen)
    return ordered


def cut_references(mappings: Mapping[str, Referring]) -> Cuts:
    """Mapping -> target fields that refer to mappings loaded later -> these. They are written by a second operation. A
    reference of a mapping to itself is not among them: those are loaded level by level."""
    order = load_order(mappings)
    cut: Cuts = {}
    for place, name in enumerate(order):
        later = set(order[place + 1 :])
        waited = {field: later.intersection(parents) for field, parents in mappings[name].references.items()}
        fields = {field: parents for field, parents in waited.items() if parents}
        if fields:
            cut[name] = fields
    return cut


def check_order(mappings: Mapping[str, Referring]) -> Iterator[Finding]:
    """INFO for each circle of references; BLOCKS for each cut that meets a field which cannot wait."""
    for group in _circles(mappings):
        if len(group) > 1:
            yield Finding(
                "mapping.reference_circle", Severity.INFO, {"names": " > ".join([*group, group[0]])}, mapping=group[0]
            )
    for name, fields in cut_references(mappings).items():
        for field in mappings[name].target_fields:
            if field.name in fields and _cannot_wait(field):
                file, line = mappings[name].rule_lines[field.name]
                told = {"name": field.name, "parent": ", ".join(sorted(mappings[name].references[field.name]))}
                yield Finding(
                    "mapping.circle_required" if field.required else "mapping.circle_not_changeable",
                    Severity.BLOCKS,
                    told,
                    mapping=name,
                    field=field.name,
                    file=file,
                    line=line,
                )


def _cost(mappings: Mapping[str, Referring], name: str, later: set[str], place: int) -> tuple[int, int, int]:
    """What it costs to load this one before `later`: references cut that cannot wait, references cut, and its given
    place."""
    needed = {field.name for field in mappings[name].target_fields if _cannot_wait(field)}
    cut = [field for field, parents in mappings[name].references.items() if later & {*parents}]
    return sum(field in needed for field in cut), len(cut), place


def _cannot_wait(field: Field) -> bool:
    """Whether a record can neither be created without it nor be given it by a second operation."""
    return field.required or not field.changeable


def _circles(mappings: Mapping[str, Referring]) -> list[list[str]]:
    """The mappings in groups, parents first; a group of several refers to itself in a circle."""
    places = {name: place for place, name in enumerate(mappings)}
    reach = {name: _reached(mappings, name) for name in mappings}
    groups: list[list[str]] = []
    for name in mappings:
        circle = [other for other in mappings if other == name or (name in reach[other] and other in reach[name])]
        if circle[0] == name:
            groups.append(circle)
    ordered: list[list[str]] = []
    while groups:
        ready = [group for group in groups if not _still_needed(group, groups, reach)]
        chosen = min(ready, key=lambda group: places[group[0]])
        ordered.append(chosen)
        groups.remove(chosen)
    return ordered


def _still_needed(group: list[str], groups: Iterable[list[str]], reach: Mapping[str, set[str]]) -> bool:
    return any(other[0] in reach[group[0]] for other in groups if other is not group)


def _reached(mappings: Mapping[str, Referring], name: str) -> set[str]:
    """Every other mapping that can be come to along references."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        for parent in chain.from_iterable(mappings[ahead.pop()].references.values()):
            if parent in mappings and parent not in found:
                found.add(parent)
                ahead.append(parent)
    return found
