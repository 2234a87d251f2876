"""What a partition carries to its worker and back, sealed with the data key: the ledger's server sees only bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import pyarrow as pa

from ...connectors.change import Change, ChangeKind
from ...connectors.errors import DecisionError, InputError
from ...runs.cells import decode_cells, encode_cells
from ...runs.ledger.operations import Intent
from ...runs.sealing import Seal, SealBrokenError, bind
from ..sending.answer import Planned

FORMAT = 1
"""Of both documents. Another changeover may have another one."""
_SIZE_BYTES = 8

_Text: TypeAlias = str | None
_Row: TypeAlias = tuple[str, str, _Text, str, _Text, _Text, _Text, _Text, str, _Text, str, _Text]
"""kind, our key, target key, values, expected; of the intent: its target key, sent, written, bucket, source key; what
its record is once it is done; its parent's target key."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a worker brings back of a partition besides what the ledger knows. words: our key -> the target's own about
    a refusal. calls: to the target, by interface. aside: our keys of changes that came to nothing time and again."""

    words: Mapping[str, str] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    aside: Sequence[str] = ()


class Sealed:
    """Seals and opens what belongs to one run and target object. What was changed, or belongs to another run or object,
    does not open."""

    def __init__(self, data_key: bytes, run_id: int, object_name: str) -> None:
        self._seal = Seal(data_key)
        self._bound = (str(run_id), object_name)
        self._place = f"run {run_id}, {object_name}"

    def changes(self, planned: Sequence[Planned]) -> bytes:
        return self._closed("changes", [_row(each) for each in planned])

    def opened_changes(self, content: bytes) -> list[Planned]:
        """Raises as `_opened`."""
        return [_planned(row) for row in cast(list[_Row], self._opened("changes", content))]

    def brought(self, brought: Brought) -> bytes:
        return self._closed("brought", [dict(brought.words), dict(brought.calls), list(brought.aside)])

    def opened_brought(self, content: bytes) -> Brought:
        """Raises as `_opened`."""
        told = self._opened("brought", content)
        words, calls, aside = cast(tuple[dict[str, str], dict[str, int], list[str]], told)
        return Brought(words, calls, tuple(aside))

    def _closed(self, what: str, document: object) -> bytes:
        plain = json.dumps([FORMAT, document], separators=(",", ":")).encode()
        packed = bytes(pa.compress(plain, codec="zstd", asbytes=True))
        return self._seal.close(len(plain).to_bytes(_SIZE_BYTES, "big") + packed, bind(what, *self._bound))

    def _opened(self, what: str, content: bytes) -> object:
        """Raises DecisionError `content.damaged`; InputError `content.version` where another changeover made it."""
        try:
            packed = self._seal.open(content, bind(what, *self._bound))
        except SealBrokenError as problem:
            raise DecisionError("content.damaged", place=self._place) from problem
        size = int.from_bytes(packed[:_SIZE_BYTES], "big")
        plain = pa.decompress(packed[_SIZE_BYTES:], decompressed_size=size, codec="zstd", asbytes=True)
        version, document = json.loads(plain)
        if version != FORMAT:
            raise InputError("content.version", found=version, wanted=FORMAT)
        return document


def _row(planned: Planned) -> _Row:
    change, intent = planned.change, planned.intent
    return (
        change.kind.value,
        change.our_key,
        change.target_key,
        _text(encode_cells(change.values)),
        None if change.expect is None else _text(encode_cells(change.expect)),
        intent.target_key,
        _base64(intent.sent),
        _base64(intent.written),
        intent.bucket,
        intent.source_key,
        planned.record,
        planned.parent,
    )


def _planned(row: _Row) -> Planned:
    kind, our_key, target_key, values, expect, known_key, sent, written, bucket, source_key, record, parent = row
    return Planned(
        Change(
            ChangeKind(kind),
            our_key,
            target_key,
            decode_cells(_bytes(values)),
            None if expect is None else decode_cells(_bytes(expect)),
        ),
        Intent(our_key, ChangeKind(kind), known_key, _plain(sent), _plain(written), bucket, source_key),
        record,
        parent,
    )


def _text(cells: bytes) -> str:
    return cells.decode("utf-8", "surrogatepass")


def _bytes(cells: str) -> bytes:
    return cells.encode("utf-8", "surrogatepass")


def _base64(plain: bytes | None) -> str | None:
    return None if plain is None else base64.b64encode(plain).decode()


def _plain(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
