"""Value maps that lie in CSV files of the project: `values: {csv: lookups/stages.csv, key: old, value: new}`.

A table takes the place of the map that it stands for before the mapping file is judged, so that all that follows knows
one form of value map. Of several key columns the cells are joined as those of the rule's source fields are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from ..connectors.chunk import join_key, split_key
from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from ..connectors.nearest import nearest
from .condition import Strict, filled
from .strict_csv import NotCsvError, NotUtf8Error, decoded, records
from .yaml.document import Document, YamlPath
from .yaml.model import load_model

SUFFIX = ".csv"


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else filled(value)


class LookupSpec(Strict):
    """csv: the file, relative to the project folder. key, value: its columns; several of `key` where the rule has
    several source fields."""

    csv: str
    key: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
    value: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table as read. values: as a value map has them. lines: key -> line. file: as findings name it."""

    file: str
    values: dict[str, str | None] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def with_lookups(document: Document, project: Path) -> tuple[Document, dict[YamlPath, Lookup], list[Finding]]:
    """The document with every table written out, the tables by their place in it, and what is wrong with them."""
    tables: dict[YamlPath, Lookup] = {}
    wrong: list[Finding] = []

    def written_out(value: object, path: YamlPath) -> object:
        if isinstance(value, list):
            return [written_out(each, (*path, place)) for place, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if path[-1:] == ("values",) and _is_table(value):
            table, problems = _read(document, path, value, project)
            wrong.extend(problems)
            tables[path] = table
            return table.values
        return {key: written_out(each, (*path, key)) for key, each in value.items()}

    data = {key: written_out(each, (key,)) for key, each in document.data.items()}
    return replace(document, data=data) if tables else document, tables, wrong


def _is_table(value: dict[str, object]) -> bool:
    named = value.get("csv")
    return isinstance(named, str) and named.endswith(SUFFIX)


def _read(document: Document, path: YamlPath, value: dict[str, object], project: Path) -> tuple[Lookup, list[Finding]]:
    below = {place[len(path) :]: line for place, line in document.lines.items() if place[: len(path)] == path}
    try:
        spec = load_model(Document(document.file, value, below), LookupSpec)
    except InputError as error:
        return Lookup(document.file), list(error.findings)

    def refused(code: str, **params: str | int) -> tuple[Lookup, list[Finding]]:
        place = document.line((*path, "csv"))
        told = {"name": spec.csv, **params}
        return Lookup(spec.csv), [Finding(code, Severity.BLOCKS, told, file=document.file, line=place)]

    try:
        raw = (project / spec.csv).read_bytes()
    except OSError as error:
        return refused("mapping.lookup_unreadable", reason=error.strerror or type(error).__name__)
    try:
        text = decoded(raw)
    except NotUtf8Error as error:
        return refused("mapping.lookup_not_utf8", line=error.line)
    table = Lookup(spec.csv)
    try:
        wrong = list(_fill(table, spec, text))
    except NotCsvError as error:
        return refused("mapping.lookup_unreadable", reason=error.reason)
    return (table, wrong) if wrong or table.values else refused("mapping.lookup_empty")


def _fill(table: Lookup, spec: LookupSpec, text: str) -> Iterator[Finding]:
    """Takes the rows into the table; yields what is wrong with them."""

    def found(code: str, line: int, **params: str | int) -> Finding:
        return Finding(code, Severity.BLOCKS, params, file=spec.csv, line=line)

    lines = records(text)
    _, heading = next(lines, (1, []))
    missing = [name for name in (*spec.key, spec.value) if heading.count(name) != 1]
    for name in missing:
        twice = name in heading
        code = "mapping.lookup_column_twice" if twice else "mapping.lookup_no_column"
        yield found(code, 1, name=name, **({} if twice else {"nearest": nearest(name, heading)}))
    for here, cells in () if missing else lines:
        if len(cells) != len(heading):
            yield found("mapping.lookup_cells", here, count=len(cells), wanted=len(heading))
            continue
        row = dict(zip(heading, cells, strict=True))
        key = join_key(tuple(row[name] for name in spec.key))
        if key in table.lines:
            yield found("mapping.lookup_twice", here, key=key[:80], first=table.lines[key])
        else:
            table.lines[key], table.values[key] = here, row[spec.value] or None


def has_parts(key: str, count: int) -> bool:
    """Whether a key of a value map is made of so many cells."""
    try:
        split_key(key, count)
    except ValueError:
        return False
    return True
