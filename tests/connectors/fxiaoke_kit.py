"""A tenant in this process: the simulator, the connector to it, and the objects of the contract as custom objects."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pandas as pd
import pyarrow as pa
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, Outcome
from changeover.connectors.chunk import Chunk, join_key
from changeover.connectors.clock import Clock
from changeover.connectors.forwarding import Forwarding
from changeover.connectors.fxiaoke.connector import FxiaokeConnector
from changeover.connectors.fxiaoke.options import read_options
from changeover.connectors.fxiaoke.simulator.simulator import Simulator
from changeover.connectors.fxiaoke.transport import Answered, Came, NoAnswerError, Streamed
from changeover.connectors.held_file import PIECE
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, Ordeal, Settings
from changeover.connectors.schema import ObjectSchema, Schema
from changeover.connectors.secrets import Secrets
from changeover.connectors.simulating.server import NoAnswerError as SimulatorSilentError
from changeover.connectors.testing.sample import PAPER, SCHEMA_WITH_LINES

from .parents_first import parents_first

SCHEMA = Schema({**SCHEMA_WITH_LINES.objects, "paper": PAPER})
START = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
OUR_FIELD = "legacy_key__c"
APP = {"app_id": "FSAID_simulator", "app_secret": "${FX_SECRET}", "permanent_code": "${FX_CODE}", "user": "1000"}
SECRETS = {"FX_SECRET": "secret", "FX_CODE": "code"}
NOWHERE = "f" * 24
Body: TypeAlias = dict[str, object]
Strike: TypeAlias = Callable[[str, Callable[[], Answered]], Answered]


class InProcess:
    """The way to a simulator. strike: what becomes of a call, given its path and how it is made; the calls are counted
    by path. takes: seconds of the clock that each takes but those that sign in, for which all others wait."""

    def __init__(self, simulator: Simulator, clock: Clock, strike: Strike | None = None, *, takes: float = 0.0) -> None:
        self.simulator, self._clock, self.strike, self._takes = simulator, clock, strike, takes
        self.sent: list[tuple[str, Body]] = []
        self.headers: list[Mapping[str, str]] = []

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes | Streamed) -> Answered:
        path = path.removeprefix("http://localhost")
        plain = path.partition("?")[0]
        whole = body if isinstance(body, bytes) else b"".join(body)
        assert isinstance(body, bytes) or len(body) == len(whole)
        self.sent.append((plain, json.loads(body) if isinstance(body, bytes) else {}))
        self.headers.append(headers)

        def act() -> Answered:
            try:
                return self.simulator.answer(method, path, headers, whole)
            except SimulatorSilentError as error:
                raise NoAnswerError(str(error)) from error

        try:
            return self.strike(plain, act) if self.strike else act()
        finally:
            if self._takes and not plain.endswith("/token"):
                self._clock.sleep(self._takes)

    @contextmanager
    def coming(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Iterator[Came]:
        status, told, came = self.answer(method, path, headers, body)
        yield status, told, (came[start : start + PIECE] for start in range(0, len(came), PIECE))

    def bodies(self, ending: str) -> list[Body]:
        """Of the calls whose path ends so."""
        return [body for path, body in self.sent if path.endswith(ending)]


def connected(
    transport: InProcess, clock: Clock, *, zone: str | None = None, pace: Pace | None = None, **options: object
) -> FxiaokeConnector:
    settings = Settings("fx", "fxiaoke", {"sign_in": "bearer", "read_back_lag": 0.0, **APP, **options}, zone=zone)
    return FxiaokeConnector(
        settings, read_options(settings), Secrets(SECRETS.get), transport, pace or Pace(clock), clock
    )


# The objects of the contract, whose keys their creator gives, on a tenant that gives keys itself

_KINDS = {
    "text": {"type": "text"},
    "integer": {"type": "number", "decimal_places": 0},
    "decimal": {"type": "number"},
    "boolean": {"type": "true_or_false"},
    "date": {"type": "date"},
    "instant": {"type": "date_time"},
    "choice": {"type": "select_one"},
    "reference": {"type": "object_reference"},
    "file": {"type": "file_attachment"},
}


def describe_of(described: ObjectSchema) -> Body:
    """As an administrator would make it, as the API shows it."""
    fields: dict[str, Body] = {}
    for each in described.fields:
        if each.type.value not in _KINDS:
            continue
        told: Body = {"label": each.name, "is_required": each.required, "is_unique": each.unique}
        told |= _KINDS[each.type.value]
        if each.type.value == "text":
            told |= {"max_length": each.length} if each.length else {"type": "long_text", "max_length": 100_000}
        if each.scale is not None:
            told |= {"decimal_places": each.scale, "max_length": each.precision}
        told |= {"options": [{"value": one, "label": one} for one in each.choices]} if each.choices else {}
        told |= {"target_api_name": f"{each.references[0]}__c"} if each.references else {}
        told |= {"type": "master_detail"} if each.master else {}
        fields[f"{each.name}__c"] = told
    return {"api_name": f"{described.name}__c", "label": described.name, "fields": fields}


def tenant_folder(folder: Path) -> Path:
    """What the simulator keeps its tenant in, with the objects of the contract."""
    (folder / "describe").mkdir(parents=True)
    for each in SCHEMA.objects.values():
        told = json.dumps(describe_of(each))
        (folder / "describe" / f"{each.name}__c.json").write_text(told, "utf-8")
    return folder


CONTRACT = {
    "objects": list(SCHEMA.objects),
    "names": {name: f"{name}__c" for name in SCHEMA.objects},
    "fields": {
        each.name: {field.name: f"{field.name}__c" for field in each.fields} for each in SCHEMA.objects.values()
    },
}
"""Options under which the tenant's objects and fields are called as the contract calls them."""


REFERS = {"sample": "parent", "line": "of"}
"""The field of each object that refers to a sample."""


class Keyed(Forwarding):
    """The tenant's own keys exchanged for those that the laws give: a record is known by its key fields. One that the
    tenant did not answer for is known by the tenant's key."""

    def __init__(self, inner: FxiaokeConnector) -> None:
        super().__init__(inner)
        self._there: dict[tuple[str, str], str] = {}
        self._here: dict[tuple[str, str], str] = {}

    def _meet(self, name: str, key: str, there: str) -> None:
        self._there[name, key], self._here[name, there] = there, key

    def _key(self, name: str, here: object) -> str:
        return self._there.get((name, str(here)), NOWHERE)

    def describe(self) -> Schema:
        objects = {}
        for name, each in self.inner.describe().objects.items():
            fields = tuple(field for field in each.fields if field.name != "_id")
            objects[name] = ObjectSchema(name, SCHEMA.objects[name].key, fields, each.label)
        return Schema(objects)

    def _chunk(self, chunk: Chunk) -> Chunk:
        keys = [self._here.get((chunk.object, each), each) for each in chunk.keys]
        frame, name = chunk.frame.copy(), REFERS.get(chunk.object)
        if name in frame:
            told = [None if each is None else self._here["sample", each] for each in _listed(frame[name])]
            frame[name] = pd.Series(pd.arrays.ArrowExtensionArray(pa.array(told, pa.string())))
        return Chunk(chunk.object, frame, keys, chunk.cursor, chunk.our_keys)

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        return map(self._chunk, self.inner.read(object_name, fields, after=after, size=size))

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        return map(self._chunk, self.inner.changed(object_name, fields, since, after=after, size=size))

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        if tuple(by) in ((KEY,), ("parent",)):
            values = [(None if cell is None else self._key(object_name, cell),) for (cell,) in values]
        return self._chunk(self.inner.find(object_name, by, values, fields))

    def write(self, batch: Batch) -> list[Outcome]:
        return parents_first(batch, self._sent)

    def _sent(self, batch: Batch) -> list[Outcome]:
        name, changes = batch.object, []
        for each in batch.changes:
            values = dict(each.values)
            if values.get("parent") is not None:
                values["parent"] = self._key(name, values["parent"])
            there = None if each.target_key is None else self._key(name, each.target_key)
            changes.append(Change(each.kind, each.our_key, there, values, each.expect, each.details))
        outcomes = []
        asked = {each.our_key: each for each in batch.changes}
        for outcome in self.inner.write(Batch(name, tuple(changes))):
            change, key = asked[outcome.our_key], outcome.target_key
            if change.target_key is None and key is not None and (name, key) not in self._here:
                parts = tuple(str(change.values[part]) for part in SCHEMA.objects[name].key)
                self._meet(name, join_key(parts), key)
            known = change.target_key if key is None else self._here.get((name, key), change.target_key)
            outcomes.append(Outcome(outcome.our_key, outcome.state, known, outcome.code, outcome.detail, outcome.field))
        return outcomes

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        for some in self.inner.our_keys(object_name):
            yield [(ours, self._here[object_name, key]) for ours, key in some]

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        return self._undergone(self.inner.put_through(ordeal, object_name, our_key, self._key(object_name, key)), key)

    def take_back(
        self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        there = self._key(object_name, key)
        return self._undergone(self.inner.take_back(ordeal, object_name, our_key, there, before), key)

    def _undergone(self, told: Outcome, key: str) -> Outcome:
        return Outcome(told.our_key, told.state, key, told.code, told.detail)


def _listed(column: object) -> list[str | None]:
    told: list[str | None] = column.array.__arrow_array__().to_pylist()  # type: ignore[attr-defined]
    return told
