"""A mapping that was found to be right, ready for chunks."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.cell import canonical_text
from ..connectors.chunk import Chunk
from ..connectors.finding import Finding, Severity
from ..connectors.schema import Field, FieldType, ObjectSchema
from ..connectors.stored import as_stored, plain_text
from .condition import CompiledConditions
from .folding.compiled import CompiledFold
from .language import WRITTEN_ONCE, Expectation, MappingFile, Outside, WritePolicy
from .left_out import ByYear, Cause, count_left, left_by
from .life import LEAVE, CompiledState, lives_of
from .linking.compiled import CompiledLinks
from .mapped import MappedChunk, Misfit, make_our_key
from .people import People
from .rule import Columns, CompiledRule, ParentKeys, samples
from .untaken import Unmet, Untaken, first_unmet
from .wins import Wins


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step on a value's way: the name of a transform, or `values`, `reference`, `people`, `files`, `cast`,
    `default`, `constant`, or `case 2` for the case that was taken; and the cell's text behind it."""

    name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class FieldTrace:
    """How one target field of one record came about. sources: source field and its cell's text. steps: in order.
    result: the final value's canonical text (our key of the parent for a reference). misfit: the code, where it did
    not fit."""

    field: str
    sources: tuple[tuple[str, str | None], ...]
    steps: tuple[TraceStep, ...]
    result: str | None
    misfit: str | None
    file: str
    line: int


@dataclass(frozen=True)
class CompiledMapping:
    """One mapping branch. system: the source system's name in our keys. rules: one a target field, in the file's order.
    conditions: which source records move, None where all do. branch: its name; empty where the mapping has none.
    untaken: in one branch of a file, what none of them takes. states: life states of the records. by_year: by whose
    year those that are left out are counted. folds: what children are folded into, of the whole file. otherwise_wins:
    who wins fields of which no rule says it. links: the addresses of old records, where some of its texts are to be rid
    of them. stub: what makes its stubs, where it says so."""

    mapping_file: MappingFile
    system: str
    source: ObjectSchema
    target: ObjectSchema
    rules: tuple[CompiledRule, ...]
    conditions: CompiledConditions | None
    branch: str = ""
    untaken: Untaken | None = None
    states: tuple[CompiledState, ...] = ()
    by_year: ByYear | None = None
    folds: tuple[CompiledFold, ...] = ()
    links: CompiledLinks | None = None
    stub: CompiledMapping | None = None
    otherwise_wins: Wins = Wins.ASK

    @property
    def name(self) -> str:
        return self.mapping_file.name

    @property
    def file(self) -> str:
        return self.mapping_file.file

    @property
    def with_stub(self) -> tuple[CompiledMapping, ...]:
        """Itself and, where it has one, what makes its stubs."""
        return (self,) if self.stub is None else (self, self.stub)

    @property
    def match(self) -> tuple[tuple[str, ...], ...]:
        """Lists of target fields by which existing records are found, tried in order."""
        return self.mapping_file.model.match

    @cached_property
    def expectations(self) -> tuple[Expectation, ...]:
        return self.mapping_file.expectations()

    @cached_property
    def source_fields(self) -> tuple[str, ...]:
        """What to read: every source field that a rule or a condition names."""
        named = [name for rule in self.rules for name in rule.sources]
        elsewhere = self.untaken.source_fields if self.untaken is not None else []
        return tuple(dict.fromkeys([*named, *self._asked, *elsewhere]))

    @cached_property
    def _asked(self) -> tuple[str, ...]:
        """The source fields by which records are left out, or told apart."""
        asked = [*([self.conditions] if self.conditions else []), *(state.when for state in self.states)]
        years = [self.by_year.field.name] if self.by_year is not None else []
        return tuple(dict.fromkeys([*(name for each in asked for name in each.sources), *years]))

    @cached_property
    def target_fields(self) -> tuple[Field, ...]:
        """The fields of `apply`'s frame, in order."""
        return tuple(rule.field for rule in self.rules)

    @cached_property
    def references(self) -> dict[str, tuple[str, ...]]:
        """Target field -> the mappings that make parents: of one record only one of them does."""
        return {rule.field.name: _names(rule.parents) for rule in self.rules if rule.parents}

    def made_by(self, field: str, our_keys: pa.StringArray) -> Iterator[tuple[str, pa.BooleanArray]]:
        """Each mapping that this reference names, and which of these keys of parents are of records that it makes."""
        parents = next(rule.parents for rule in self.rules if rule.field.name == field)
        if len(names := _names(parents)) == 1:
            yield names[0], our_keys.is_valid()
            return
        for parent in {each.mapping: each for each in parents}.values():
            yield parent.mapping, pc.fill_null(parent.makes(our_keys), False)

    def by_maker(self, field: str, our_keys: Iterable[str]) -> dict[str, list[str]]:
        """These keys of parents by the mapping that makes the records, sorted."""
        column = pa.array(sorted(our_keys), pa.string())
        return {name: column.filter(mine).to_pylist() for name, mine in self.made_by(field, column)}

    def key_fields(self, field: str, maker: str) -> tuple[str, ...]:
        """The source fields that hold the key of a parent that this mapping makes, or its first part: one a case."""
        ways = next(rule.every_way for rule in self.rules if rule.field.name == field)
        return tuple(
            dict.fromkeys(way.rule.from_[0] for way in ways if maker in _names(way.parents) and way.rule.from_)
        )

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """The other mappings that references name."""
        return tuple(name for name in dict.fromkeys(chain(*self.references.values())) if name != self.name)

    @cached_property
    def write_policy(self) -> dict[str, WritePolicy]:
        return {rule.field.name: rule.rule.policy for rule in self.rules}

    @cached_property
    def unwritten(self) -> frozenset[str]:
        """The target fields that are never written."""
        return frozenset(name for name, policy in self.write_policy.items() if policy is WritePolicy.NEVER)

    @cached_property
    def compared(self) -> frozenset[str]:
        """Those of them that the target makes itself, and that are compared all the same."""
        return frozenset(rule.field.name for rule in self.rules if rule.rule.compare_only)

    @cached_property
    def outside(self) -> dict[str, Outside]:
        """Target field -> what becomes of a record whose reference, or person, leaves the scope, where that is more
        than waiting or being rejected as always."""
        return {
            rule.field.name: said
            for rule in self.rules
            if (said := rule.rule.outside) not in (None, rule.rule.outside_unsaid)
        }

    @cached_property
    def linked(self) -> tuple[str, ...]:
        """The target fields in whose texts addresses of old records become those of the new ones."""
        return tuple(rule.field.name for rule in self.rules if rule.rule.rewrite_links)

    @cached_property
    def filed(self) -> dict[str, str]:
        """Target field of files -> what becomes of a record of whose files one is lost: see `Rule.lost_file`."""
        rules = (each for each in self.rules if each.field.type is FieldType.FILE)
        return {each.field.name: each.rule.lost_file for each in rules if each.field.name not in self.unwritten}

    @cached_property
    def wins(self) -> dict[str, Wins]:
        """Target field -> who wins it where both sides have changed it, where that is decided without asking."""
        said = {rule.field.name: rule.rule.wins or self.otherwise_wins for rule in self.rules}
        again = {name for name, policy in self.write_policy.items() if policy not in WRITTEN_ONCE}
        return {name: wins for name, wins in said.items() if name in again and wins is not Wins.ASK}

    @cached_property
    def rule_lines(self) -> dict[str, tuple[str, int]]:
        """Target field -> file and line of its rule."""
        return {rule.field.name: (rule.file, rule.line) for rule in self.rules}

    @cached_property
    def own_transforms(self) -> dict[str, str]:
        """Those of the project's own transforms that are used, with the digest of their file."""
        used = [bound.transform for rule in self.rules for bound in rule.every_transform]
        return {each.name: each.digest for each in used if each.digest}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the mapping means: equal while comments, order and reasons are all that changed."""
        meaning = {
            "says": self.mapping_file.meaning(),
            "system": self.system,
            "branch": self.branch,
            "parents": {parent.mapping: parent.source_object for rule in self.rules for parent in rule.parents},
            "zones": sorted({f"{rule.zone} {rule.target_zone}" for rule in self.rules}),
            **({"life_zones": lived} if (lived := [state.when.zones for state in self.states]) else {}),
            **({"transforms": own} if (own := self.own_transforms) else {}),
            **({"when_zones": asked} if (asked := sorted({z for rule in self.rules for z in rule.when_zones})) else {}),
            **({"fold_zones": folded} if (folded := self._fold_zones) else {}),
            **({"links": self.links.meaning} if self.links is not None else {}),
            **({"wins": self.wins} if self.wins else {}),
            **({"where_zones": zones} if self.conditions and (zones := self.conditions.zones) else {}),
        }
        text = json.dumps(meaning, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def _fold_zones(self) -> dict[str, list[str]]:
        used = set(self.source_fields)
        return {each.name: each.zones for each in self.folds if each.field in used and each.zones}

    def passes(self, chunk: Chunk) -> pa.BooleanArray:
        """Which records of the chunk `where` lets through."""
        return pc.fill_null(self._passes(_columns(chunk, self.source_fields), len(chunk)), False)

    def unmet(self, chunk: Chunk, rows: Sequence[int]) -> list[Unmet | None]:
        """The first line of `where` that each of these records does not meet; None where it meets them all."""
        if self.conditions is None:
            return [None] * len(rows)
        columns = {name: column.take(pa.array(rows)) for name, column in _columns(chunk, self.source_fields).items()}
        return first_unmet(self.conditions, columns, len(rows))

    def apply(self, chunk: Chunk, people: People | None = None) -> MappedChunk:
        """The chunk as target records. The chunk's frame holds `source_fields` at least. Raises ValueError where a rule
        needs people and there are none."""
        columns = _columns(chunk, self.source_fields)
        untaken = 0 if self.untaken is None else self.untaken.count(columns, len(chunk))
        keys, filtered, untold, left = chunk.keys, [], [], Counter[Cause]()
        if self.conditions is not None:
            passes = self._passes(columns, len(chunk))
            untold = self._untold(columns, passes)
            passes = pc.fill_null(passes, False)
            if not pc.all(passes, min_count=0).as_py():
                gone = {
                    name: column.filter(pc.invert(passes)) for name, column in columns.items() if name in self._asked
                }
                columns, keys, out = _parted(columns, keys, passes)
                left += count_left("where", left_by(self.conditions, gone, len(out)), self.by_year, gone)
                filtered += out
        lives = lives_of(self.states, columns, len(keys)) if self.states else None
        if lives is not None and (leaves := lives.of(LEAVE)).any():
            left += count_left("life", lives.names(LEAVE), self.by_year, columns)
            columns, keys, out = _parted(columns, keys, pa.array(~leaves))
            filtered += out
            lives = lives.kept(~leaves)
        mapped = MappedChunk(
            mapping=self.name,
            branch=self.branch,
            source_object=self.source.name,
            target_object=self.target.name,
            frame=pd.DataFrame(index=pd.RangeIndex(len(keys))),
            source_keys=list(keys),
            our_keys=[make_our_key(self.system, self.source.name, key, self.branch) for key in keys],
            findings=untold,
            read=len(chunk),
            filtered_keys=filtered,
            left=left,
            untaken=untaken,
            cursor=chunk.cursor,
        )
        mapped.frame = self._frame(columns, mapped, people)
        if lives is not None:
            lives.put(mapped)
        return mapped

    @cached_property
    def owner_fields(self) -> tuple[str, ...]:
        """The source fields of the first rule that names one person; none where there is no such rule."""
        return () if self._owner_rule is None else self._owner_rule.sources

    def owners(self, chunk: Chunk) -> list[str | None]:
        """The person whom the first rule names that names one, as the source names them, a record each."""
        rule = self._owner_rule
        return [None] * len(chunk) if rule is None else rule.named(_columns(chunk, rule.sources))

    @cached_property
    def _owner_rule(self) -> CompiledRule | None:
        return next((rule for rule in self.rules if rule.rule.people and rule.rule.of_one), None)

    def trace(self, chunk: Chunk, people: People | None = None) -> list[FieldTrace]:
        """How each target field of the chunk's first record comes about, whether `where` lets it through or not."""
        columns = {name: column.slice(0, 1) for name, column in _columns(chunk, self.source_fields).items()}
        traced = [_traced(rule, columns, people) for rule in self.rules]
        place = int(lives_of(self.states, columns, 1).places[0]) if self.states else -1
        return traced if place < 0 else [_shown(each, self.states[place], self.target) for each in traced]

    def _passes(self, columns: Columns, count: int) -> pa.BooleanArray:
        """Null where `where` cannot tell."""
        return pa.array(np.ones(count, dtype=bool)) if self.conditions is None else self.conditions.met(columns, count)

    def _untold(self, columns: Columns, passes: pa.BooleanArray) -> list[Finding]:
        """Of records that are left out because nobody can tell whether they meet `where`."""
        rows = np.flatnonzero(passes.is_null().to_numpy(zero_copy_only=False))
        if self.conditions is None or not len(rows):
            return []
        told = {"count": len(rows)}
        line = self.mapping_file.line("where")
        sample = next(samples(columns, self.conditions.sources, rows[:1]))
        return [
            Finding(
                "mapping.where_untold",
                Severity.WARNS,
                told,
                mapping=self.name,
                object=self.source.name,
                file=self.file,
                line=line,
                sample=sample,
            )
        ]

    def _frame(self, columns: Columns, mapped: MappedChunk, people: People | None) -> pd.DataFrame:
        """The typed columns; misfits and findings go into `mapped`."""
        series: dict[str, pd.Series] = {}
        for rule in self.rules:
            filled = rule.fill(columns, len(mapped), people)
            series[rule.field.name] = pd.Series(pd.arrays.ArrowExtensionArray(filled.column), copy=False)
            for code, mask in filled.misfits.items():
                rows = np.flatnonzero(mask)
                texts = rule.misfit_texts(columns, filled, rows)
                mapped.misfits.extend(
                    Misfit(row, rule.field.name, code, text) for row, text in zip(rows.tolist(), texts, strict=True)
                )
            mapped.findings.extend(
                replace(each, mapping=self.name, object=self.source.name) for each in filled.findings
            )
        return pd.DataFrame(series, index=pd.RangeIndex(len(mapped)), copy=False)


def _names(parents: Iterable[ParentKeys]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parent.mapping for parent in parents))


def _parted(
    columns: Columns, keys: Sequence[str], stays: pa.BooleanArray
) -> tuple[dict[str, pa.Array], list[str], list[str]]:
    """What stays of the columns and of the keys, and the keys of what does not."""
    kept = stays.to_pylist()
    parts = [[key for key, met in zip(keys, kept, strict=True) if met is wanted] for wanted in (True, False)]
    return {name: column.filter(stays) for name, column in columns.items()}, parts[0], parts[1]


def _columns(chunk: Chunk, names: tuple[str, ...]) -> dict[str, pa.Array]:
    return {name: as_stored(chunk.frame[name]) for name in names}


def _traced(rule: CompiledRule, columns: Columns, people: People | None) -> FieldTrace:
    steps: list[TraceStep] = []

    def note(name: str, column: pa.Array) -> None:
        steps.append(TraceStep(name, plain_text(column)[0].as_py()))

    filled = rule.fill(columns, 1, people, note)
    taken = rule.taken(filled, 0)
    read = dict.fromkeys([*(taken.sources if taken else ()), *rule.rule.asked])
    sources = tuple((name, plain_text(columns[name])[0].as_py()) for name in read)
    result = canonical_text(filled.column, rule.field)[0].as_py()
    misfit = next((code for code, mask in filled.misfits.items() if mask[0]), None)
    return FieldTrace(rule.field.name, sources, tuple(steps), result, misfit, rule.file, (taken or rule).line)


def _shown(traced: FieldTrace, state: CompiledState, target: ObjectSchema) -> FieldTrace:
    """The same where the record's life state gives the field its value."""
    value, field = state.values.get(traced.field), target.field(traced.field)
    if value is None or field is None:
        return traced
    text = canonical_text(pa.array([value.as_py()], value.type), field)[0].as_py()
    return replace(traced, steps=(*traced.steps, TraceStep(f"life {state.name}", text)), result=text, misfit=None)
