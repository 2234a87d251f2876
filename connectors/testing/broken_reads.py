"""Doubles that do not describe, read or find as they should."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import uuid4

from ..cell import Cell
from ..chunk import Chunk
from ..errors import InputError, UnavailableError
from ..port import KEY, OUR_KEY, AuditFields, Identity
from ..schema import Schema
from .broken_cells import Broken


class DescribesAnew(Broken):
    breaks = ("test_describe_is_stable",)

    def describe(self) -> Schema:
        objects = {name: replace(each, label=uuid4().hex) for name, each in super().describe().objects.items()}
        return Schema(objects)


class DescribesKeysAsTheyCome(Broken):
    breaks = ("test_describe_names_key_and_fields",)

    def describe(self) -> Schema:
        objects = super().describe().objects
        return Schema({name: replace(each, key=tuple(sorted(each.key)[::-1])) for name, each in objects.items()})


class AnotherSystemEachTime(Broken):
    breaks = ("test_identity_is_stable",)

    def identity(self) -> Identity:
        return replace(super().identity(), id=uuid4().hex)


class NaiveNow(Broken):
    breaks = ("test_now_is_aware_and_utc",)

    def now(self) -> dt.datetime:
        return super().now().replace(tzinfo=None)


class StampsThatAreNotThere(Broken):
    breaks = ("test_audit_fields_are_fields",)

    def audit_fields(self, object_name: str) -> AuditFields:
        return AuditFields("last_modified", None)


class AltersChunks(Broken):
    def alter(self, chunk: Chunk) -> Chunk | None:
        return chunk

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        chunks = (self.alter(chunk) for chunk in super().read(object_name, fields, after=after, size=size))
        return (chunk for chunk in chunks if chunk is not None)


class LosesTheLastOfAPage(AltersChunks):
    breaks = ("test_every_record_is_read_once", "test_count_is_what_read_gives")

    def alter(self, chunk: Chunk) -> Chunk | None:
        return replace(chunk, frame=chunk.frame.iloc[:-1], keys=chunk.keys[:-1])


class LosesEmptyHandedPages(AltersChunks):
    breaks = ("test_chunks_have_the_columns_asked_for", "test_the_order_is_always_the_same")

    def alter(self, chunk: Chunk) -> Chunk | None:
        return chunk if len(chunk.frame.columns) else None


class ColumnsInTheirOwnOrder(AltersChunks):
    breaks = ("test_chunks_have_the_columns_asked_for",)

    def alter(self, chunk: Chunk) -> Chunk | None:
        return replace(chunk, frame=chunk.frame[sorted(chunk.frame.columns)])


class TurnsPagesRound(AltersChunks):
    breaks = ("test_the_order_is_always_the_same",)

    def alter(self, chunk: Chunk) -> Chunk | None:
        return replace(chunk, frame=chunk.frame.iloc[::-1].reset_index(drop=True), keys=chunk.keys[::-1])


class KeysOfItsOwn(AltersChunks):
    breaks = ("test_keys_are_text_made_of_the_key_fields",)

    def alter(self, chunk: Chunk) -> Chunk | None:
        return replace(chunk, keys=[f"{chunk.object}/{key}" for key in chunk.keys])


class JoinsKeysPlainly(AltersChunks):
    breaks = ("test_composite_keys_are_joined_and_resumed",)

    def alter(self, chunk: Chunk) -> Chunk | None:
        return replace(chunk, keys=[key.replace("\\", "") for key in chunk.keys])


class IgnoresTheSize(Broken):
    breaks = ("test_chunks_keep_to_their_size",)

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        return super().read(object_name, fields, after=after)


class RepeatsTheBoundary(Broken):
    breaks = ("test_a_read_resumes_after_every_cursor", "test_composite_keys_are_joined_and_resumed")

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        chunks = list(super().read(object_name, fields, size=size if after is None else 1))
        cursors = [chunk.cursor for chunk in chunks]
        return iter(chunks[cursors.index(after) :] if after in cursors else chunks)


class PagesByOffset(Broken):
    breaks = ("test_reading_resumes_though_records_went",)

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        start = int(after or 0)
        for chunk in list(super().read(object_name, fields, size=1))[start:]:
            start += 1
            yield replace(chunk, cursor=str(start))


class HidesWhatIsNotThere(Broken):
    breaks = ("test_what_is_not_there_is_an_input_error",)

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        try:
            return super().read(object_name, fields, after=after, size=size)
        except InputError:
            return iter(())


class ReadsOnlyOurs(Broken):
    breaks = ("test_reading_does_not_mind_whose_a_record_is",)

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        ours = {key for some in self.our_keys(object_name) for _, key in some}
        chunks = super().read(object_name, fields, after=after, size=1)
        return (chunk for chunk in chunks if chunk.keys[0] in ours)


class FailsOnAnEmptyObject(Broken):
    breaks = ("test_an_empty_object_is_no_records", "test_a_read_needs_no_prepare")

    def count(self, object_name: str) -> int:
        if not (count := super().count(object_name)):
            raise UnavailableError("broken")
        return count


class AltersFinds(Broken):
    """Finds by looking at every record: `matches(held, wanted)` decides."""

    def matches(self, held: tuple[Cell, ...], wanted: tuple[Cell, ...]) -> bool:
        return held == wanted

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        if tuple(by) in ((KEY,), (OUR_KEY,)) or not values:
            return super().find(object_name, by, values, fields)
        super().find(object_name, by, [], fields)
        everything = {key: self.record(object_name, key) for key in self._keys(object_name)}
        found = [
            (key,)
            for key, record in everything.items()
            if any(self.matches(tuple(record[name] for name in by), wanted) for wanted in values)
        ]
        return super().find(object_name, (KEY,), found, fields)

    def _keys(self, object_name: str) -> list[str]:
        return [key for chunk in self.read(object_name, []) for key in chunk.keys]


class IgnoresCase(AltersFinds):
    breaks = ("test_find_is_exact",)

    def matches(self, held: tuple[Cell, ...], wanted: tuple[Cell, ...]) -> bool:
        return [str(cell).casefold() for cell in held] == [str(cell).casefold() for cell in wanted]


class IgnoresTrailingSpace(AltersFinds):
    breaks = ("test_find_is_exact",)

    def matches(self, held: tuple[Cell, ...], wanted: tuple[Cell, ...]) -> bool:
        return [str(cell).rstrip() for cell in held] == [str(cell).rstrip() for cell in wanted]


class FindsByPattern(AltersFinds):
    breaks = ("test_find_takes_values_as_they_are",)

    def matches(self, held: tuple[Cell, ...], wanted: tuple[Cell, ...]) -> bool:
        patterns = (re.escape(str(cell)).replace("%", ".*").replace("_", ".") for cell in wanted)
        return all(re.fullmatch(pattern, str(cell)) for pattern, cell in zip(patterns, held, strict=True))


class FindsNull(AltersFinds):
    breaks = ("test_find_of_nothing_is_nothing",)


class FindsEachFieldForItself(Broken):
    breaks = ("test_find_by_several_fields",)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        if len(by) == 1:
            return super().find(object_name, by, values, fields)
        each = [
            set(super(Broken, self).find(object_name, (name,), [(value[place],) for value in values], []).keys)
            for place, name in enumerate(by)
        ]
        return super().find(object_name, (KEY,), [(key,) for key in set.intersection(*each)], fields)


class FindsAsText(AltersFinds):
    breaks = ("test_find_by_every_type",)

    def matches(self, held: tuple[Cell, ...], wanted: tuple[Cell, ...]) -> bool:
        return list(map(str, held)) == list(map(str, wanted))


class FindsTheFirst(Broken):
    breaks = ("test_find_by_one_field", "test_find_by_key", "test_find_by_a_composite_key")

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        found = super().find(object_name, by, values, [])
        return super().find(object_name, (KEY,), [(key,) for key in found.keys[:1]], fields)


class FindsTwice(Broken):
    breaks = ("test_find_returns_each_record_once",)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        found = super().find(object_name, by, values, fields)
        again = [place for place in range(len(found)) for _ in range(1 + (len(values) > len(set(values))))]
        keys, ours = ([some[place] for place in again] for some in (found.keys, found.our_keys))
        return Chunk(object_name, found.frame.iloc[again].reset_index(drop=True), list(map(str, keys)), our_keys=ours)


class FindsAHundred(Broken):
    breaks = ("test_find_takes_as_many_values_as_it_says",)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        return super().find(object_name, by, values[:100], fields)
