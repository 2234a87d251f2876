"""totals.yaml: business totals that must agree on both sides, and whether they do, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ..connectors.finding import Finding, Severity
from ..connectors.nearest import nearest
from ..connectors.schema import ObjectSchema, Schema
from ..mappings.condition import Conditions, Strict, compile_conditions
from ..mappings.yaml.document import Document, YamlPath
from .group_sums import LEFT_BEHIND, Group, GroupSums, Sums

COUNT = "count"

_EXACT = Context(prec=400)


class TotalSide(Strict):
    """What is added up on one side. sum, group: fields of the object, both optional. where: as in a mapping; a record
    must meet every line to count."""

    object: str
    sum: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    where: Conditions | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that has to be read, each once."""
        return tuple(dict.fromkeys((*self.group, *self.sum, *(self.where.names if self.where else ()))))


class Total(Strict):
    """One total. The fields of `sum`, and those of `group`, pair off with the other side's in their order. groups: what
    a group is called in the source -> in the target; of several group fields each part is looked up."""

    name: str
    source: TotalSide
    target: TotalSide
    groups: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _pairs(self) -> Total:
        for each, source, target in (
            ("sum", self.source.sum, self.target.sum),
            ("group", self.source.group, self.target.group),
        ):
            if len(source) != len(target):
                told = {"total": self.name, "list": each, "source": len(source), "target": len(target)}
                raise PydanticCustomError("totals.uneven", "uneven", told)
        return self


class TotalsFile(Strict):
    """totals.yaml, to be read with `load_model`."""

    totals: Annotated[tuple[Total, ...], Field(min_length=1)]

    @field_validator("totals")
    @classmethod
    def _names(cls, totals: tuple[Total, ...]) -> tuple[Total, ...]:
        names = [each.name for each in totals]
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError("totals.name_twice", "name_twice", {"total": name})
        return totals


@dataclass(frozen=True, slots=True)
class TotalLine:
    """One measure of one group on both sides.

    name: the total's. group: the target's names of the group, None for an empty cell, () where there is no group field.
    measure: `count`, or the summed fields of source and target (`amount = amount_due`).
    source_total: all records of the source. left_behind: the part of those that did not move, also by reason in
    `left_by`. expected: what should lie in the target. target: what does. difference: target less expected.
    Counts are ints; sums are exact decimals.
    """

    name: str
    group: Group
    measure: str
    source_total: Decimal | int
    left_behind: Decimal | int
    left_by: Mapping[str, Decimal | int]
    expected: Decimal | int
    target: Decimal | int
    difference: Decimal | int
    equal: bool


def check_totals(file: TotalsFile, document: Document, source: Schema, target: Schema) -> list[Finding]:
    """Every object and field that totals.yaml names and the systems do not have: BLOCKS, with line and nearest word."""
    found = []
    for place, total in enumerate(file.totals):
        for side, schema in (("source", source), ("target", target)):
            found += _check_side(total, side, schema, document, ("totals", place, side))
    return found


def _check_side(total: Total, side: str, schema: Schema, document: Document, path: YamlPath) -> list[Finding]:
    asked: TotalSide = getattr(total, side)
    described = schema.object(asked.object)
    told: dict[str, str | int] = {"total": total.name, "side": f"@word.{side}", "object": asked.object}
    if described is None:
        near = told | {"nearest": nearest(asked.object, {name: each.label for name, each in schema.objects.items()})}
        line = document.line((*path, "object"))
        return [Finding("totals.object_unknown", Severity.BLOCKS, near, file=document.file, line=line)]
    places = [((*path, each, at), name) for each in ("sum", "group") for at, name in enumerate(getattr(asked, each))]
    places += [(place, name) for place, name, _ in (asked.where.leaves((*path, "where")) if asked.where else ())]
    labels = {each.name: each.label for each in described.fields}
    return [
        Finding(
            "totals.field_unknown",
            Severity.BLOCKS,
            told | {"field": name, "nearest": nearest(name, labels)},
            file=document.file,
            line=document.line(place),
        )
        for place, name in places
        if name not in labels
    ]


def group_sums(side: TotalSide, described: ObjectSchema) -> GroupSums:
    """Empty sums for one side, to be fed with the object's chunks. Raises KeyError for a field it does not have."""
    fields = {each.name: each for each in described.fields}
    return GroupSums(
        side.object,
        group=tuple(fields[name] for name in side.group),
        sum=tuple(fields[name] for name in side.sum),
        where=None if side.where is None else compile_conditions(side.where, fields.get),
    )


def compare_totals(total: Total, source: GroupSums, target: GroupSums) -> list[TotalLine]:
    """Both sides of one total, a line a group and measure; groups in order, `count` first.

    source: fed with every record of the source, each with the reason it was left behind for, or None. target: fed with
    every record of the target."""
    measures = [COUNT]
    for one, other in zip(total.source.sum, total.target.sum, strict=True):
        measures.append(one if one == other != COUNT else f"{one} = {other}")
    renamed = {reason: _renamed(sums, total.groups) for reason, sums in source.by_reason.items()}
    arrived = _renamed(target.moved, {})
    groups = {group for sums in renamed.values() for group in sums} | arrived.keys()
    lines = []
    for group in sorted(groups, key=lambda each: [(part is not None, part or "") for part in each]):
        for place, measure in enumerate(measures):
            parts = {reason: _measured(sums.get(group), place) for reason, sums in renamed.items()}
            lines.append(_line(total.name, group, measure, parts, _measured(arrived.get(group), place)))
    return lines


def _renamed(groups: Mapping[Group, Sums], names: Mapping[str, str]) -> dict[Group, Sums]:
    """Two groups that get one name become one."""
    renamed: dict[Group, Sums] = {}
    for group, sums in groups.items():
        called = tuple(None if part is None else names.get(part, part) for part in group)
        known = renamed.setdefault(called, Sums([Decimal(0)] * len(sums.totals)))
        known.add(sums.count, sums.totals)
    return renamed


def _measured(sums: Sums | None, place: int) -> Decimal | int:
    if sums is None:
        return 0
    return sums.count if place == 0 else sums.totals[place - 1]


def _line(
    name: str, group: Group, measure: str, parts: Mapping[str | None, Decimal | int], target: Decimal | int
) -> TotalLine:
    left = {reason: _shown(parts[reason], measure) for reason in LEFT_BEHIND if parts.get(reason)}
    moved = parts.get(None, 0)
    left_behind = _sum([parts[reason] for reason in left])
    difference = _sum([target, -moved if isinstance(moved, int) else moved.copy_negate()])
    return TotalLine(
        name=name,
        group=group,
        measure=measure,
        source_total=_shown(_sum([moved, left_behind]), measure),
        left_behind=_shown(left_behind, measure),
        left_by=left,
        expected=_shown(moved, measure),
        target=_shown(target, measure),
        difference=_shown(difference, measure),
        equal=difference == 0,
    )


def _sum(parts: list[Decimal | int]) -> Decimal | int:
    if all(isinstance(part, int) for part in parts):
        return sum(part for part in parts if isinstance(part, int))
    total = Decimal(0)
    for part in parts:
        total = _EXACT.add(total, Decimal(part))
    return total


def _shown(value: Decimal | int, measure: str) -> Decimal | int:
    """A count as it is, a sum without the trailing zeros of the scale it was added up in."""
    if measure == COUNT:
        return value
    plain = _EXACT.normalize(Decimal(value))
    return plain if int(plain.as_tuple().exponent) <= 0 else plain.quantize(Decimal(1), context=_EXACT)
