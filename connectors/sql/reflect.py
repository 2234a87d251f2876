"""Describing a database: its tables, and the views that a project gives keys, by SQLAlchemy's reflection."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Inspector
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import ObjectKind

from ..audit import EVERY_OBJECT
from ..errors import InputError
from ..nearest import nearest
from ..schema import Field, FieldType
from .dialect import Dialect
from .options import Options
from .tables import OURS, Column, Table

Kind = sa.types.TypeEngine[Any]
Constraints = Mapping[str, tuple[str, ...]]
_QUOTED = r"'(?:[^']|'')*'"
_CAST = r"(?:::[\w ]+(?:\[\])?)?"
_AMONG = re.compile(
    rf"""[(\s]*["`\[]?(?P<column>\w+)["`\]]?\s+IN\s*\((?P<choices>\s*{_QUOTED}(?:\s*,\s*{_QUOTED})*\s*)\)[)\s]*""", re.I
)
_ANY_OF = re.compile(
    rf"""[(\s]*"?(?P<column>\w+)"?\)?{_CAST}\s*=\s*ANY\s*\(+ARRAY\[(?P<choices>{_QUOTED}{_CAST}(?:,\s*{_QUOTED}{_CAST})*)\]\)*{_CAST}[)\s]*""",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Reflected:
    """tables: by name, those that have a key. keyless: the others' names."""

    tables: Mapping[str, Table]
    keyless: frozenset[str]


def reflect(connection: Connection, dialect: Dialect, options: Options, name: str) -> Reflected:
    """Everything the options let us see. Raises InputError `sql.no_object` or `sql.no_field` where they name tables or
    columns that are not there, `sql.our_key` where a column cannot hold our key. name: the connection's, for errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # types that SQLAlchemy does not know are described as text
        reflection = _Reflection(connection, dialect, options, name)
        return reflection.run()


class _Reflection:
    def __init__(self, connection: Connection, dialect: Dialect, options: Options, name: str) -> None:
        self.connection = connection
        self.dialect = dialect
        self.options = options
        self.name = name
        self.inspector: Inspector = sa.inspect(connection)
        self.schema = options.schema_

    def run(self) -> Reflected:
        every = set(self.inspector.get_table_names(self.schema)) - OURS
        views = {*self.inspector.get_view_names(self.schema)}
        self._require_named(every | views)
        names = sorted(self.options.objects or every | set(self.options.keys))
        self.asked: dict[str, Any] = {"schema": self.schema, "filter_names": names, "kind": ObjectKind.ANY}
        own_keys = {
            table: tuple(found["constrained_columns"])
            for (_, table), found in self.inspector.get_multi_pk_constraint(self.schema, kind=ObjectKind.TABLE).items()
        }
        self.keys = own_keys | {table: tuple(key) for table, key in self.options.keys.items()}
        self.columns = self._of_each(self.inspector.get_multi_columns(**self.asked))
        self.unique = self._unique(names)
        self.foreign = self._of_each(self.inspector.get_multi_foreign_keys(**self.asked))
        self.checks = self._checks()
        self.comments = self._comments()
        self.rewriting = self.dialect.rewriting(self.connection, self.schema)
        tables = {table: self._table(table, own_keys.get(table, ())) for table in names if self.keys.get(table)}
        return Reflected(tables, frozenset(set(names) - set(tables)))

    def _of_each(self, found: Mapping[Any, Any]) -> dict[str, Any]:
        return {table: each for (_, table), each in found.items()}

    def _require_named(self, known: set[str]) -> None:
        named: list[str] = [*(self.options.objects or ()), *self.options.keys, *self.options.our_key]
        named += [table for table in self.options.audit if table != EVERY_OBJECT]
        for table, columns in self.options.references.items():
            named += [table, *(each for to in columns.values() for each in to)]
        for table in named:
            if table not in known:
                raise no_object(self.name, table, known)

    def _unique(self, tables: Sequence[str]) -> dict[str, Constraints]:
        """Unique constraints and indexes of each table by name, but not those on part of the rows or on expressions."""
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        for (_, table), listed in self.inspector.get_multi_unique_constraints(**self.asked).items():
            for number, each in enumerate(listed):
                found.setdefault(table, {})[each["name"] or f"#{number}"] = tuple(each["column_names"])
        for (_, table), indexes in self.inspector.get_multi_indexes(**self.asked).items():
            for index in indexes:
                options = index.get("dialect_options", {})
                partial = any(option.endswith("_where") for option in options)
                names = tuple(name for name in index["column_names"] if name is not None)
                if index["unique"] and not partial and len(names) == len(index["column_names"]):
                    found.setdefault(table, {})[index["name"] or ""] = names
        for table in tables:
            known = set(found.get(table, {}).values())
            for number, columns in enumerate(self.dialect.unique_columns(self.connection, table)):
                if columns not in known:
                    found.setdefault(table, {})[f"##{number}"] = columns
        return dict(found)

    def _checks(self) -> dict[str, list[str]]:
        try:
            found = self.inspector.get_multi_check_constraints(**self.asked)
        except NotImplementedError:
            return {}
        return {table: [each["sqltext"] for each in listed] for (_, table), listed in found.items()}

    def _comments(self) -> dict[str, str]:
        try:
            found = self.inspector.get_multi_table_comment(**self.asked)
        except NotImplementedError:
            return {}
        return {table: each["text"] or "" for (_, table), each in found.items()}

    def _table(self, name: str, own_key: tuple[str, ...]) -> Table:
        listed: list[ReflectedColumn] = self.columns[name]
        known = [column["name"] for column in listed]
        key = self.keys[name]
        our_key = self.options.our_key.get(name)
        references = self._references(name)
        for named in (*key, *references, *([our_key] if our_key else [])):
            if named not in known:
                raise no_field(self.name, name, named, known)
        declared = self.dialect.declared_types(self.connection, name)
        choices = _choices(self.checks.get(name, []))
        columns = {}
        for each in listed:
            told = declared.get(each["name"], "")
            column = self._column(each, told, choices.get(each["name"], ()))
            columns[each["name"]] = self._placed(name, column, key, references.get(each["name"], ()), told)
        columns |= {each: _measured(columns[each]) for each in self.options.bodies_of(name) & columns.keys()}
        unique = self.unique.get(name, {})
        constraints = dict(unique)
        for foreign in self.foreign.get(name, []):
            constraints[foreign["name"] or ""] = tuple(foreign["constrained_columns"])
        if our_key:
            columns[our_key] = self._our_key(name, columns[our_key])
        return Table(
            name=name,
            schema=self.schema,
            key=key,
            columns=columns,
            label=self.comments.get(name, ""),
            unique_key=set(key) == set(own_key) or self._is_unique(key, columns, unique.values()),
            our_key=our_key,
            rewriting=name in self.rewriting,
            constraints=constraints,
        )

    def _is_unique(self, key: Sequence[str], columns: Mapping[str, Column], unique: Iterable[Sequence[str]]) -> bool:
        return any(set(each) == set(key) for each in unique) and not any(columns[name].nullable for name in key)

    def _references(self, table: str) -> dict[str, tuple[str, ...]]:
        """Column -> tables it points to: foreign keys on a whole key of one column, and declared references."""
        tables = {each.casefold(): each for each in self.keys}
        found: dict[str, tuple[str, ...]] = {}
        for foreign in self.foreign.get(table, []):
            parent = tables.get(foreign["referred_table"].casefold(), "")
            columns, referred = foreign["constrained_columns"], tuple(foreign["referred_columns"])
            ours = parent and foreign["referred_schema"] in (None, self.schema)
            # none are told where SQLite's `REFERENCES account` names a table that is spelt Account
            if ours and len(columns) == 1 and referred in ((), self.keys[parent]):
                found[columns[0]] = (parent,)
        return found | {column: tuple(to) for column, to in self.options.references.get(table, {}).items()}

    def _column(self, reflected: ReflectedColumn, declared: str, choices: tuple[str, ...]) -> Column:
        kind: Kind = getattr(reflected["type"], "data_type", reflected["type"])  # of a domain, the type it stands on
        stored = self.dialect.stored(kind, declared) or _stored(kind)
        if stored is FieldType.TEXT and choices:
            stored = FieldType.CHOICE
        identity = reflected.get("identity")
        numbered = identity is not None or reflected.get("autoincrement") is True
        computed = "computed" in reflected or bool(identity and identity.get("always"))
        filled = numbered or computed or reflected["default"] is not None
        low, high = _bounds(kind, stored, self.dialect)
        field = Field(
            name=reflected["name"],
            type=stored,
            label=reflected.get("comment") or "",
            required=not reflected["nullable"] and not filled,
            writable=not computed,
            length=getattr(kind, "length", None) if stored in (FieldType.TEXT, FieldType.BINARY) else None,
            precision=getattr(kind, "precision", None) if stored is FieldType.DECIMAL else None,
            scale=getattr(kind, "scale", None) if stored is FieldType.DECIMAL else None,
            minimum=low,
            maximum=high,
            choices=tuple(kind.enums) if isinstance(kind, sa.Enum) else choices,
        )
        is_uuid = isinstance(kind, sa.Uuid)
        as_text = self.dialect.as_text(reflected["type"], stored)
        default = None if numbered and identity is not None else reflected["default"]
        return Column(field, stored, as_text, is_uuid and as_text, reflected["nullable"], numbered, default)

    def _placed(
        self, table: str, column: Column, key: Sequence[str], references: tuple[str, ...], declared: str
    ) -> Column:
        """The column in its table: as part of the key, as a reference, as unique."""
        field = column.field
        if references:
            field = replace(field, type=FieldType.REFERENCE, references=references, length=None, precision=None)
            field = replace(field, scale=None, minimum=None, maximum=None, choices=())
        alone = (field.name,)
        field = replace(field, unique=tuple(key) == alone or alone in self.unique.get(table, {}).values())
        if field.name not in key:
            return replace(column, field=field)
        numbered = column.numbered
        if tuple(key) == alone and column.stored is FieldType.INTEGER and not numbered:
            numbered = self.dialect.numbers_key(self.connection, table, field.name, declared)
        filled = numbered or column.default is not None or not field.writable
        field = replace(field, required=not filled)
        return replace(column, field=field, numbered=numbered, nullable=column.nullable and not numbered)

    def _our_key(self, table: str, column: Column) -> Column:
        """Ours to write: nothing that a mapping could fill or would have to."""
        if not column.is_text or not column.field.unique:
            raise InputError("sql.our_key", connection=self.name, object=table, field=column.name)
        return replace(column, field=replace(column.field, required=False, writable=False))


def no_object(connection: str, name: str, known: Iterable[str]) -> InputError:
    return InputError("sql.no_object", connection=connection, object=name, near=nearest(name, sorted(known)))


def no_field(connection: str, object_name: str, name: str, known: Iterable[str]) -> InputError:
    near = nearest(name, list(known))
    return InputError("sql.no_field", connection=connection, object=object_name, field=name, near=near)


def _stored(kind: Kind) -> FieldType:
    if isinstance(kind, sa.DateTime):
        return FieldType.INSTANT if kind.timezone else FieldType.LOCAL_TIME
    return next((stored for types, stored in _STORED if isinstance(kind, types)), FieldType.TEXT)


_STORED: tuple[tuple[type[Kind] | tuple[type[Kind], ...], FieldType], ...] = (
    (sa.Enum, FieldType.CHOICE),
    (sa.Boolean, FieldType.BOOLEAN),
    (sa.Integer, FieldType.INTEGER),
    (sa.Float, FieldType.FLOAT),
    (sa.Numeric, FieldType.DECIMAL),
    (sa.LargeBinary, FieldType.BINARY),
    ((sa.BINARY, sa.VARBINARY), FieldType.BINARY),
    (sa.Date, FieldType.DATE),
)


def _bounds(kind: Kind, stored: FieldType, dialect: Dialect) -> tuple[str | None, str | None]:
    """The smallest and largest whole number that the column holds."""
    if stored is not FieldType.INTEGER or not isinstance(kind, sa.Integer):
        return None, None
    bits = dialect.integer_bits(kind)
    if getattr(kind, "unsigned", False):
        return "0", str(2**bits - 1)
    return str(-(2 ** (bits - 1))), str(2 ** (bits - 1) - 1)


def _choices(checks: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Column -> the texts that a check of the form `column IN ('a', 'b')`, or PostgreSQL's spelling of it, allows."""
    found = {}
    for text in checks:
        told = _AMONG.fullmatch(text) or _ANY_OF.fullmatch(text)
        if told:
            quoted = re.findall(_QUOTED, told["choices"])
            found[told["column"]] = tuple(each[1:-1].replace("''", "'") for each in quoted)
    return found


def _measured(column: Column) -> Column:
    """The column, which holds bodies of files."""
    field = Field(column.name, FieldType.FILE, label=column.field.label, writable=False)
    return replace(column, field=field, stored=FieldType.INTEGER, as_text=False, uuid=False, measured=True)
