"""How one target field is filled, on whole columns.

Always in this order: `from`, `transform`, `values`, then the cast to the target's type (or, instead of it, the key of
a parent or of a person), and last `default` where the result is null. A cell that does not fit, and a value that the
value map refuses, is a misfit: its result is null, and no default covers it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.cell import arrow_type, cast, misfit_code, text_of
from ..connectors.finding import Finding, Severity
from ..connectors.schema import Field, FieldType
from ..connectors.stored import plain_text, spelled
from ..connectors.zoned import to_local
from .language import Otherwise, Rule
from .mapped import branch_suffix, make_our_key
from .people import People
from .people_cells import name_departments, name_people
from .transform import BoundTransform

Note = Callable[[str, pa.Array], None]
Columns = Mapping[str, pa.Array]
"""Source field -> its cells as stored, brought onto a plain Arrow type."""

_NO_TEXT = pa.scalar(None, pa.string())


def unnoted(_name: str, _column: pa.Array) -> None:
    """Where nobody asks how a value came about."""


@dataclass(frozen=True, slots=True)
class ValueMap:
    """Source text -> target text (or null), and what becomes of the rest."""

    values: Mapping[str, str | None]
    otherwise: Otherwise


@dataclass(frozen=True, slots=True)
class ParentKeys:
    """How a reference's cells become our keys of the parent. mapping: the one that makes the parent. source_object,
    key: the parent's source object and its key fields."""

    system: str
    mapping: str
    source_object: str
    key: tuple[Field, ...]
    branch: str = ""

    def makes(self, our_keys: pa.StringArray) -> pa.BooleanArray:
        """Which of these are keys of records that it makes. Null where the key is."""
        before, behind = make_our_key(self.system, self.source_object, ""), branch_suffix(self.branch)
        return pc.and_(pc.starts_with(our_keys, before), pc.ends_with(our_keys, behind))

    def our_keys(self, columns: list[pa.Array]) -> pa.StringArray:
        """One column a key field. Null where a part is null or empty."""
        key = joined_key([key_text(column, part) for column, part in zip(columns, self.key, strict=True)])
        return pc.binary_join_element_wise(
            make_our_key(self.system, self.source_object, ""), key, branch_suffix(self.branch), ""
        )


@dataclass(slots=True, eq=False)
class Filled:
    """A target column. misfits: code -> a boolean a row. findings: what else was noticed; never blocking. ways: where a
    rule has cases, those that were taken. way: then the place in `ways` of the one that was, a row each; -1 for none.
    """

    column: pa.Array
    misfits: dict[str, np.ndarray] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    ways: list[CompiledRule] = field(default_factory=list)
    way: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule of which everything is known to exist and to fit.

    field: the target field. zone: of wall clock times among the source cells. target_zone: of the target's. constant,
    default: typed, None where the rule has none. file, line: where the rule stands.
    """

    field: Field
    rule: Rule
    transforms: tuple[BoundTransform, ...]
    values: ValueMap | None
    parent: ParentKeys | None
    constant: pa.Scalar | None
    default: pa.Scalar | None
    zone: ZoneInfo | None
    target_zone: ZoneInfo | None
    file: str
    line: int

    @property
    def sources(self) -> tuple[str, ...]:
        return self.rule.from_

    @property
    def parents(self) -> tuple[ParentKeys, ...]:
        """Of every mapping that makes a parent of some record."""
        return () if self.parent is None else (self.parent,)

    def refer(self, _source: Columns, columns: list[pa.Array], _filled: Filled) -> pa.StringArray:
        """Our keys of the parents. columns: what the rule says `from`, after transforms and values. Raises ValueError
        where the rule refers to nothing."""
        if self.parent is None:
            raise ValueError(f"{self.field.name} is no reference")
        return self.parent.our_keys(columns)

    def fill(self, source: Columns, count: int, people: People | None, note: Note = unnoted) -> Filled:
        """The target column for `count` records. Raises ValueError where the rule needs people and there are none."""
        if self.constant is not None:
            constant = pa.repeat(self.constant, count)
            note("constant", constant)
            return Filled(constant)
        filled = Filled(pa.nulls(count))
        columns = self._text(source, filled, note)
        if self.parents:
            filled.column = self.refer(source, columns, filled)
            note("reference", filled.column)
        elif self.rule.of_people:
            self._people(columns[0], filled, people, note)
        else:
            self._cast(columns[0], filled)
            note("cast", filled.column)
        self._default(filled, note)
        return filled

    @property
    def every_transform(self) -> tuple[BoundTransform, ...]:
        return self.transforms

    @property
    def every_way(self) -> tuple[CompiledRule, ...]:
        """The rules that fill the field by themselves: this one, or those among its cases."""
        return (self,)

    @property
    def when_zones(self) -> list[str]:
        """The zones that have a say in whether its conditions hold."""
        return []

    def taken(self, filled: Filled, row: int) -> CompiledRule | None:
        """The rule, or the one among its cases, that filled that row; None where no case did."""
        if filled.way is None:
            return self
        return filled.ways[filled.way[row]] if filled.way[row] >= 0 else None

    def misfit_texts(self, source: Columns, filled: Filled, rows: np.ndarray) -> list[str]:
        """What the source holds where a misfit was found, a row each."""
        return list(samples(source, self.sources, rows))

    def named(self, source: Columns) -> list[str | None]:
        """The first of its source cells after transforms and values, as text."""
        texts: list[str | None] = plain_text(self._text(source, Filled(pa.nulls(0)), unnoted)[0]).to_pylist()
        return texts

    def _text(self, source: Columns, filled: Filled, note: Note) -> list[pa.Array]:
        """The source cells after transforms and values."""
        columns = [source[name] for name in self.rule.from_]
        if self.transforms or self.values is not None:
            columns = [_readable_text(column, filled) for column in columns]
        for bound in self.transforms:
            columns = [bound(*columns)] if bound.transform.joins else [bound(column) for column in columns]
            for column in columns:
                note(bound.transform.name, column)
        if self.values is not None:
            looked_up = columns[0] if len(columns) == 1 else _together(columns)
            columns = [self._look_up(self.values, looked_up, filled)]
            note("values", columns[0])
        return columns

    def _look_up(self, values: ValueMap, text: pa.StringArray, filled: Filled) -> pa.StringArray:
        places = pc.index_in(text, value_set=pa.array(list(values.values), pa.string()))
        known = places.is_valid()
        result = pa.array(list(values.values.values()), pa.string()).take(places)
        strange = pc.and_(text.is_valid(), pc.invert(known))
        if self.field.type is not FieldType.TEXT:
            strange = pc.and_(strange, pc.not_equal(pc.utf8_trim_whitespace(text), ""))
        strange = pc.fill_null(strange, False)
        if not pc.any(strange).as_py():
            return result
        match values.otherwise.kind:
            case "default":
                return pc.if_else(strange, values.otherwise.default, result)
            case "keep":
                sample = str(text.filter(strange)[0])
                kept = {"field": self.field.name, "count": pc.sum(strange).as_py()}
                filled.findings.append(self._finding("value.kept", Severity.WARNS, kept, sample))
                return pc.if_else(strange, text, result)
            case "reject":
                filled.misfits["value.unknown"] = strange.to_numpy(zero_copy_only=False)
                return result

    def _cast(self, column: pa.Array, filled: Filled) -> None:
        """Typed as the target field; a local time moved to the target's own zone where that is another."""
        moved = (
            self.field.type is FieldType.LOCAL_TIME
            and self.zone is not None
            and self.target_zone is not None
            and self.zone.key != self.target_zone.key
            and not pa.types.is_date(column.type)
        )
        if moved and self.target_zone is not None:
            instants, missed = cast(column, replace(self.field, type=FieldType.INSTANT), self.zone)
            typed = to_local(instants, self.target_zone)
            missed = pc.or_(missed, pc.and_(instants.is_valid(), typed.is_null()))
        else:
            zone = self.target_zone or self.zone if self.field.type is FieldType.LOCAL_TIME else self.zone
            typed, missed = cast(column, self.field, zone)
        if pc.any(missed).as_py():
            code = misfit_code(self.field)
            mask = missed.to_numpy(zero_copy_only=False)
            filled.misfits[code] = mask | filled.misfits[code] if code in filled.misfits else mask
        filled.column = typed

    def _people(self, column: pa.Array, filled: Filled, people: People | None, note: Note) -> None:
        if people is None:
            raise ValueError(f"{self.field.name}: the mapping names people, but none are configured")
        text, said = plain_text(column), self.rule.people
        named = name_people(text, people, said) if said else name_departments(text, people)
        filled.misfits |= named.misfits
        for each in named.noticed:
            told = {"field": self.field.name, **each.params}
            filled.findings.append(self._finding(each.code, each.severity, told, each.sample))
        note("people" if said else "department", named.keys)
        filled.column = named.keys
        if arrow_type(self.field) != pa.string():
            self._cast(named.keys, filled)

    def _default(self, filled: Filled, note: Note) -> None:
        if self.default is None:
            return
        empty = filled.column.is_null().to_numpy(zero_copy_only=False)
        for misfit in filled.misfits.values():
            empty = empty & ~misfit
        filled.column = pc.if_else(pa.array(empty), self.default, filled.column)
        note("default", filled.column)

    def _finding(self, code: str, severity: Severity, params: Mapping[str, str | int], sample: str | None) -> Finding:
        return Finding(code, severity, params, field=self.field.name, file=self.file, line=self.line, sample=sample)


def _readable_text(column: pa.Array, filled: Filled) -> pa.StringArray:
    """The cells as text; those that are none become misfits."""
    text, broken = spelled(column)
    if broken is None:
        return text
    filled.misfits["type.not_text"] = filled.misfits.get("type.not_text", np.zeros(len(text), dtype=bool)) | broken
    return pc.if_else(pa.array(broken), _NO_TEXT, text)


def samples(source: Columns, names: tuple[str, ...], rows: np.ndarray) -> Iterator[str]:
    """The text of the named source cells of those rows, several joined by ` | `."""
    taken = [text_of(source[name].take(pa.array(rows))).to_pylist() for name in names]
    for cells in zip(*taken, strict=True):
        yield " | ".join("" if cell is None else cell for cell in cells)


def key_text(column: pa.Array, part: Field) -> pa.StringArray:
    """A reference's cells as the parent's key spells them: `012` refers to the record whose number is 12."""
    text = plain_text(column)
    text = pc.if_else(pc.equal(pc.utf8_trim_whitespace(text), ""), _NO_TEXT, text)
    if part.type not in (FieldType.INTEGER, FieldType.DECIMAL):
        return text
    typed, missed = cast(column, part)
    return pc.if_else(missed, text, plain_text(typed))


def _together(columns: list[pa.StringArray]) -> pa.StringArray:
    """Several cells as one key of a value map; null where all of them are."""
    joined = joined_key([pc.fill_null(column, "") for column in columns])
    return pc.if_else(pc.is_null(pc.coalesce(*columns)), _NO_TEXT, joined)


def joined_key(parts: list[pa.StringArray]) -> pa.StringArray:
    """As `join_key` does for a single key. Null where a part is."""
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*map(_escaped, parts), "|")


def _escaped(part: pa.StringArray) -> pa.StringArray:
    return pc.replace_substring(pc.replace_substring(part, "\\", "\\\\"), "|", "\\|")
