"""A mapping's `examples`: mapped and judged as records are, and compared with what the file says must come of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd
import pyarrow as pa

from ...connectors.cell import canonical_text, cast
from ...connectors.chunk import Chunk
from ...connectors.finding import Finding, Severity
from ...connectors.nearest import nearest
from ...mappings.checking.place import labels
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk, make_our_key
from ...mappings.people import Fate, People, Person
from ...mappings.record_example import RecordExample, cell_text
from ...mappings.rule import CompiledRule
from ...validators.judge import Judge
from ..fingerprint import arrow_column

SHOWN = 80
_NOBODY = Person(None, Fate.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Examples that can go through the mapping together. places: theirs in the file, which are the chunk's keys."""

    chunk: Chunk
    people: People


@dataclass(frozen=True, slots=True)
class _Came:
    """What became of one example. rejected: codes, each with its target field. cells: by target field."""

    filtered: bool = False
    rejected: tuple[tuple[str, str], ...] = ()
    cells: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LaidExamples:
    """The examples of one mapping file, as chunks of its source object, and the judge of what they become."""

    examples: tuple[RecordExample, ...]
    batches: tuple[_Batch, ...]
    judge: Judge

    def unmet(self, mapping: CompiledMapping) -> Iterator[Finding]:
        """BLOCKS for each thing that does not come as an example says, with its file and line."""
        came = dict(self._came(mapping))
        for place, example in enumerate(self.examples):
            yield from _differences(mapping, place, example, came.get(str(place), _Came(filtered=True)))

    def _came(self, mapping: CompiledMapping) -> Iterator[tuple[str, _Came]]:
        for batch in self.batches:
            mapped = mapping.apply(batch.chunk, batch.people)
            rejected: dict[str, list[tuple[str, str]]] = {}
            for each in self.judge.judge(mapped):
                if each.severity is Severity.BLOCKS and each.key is not None:
                    rejected.setdefault(each.key, []).append((each.code, each.field or ""))
            cells = {rule.field.name: _told(rule, mapped) for rule in mapping.rules}
            for row, key in enumerate(mapped.source_keys):
                yield (
                    key,
                    _Came(False, tuple(rejected.get(key, ())), {name: column[row] for name, column in cells.items()}),
                )


def lay_examples(mapping: CompiledMapping) -> LaidExamples | None:
    """The examples of the mapping's file, None where it has none. A cell that the source field's type takes is handed
    over in that type, as a connector would; one that it does not take, as the text that it is."""
    examples = mapping.mapping_file.model.examples
    if not examples:
        return None
    fields = mapping.source.fields
    texts = {
        each.name: pa.array([cell_text(example.from_.get(each.name)) for example in examples], pa.string())
        for each in fields
    }
    typed = {each.name: cast(texts[each.name], replace(each, required=False)) for each in fields}
    together: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for place, example in enumerate(examples):
        strange = tuple(name for name, (_, missed) in typed.items() if missed[place].as_py())
        who = tuple(sorted(map(repr, (*example.people.items(), "", *example.departments.items()))))
        together.setdefault((strange, who), []).append(place)
    batches = []
    for (strange, _), places in together.items():
        columns = {name: (texts[name] if name in strange else typed[name][0]).take(pa.array(places)) for name in texts}
        frame = pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)
        chunk = Chunk(mapping.source.name, frame, [str(place) for place in places])
        batches.append(_Batch(chunk, _people(examples[places[0]])))
    judge = Judge(
        mapping.target_fields,
        mapping.name,
        mapping.file,
        mapping.rule_lines,
        mapping.expectations,
        unwritten=mapping.unwritten,
    )
    return LaidExamples(examples, tuple(batches), judge)


def check_examples(mapping: CompiledMapping) -> Iterator[Finding]:
    """What of its examples does not come as it should, or names a field that there is not. Raises InputError
    `expectation.refused` as Judge does."""
    misnamed = list(_misnamed(mapping))
    yield from misnamed
    laid = None if misnamed else lay_examples(mapping)
    if laid is not None:
        yield from laid.unmet(mapping)


def count_examples(mappings: Iterable[CompiledMapping]) -> int:
    return sum(len(mapping.mapping_file.model.examples) for mapping in mappings)


def _people(example: RecordExample) -> People:
    known = {
        name: Person(cell_text(key), Fate.FOUND) if key is not None else _NOBODY for name, key in example.people.items()
    }
    people = People(known, {}, _NOBODY)
    people.departments = {name: cell_text(key) for name, key in example.departments.items()}.get
    return people


def _misnamed(mapping: CompiledMapping) -> Iterator[Finding]:
    """Fields of examples that neither the source nor the mapping has."""
    filled = labels(mapping.target_fields)
    for place, example in enumerate(mapping.mapping_file.model.examples):
        for name in example.from_:
            if mapping.source.field(name) is None:
                told = {"object": mapping.source.name, "name": name}
                near = nearest(name, labels(mapping.source.fields))
                yield _finding(mapping, "mapping.no_source_field", place, "from", name, **told, nearest=near)
        for name in example.to or ():
            if name not in filled:
                yield _finding(
                    mapping, "example.not_filled", place, "to", name, name=name, nearest=nearest(name, filled)
                )


def _told(rule: CompiledRule, mapped: MappedChunk) -> list[str | None]:
    """The cells of one target field as their canonical text."""
    column = arrow_column(mapped.frame, rule.field.name)
    found: list[str | None] = (column if rule.parents else canonical_text(column, rule.field)).to_pylist()
    return found


def _wanted(rule: CompiledRule, text: str | None) -> str | None:
    """An expected cell as `_told` would tell it."""
    if text is None:
        return None
    if rule.parents:
        name, _, key = text.partition(":")
        parent = next((each for each in rule.parents if each.mapping == name), None)
        return text if parent is None else make_our_key(parent.system, parent.source_object, key, parent.branch)
    zone = rule.target_zone or rule.zone
    typed, missed = cast(pa.array([text], pa.string()), replace(rule.field, required=False), zone)
    told: str | None = text if missed[0].as_py() else canonical_text(typed, rule.field)[0].as_py()
    return told


def _differences(mapping: CompiledMapping, place: int, example: RecordExample, came: _Came) -> Iterator[Finding]:
    if example.filtered:
        if not came.filtered:
            yield _finding(mapping, "example.not_filtered", place, "filtered")
    elif came.filtered:
        yield _finding(mapping, "example.filtered", place)
    elif example.rejected is not None:
        codes = [code for code, _ in came.rejected]
        if example.rejected not in codes:
            got = ", ".join(dict.fromkeys(codes)) or "-"
            yield _finding(mapping, "example.not_rejected", place, "rejected", wanted=example.rejected, got=got)
    elif refused := [each for each in came.rejected if not _left_open(mapping, example, *each)]:
        for code, name in refused:
            yield _finding(mapping, "example.rejected", place, "to", name, name=name, why=code)
    else:
        yield from _other_cells(mapping, place, example.to or {}, came)


def _left_open(mapping: CompiledMapping, example: RecordExample, code: str, name: str) -> bool:
    """A required field is missing of which the example says nothing: it tells of other fields."""
    sources = next((rule.sources for rule in mapping.rules if rule.field.name == name), ())
    return code == "required.missing" and name not in (example.to or ()) and not example.from_.keys() & set(sources)


def _other_cells(
    mapping: CompiledMapping, place: int, wanted: Mapping[str, str | int | bool | None], came: _Came
) -> Iterator[Finding]:
    rules = {rule.field.name: rule for rule in mapping.rules}
    for name, cell in wanted.items():
        expected, got = _wanted(rules[name], cell_text(cell)), came.cells[name]
        if expected != got:
            told = {"name": name, "wanted": _shown(expected), "got": _shown(got)}
            yield _finding(mapping, "example.differs", place, "to", name, **told)


def _shown(cell: str | None) -> str:
    return "null" if cell is None else f'"{cell[:SHOWN]}"'


def _finding(mapping: CompiledMapping, code: str, place: int, *path: str, **params: str | int) -> Finding:
    file = mapping.mapping_file
    name = file.model.examples[place].name or str(place + 1)
    field_name = path[1] if len(path) > 1 and path[1] else None
    return Finding(
        code,
        Severity.BLOCKS,
        {"example": name, **params},
        mapping=mapping.name,
        field=field_name,
        file=file.file,
        line=file.line("examples", place, *path),
    )
