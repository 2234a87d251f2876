"""Conditions on source records, for `where` and `when`: what they may say, and whole columns judged by them.

A closed vocabulary: of single fields `equals`, `in`, `present`, `matches`, `at_least` and their like; over them `all`,
`any` and `not`. A condition holds, does not, or cannot be told: where a cell has to be compared with a limit and is no
number (or no date, or no time). What cannot be told is never guessed: `where` leaves such a record out and says so,
`when` makes it a misfit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic import Field as Key
from pydantic_core import PydanticCustomError

from ..connectors.casting import DEFAULT_SCALE
from ..connectors.cell import canonical_text, cast
from ..connectors.schema import Field, FieldType
from ..connectors.stored import plain_text
from .yaml.document import YamlPath


def _as_text(value: object) -> object:
    """Constants, defaults and compared values are texts, whether YAML took them for numbers or not."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


Literally = Annotated[str, BeforeValidator(_as_text)]


def as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def filled(value: object) -> object:
    """A list as a tuple that is not empty. pydantic's own `min_length` complains of wrong items a second time."""
    if value == []:
        raise PydanticCustomError("yaml.empty", "empty")
    return as_tuple(value)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


class Condition(Strict):
    """What a source cell must be; every key given must hold. A null cell equals nothing: it meets `not_equals` and
    `not_in`, `present: false`, and nothing else. present: neither null nor empty text (or, with false, one of the two).
    matches: an RE2 pattern that occurs in the cell's text. The limits compare numbers, dates or times."""

    equals: Literally | None = None
    not_equals: Literally | None = None
    in_: Annotated[tuple[Literally, ...] | None, Key(alias="in"), BeforeValidator(filled)] = None
    not_in: Annotated[tuple[Literally, ...] | None, BeforeValidator(filled)] = None
    present: bool | None = None
    matches: str | None = None
    at_least: Literally | None = None
    more_than: Literally | None = None
    at_most: Literally | None = None
    less_than: Literally | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if not self.model_dump(exclude_none=True):
            raise PydanticCustomError("mapping.condition_empty", "condition_empty")
        return self

    @property
    def limits(self) -> dict[str, str]:
        """The limits that are given, by key."""
        given = {name: getattr(self, name) for name in _COMPARE}
        return {name: limit for name, limit in given.items() if limit is not None}


class Conditions(Strict):
    """Conditions that must all hold: those on `fields`, those under `all`, one of those under `any`, and not all of
    those under `not`. In YAML the fields stand beside the other keys; a field that is called as one of them is told in
    full, `{field: any, equals: x}`."""

    fields: dict[str, Condition] = {}
    all: Annotated[tuple[Conditions, ...] | None, BeforeValidator(filled)] = None
    any: Annotated[tuple[Conditions, ...] | None, BeforeValidator(filled)] = None
    not_: Annotated[Conditions | None, Key(alias="not")] = None

    @model_validator(mode="before")
    @classmethod
    def _fields_apart(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("field"), str):
            return {"fields": {value["field"]: {key: said for key, said in value.items() if key != "field"}}}
        if not value:
            raise PydanticCustomError("mapping.condition_empty", "condition_empty")
        fields = {name: said for name, said in value.items() if name not in _GROUPS}
        return {"fields": fields} | {name: said for name, said in value.items() if name in _GROUPS}

    def leaves(self, path: YamlPath = ()) -> Iterator[tuple[YamlPath, str, Condition]]:
        """Each single condition: its place in the YAML, the source field, what is said of it."""
        for name, condition in self.fields.items():
            yield (*path, name), name, condition
        for key, group in (("all", self.all), ("any", self.any)):
            for place, each in enumerate(group or ()):
                yield from each.leaves((*path, key, place))
        if self.not_ is not None:
            yield from self.not_.leaves((*path, "not"))

    @property
    def names(self) -> tuple[str, ...]:
        """The source fields that are looked at, each once."""
        return tuple(dict.fromkeys(name for _, name, _ in self.leaves()))


_GROUPS = ("all", "any", "not")
_COMPARE: Mapping[str, Callable[[pa.Array, pa.Scalar], pa.BooleanArray]] = {
    "at_least": pc.greater_equal,
    "more_than": pc.greater,
    "at_most": pc.less_equal,
    "less_than": pc.less,
}
_UNTOLD = pa.scalar(None, pa.bool_())


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """What is said of one source field. zone: of wall clock times among cells and compared values."""

    field: Field
    condition: Condition
    zone: ZoneInfo | None = None

    def met(self, column: pa.Array) -> pa.BooleanArray:
        """A boolean a cell; null where a cell is to be compared with a limit and cannot be. Cells and compared texts
        are compared as values of the field's own type where they fit it, so that `0`, `0.00` and false are told apart
        only where the type does."""
        text = self._comparable(column)
        said = self.condition
        met = _every(len(column))
        for wanted, turned in (
            (None if said.equals is None else (said.equals,), False),
            (None if said.not_equals is None else (said.not_equals,), True),
            (said.in_, False),
            (said.not_in, True),
        ):
            if wanted is not None:
                known = self._comparable(pa.array(wanted, pa.string()))
                inside = pc.is_in(text, value_set=known.drop_null())
                met = pc.and_(met, pc.invert(inside) if turned else inside)
        if said.present is not None:
            there = pc.and_(text.is_valid(), pc.fill_null(pc.not_equal(text, ""), False))
            met = pc.and_(met, there if said.present else pc.invert(there))
        if said.matches is not None:
            met = pc.and_(met, pc.fill_null(pc.match_substring_regex(text, said.matches), False))
        return pc.and_kleene(met, self._within(column)) if said.limits else met

    def _within(self, column: pa.Array) -> pa.BooleanArray:
        limits = self.condition.limits
        kind = ordered_as(self.field, limits.values(), self.zone)
        if kind is None:
            raise ValueError(f"{self.field.name}: no order for {', '.join(limits.values())}")
        typed, missed = cast(column, kind, self.zone)
        met = _every(len(column))
        for name, limit in limits.items():
            bound = cast(pa.array([limit], pa.string()), kind, self.zone)[0][0]
            met = pc.and_(met, pc.fill_null(_COMPARE[name](typed, bound), False))
        return pc.if_else(missed, _UNTOLD, met)

    def _comparable(self, column: pa.Array) -> pa.StringArray:
        typed, missed = cast(column, self.field, self.zone)
        return pc.if_else(missed, plain_text(column), canonical_text(typed, self.field))


@dataclass(frozen=True, slots=True)
class CompiledConditions:
    """`Conditions` of which every field is known."""

    leaves: tuple[CompiledCondition, ...]
    all: tuple[CompiledConditions, ...] = ()
    any: tuple[CompiledConditions, ...] = ()
    negated: CompiledConditions | None = None

    @property
    def every(self) -> tuple[CompiledCondition, ...]:
        """The single conditions, wherever they stand."""
        inner = [*self.all, *self.any, *([self.negated] if self.negated else [])]
        return (*self.leaves, *(leaf for each in inner for leaf in each.every))

    @property
    def sources(self) -> tuple[str, ...]:
        """The source fields that are looked at, each once."""
        return tuple(dict.fromkeys(leaf.field.name for leaf in self.every))

    @property
    def zones(self) -> list[str]:
        """The zones that have a say in whether they hold."""
        timed = [leaf for leaf in self.every if leaf.field.type in (FieldType.INSTANT, FieldType.LOCAL_TIME)]
        return sorted({str(leaf.zone) for leaf in timed})

    def met(self, columns: Mapping[str, pa.Array], count: int) -> pa.BooleanArray:
        """A boolean a record; null where it cannot be told. columns: source field -> its cells."""
        met = _every(count)
        for leaf in self.leaves:
            met = pc.and_kleene(met, leaf.met(columns[leaf.field.name]))
        for each in self.all:
            met = pc.and_kleene(met, each.met(columns, count))
        if self.any:
            one = self.any[0].met(columns, count)
            for each in self.any[1:]:
                one = pc.or_kleene(one, each.met(columns, count))
            met = pc.and_kleene(met, one)
        if self.negated is not None:
            met = pc.and_kleene(met, pc.invert(self.negated.met(columns, count)))
        return met


def compile_conditions(
    said: Conditions, fields: Callable[[str], Field | None], zone: ZoneInfo | None = None
) -> CompiledConditions:
    """fields: the source field of that name. Raises KeyError for one that there is not."""
    leaves = []
    for name, condition in said.fields.items():
        field = fields(name)
        if field is None:
            raise KeyError(name)
        leaves.append(CompiledCondition(field, condition, zone))
    return CompiledConditions(
        tuple(leaves),
        tuple(compile_conditions(each, fields, zone) for each in said.all or ()),
        tuple(compile_conditions(each, fields, zone) for each in said.any or ()),
        None if said.not_ is None else compile_conditions(said.not_, fields, zone),
    )


def ordered_as(field: Field, limits: Iterable[str], zone: ZoneInfo | None) -> Field | None:
    """As what the cells of a field are put in order against these limits: a field of its own type; of a text, numbers
    where the limits are numbers, and times where they are dates or times. None where there is no order, or a limit does
    not belong to it."""
    told = list(limits)
    plain = replace(field, choices=(), required=False)
    number = replace(plain, type=FieldType.DECIMAL, scale=max([_places(field), *map(_places_of, told)]))
    match field.type:
        case FieldType.INTEGER | FieldType.DECIMAL:
            kinds = [number]
        case FieldType.FLOAT | FieldType.DATE | FieldType.LOCAL_TIME | FieldType.INSTANT:
            kinds = [plain]
        case FieldType.TEXT | FieldType.CHOICE | FieldType.REFERENCE:
            kinds = [number, replace(plain, type=FieldType.LOCAL_TIME)]
        case _:
            kinds = []
    column = pa.array(told, pa.string())
    return next((kind for kind in kinds if cast(column, kind, zone)[0].null_count == 0), None)


def _places(field: Field) -> int:
    return 0 if field.type is FieldType.INTEGER else DEFAULT_SCALE if field.scale is None else field.scale


def _places_of(limit: str) -> int:
    """Decimal places of a number, as many as a column can hold."""
    try:
        exponent = Decimal(limit.strip()).as_tuple().exponent
    except InvalidOperation:
        return 0
    return min(max(-exponent, 0), 2 * DEFAULT_SCALE) if isinstance(exponent, int) else 0


def _every(count: int) -> pa.BooleanArray:
    return pa.array(np.ones(count, dtype=bool))
