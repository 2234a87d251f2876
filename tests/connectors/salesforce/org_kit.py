"""An org in this process: the simulator, the connector to it, and the objects of the contract."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pandas as pd
import pyarrow as pa
import requests
from changeover.connectors.cell import Cell
from changeover.connectors.chunk import Chunk, join_key
from changeover.connectors.clock import VirtualClock
from changeover.connectors.forwarding import Forwarding
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, OUR_KEY, Settings
from changeover.connectors.salesforce.connector import SalesforceConnector
from changeover.connectors.salesforce.line import Line
from changeover.connectors.salesforce.options import read_options
from changeover.connectors.salesforce.simulator import NoAnswerError, Simulator
from changeover.connectors.schema import FieldType, ObjectSchema, Schema
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.sample import SCHEMA, Row
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

HOST = "https://muan.my.salesforce.com"
APP = {"host": HOST, "client_id": "simulator", "client_secret": "${SF_SECRET}"}
SECRETS = {"SF_SECRET": "secret"}
NOWHERE = "a0X000000000000AAA"
Answered: TypeAlias = "tuple[int, Mapping[str, str], bytes]"
Strike: TypeAlias = Callable[[str, Callable[[], Answered]], Answered]


class InProcess(BaseAdapter):
    """Answers requests out of the simulator. strike: what becomes of a call, given its path and how it is made."""

    def __init__(self, simulator: Simulator, strike: Strike | None = None) -> None:
        super().__init__()
        self._simulator, self._strike = simulator, strike
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_told: Any, **_more: Any) -> requests.Response:
        self.sent.append(request)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b"".join(body)

        def act() -> Answered:
            try:
                headers = {**request.headers, "Host": urlsplit(str(request.url)).netloc}
                return self._simulator.answer(request.method or "", request.path_url, headers, body)
            except NoAnswerError as error:
                raise requests.ConnectionError("reset") from error

        path = request.path_url.partition("?")[0]
        return answer_to(request, *(self._strike(path, act) if self._strike else act()))

    def close(self) -> None:
        """Nothing is held."""


def answer_to(
    request: requests.PreparedRequest, status: int, headers: Mapping[str, str], body: bytes
) -> requests.Response:
    raw = HTTPResponse(io.BytesIO(body), headers, status, preload_content=False)
    response = requests.Response()
    response.status_code, response.raw, response.request, response.url = status, raw, request, request.url or ""
    response.headers.update(headers)
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    return response


def connected(way: InProcess, clock: VirtualClock, pace: Pace | None = None, **options: object) -> SalesforceConnector:
    settings = Settings("sf", "salesforce", {**APP, **options})
    return SalesforceConnector(
        settings, read_options(settings), Secrets(SECRETS.get), Line(way), pace or Pace(clock), clock
    )


# The objects of the contract, whose keys their creator gives, in an org that gives keys itself

_KINDS: Mapping[FieldType, Mapping[str, Any]] = {
    FieldType.TEXT: {"type": "string"},
    FieldType.INTEGER: {"type": "double", "precision": 18},
    FieldType.DECIMAL: {"type": "double", "precision": 18},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.DATE: {"type": "date"},
    FieldType.INSTANT: {"type": "datetime"},
    FieldType.CHOICE: {"type": "picklist", "restricted": True},
    FieldType.REFERENCE: {"type": "reference", "relationship": "Parent__r"},
}


def org_folder(folder: Path, long: Sequence[str] = ()) -> Path:
    """What the simulator finds its org in, with the objects of the contract. long: texts without a limit."""
    objects = {}
    for each in SCHEMA.objects.values():
        fields: dict[str, dict[str, Any]] = {"Name": {"type": "string", "auto": "R-{0000}", "name": True}}
        fields["OwnerId"] = {"type": "reference", "to": ["Group", "User"], "required": True, "defaulted": True}
        for one in each.fields:
            if one.type not in _KINDS:
                continue
            told = {**_KINDS[one.type], "required": one.required}
            told |= {"length": one.length} if one.length else {}
            told |= {"unique": True, "case_sensitive": True} if one.unique else {}
            told |= {"type": "textarea", "length": 131_072} if one.name in long else {}
            told |= {"scale": one.scale} if one.scale else {}
            told |= {"values": list(one.choices)} if one.choices else {}
            told |= {"to": [f"{name}__c" for name in one.references]} if one.references else {}
            fields[f"{one.name}__c"] = told
        if each.name == "sample":
            fields["entered__c"] = {"type": "datetime", "create_only": True}
        objects[f"{each.name}__c"] = {"fields": fields}
    folder.mkdir(exist_ok=True)
    users = [{"username": "admin@muan.example", "last": "何"}, {"username": "sales@muan.example", "last": "陆"}]
    org = {"objects": objects, "users": users}
    (folder / "org.yaml").write_text(json.dumps(org), encoding="utf-8")
    return folder


def kept(described: ObjectSchema, name: str, cell: Cell) -> str | int | None:
    """As the simulator keeps it."""
    field = described.field(name)
    assert field is not None
    match field.type:
        case FieldType.BOOLEAN:
            return int(bool(cell))
        case FieldType.DECIMAL if cell is not None:
            return int(cell.scaleb(field.scale))  # type: ignore[union-attr, arg-type]
        case FieldType.DATE if isinstance(cell, dt.date):
            return cell.isoformat()
        case FieldType.INSTANT if isinstance(cell, dt.datetime):
            return cell.isoformat(timespec="milliseconds").partition("+")[0]
    return cell  # type: ignore[return-value]


class Keyed(Forwarding):
    """The org's own ids exchanged for the keys that the laws give, and names for theirs. Records are put beneath the
    API, which would cut the space around a text."""

    def __init__(self, inner: SalesforceConnector, simulator: Simulator) -> None:
        super().__init__(inner)
        self._simulator = simulator
        self._there: dict[tuple[str, str], str] = {}
        self._here: dict[str, str] = {}

    def put(self, name: str, rows: Iterable[Row]) -> None:
        org, described = self._simulator.org, SCHEMA.objects[name]
        shape = org.shapes[f"{name}__c"]
        for row in rows:
            key = join_key(tuple(str(row[each]) for each in described.key))
            row_id = org.new_id(shape)
            self._there[name, key], self._here[row_id] = row_id, key
            told = {f"{each}__c": kept(described, each, cell) for each, cell in row.items() if each != "parent"}
            if row.get("parent") is not None:
                told["parent__c"] = self._there[name, str(row["parent"])]
            stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), org.stamp())
            org.store.insert(shape.name, {"Id": row_id, "IsDeleted": 0, "active__c": 0, **stamps, **told})

    def empty(self) -> None:
        for name in SCHEMA.objects:
            self._simulator.org.store.sql.execute(f'DELETE FROM "{name}__c"')
        self._simulator.org.live.clear()
        self._there.clear()
        self._here.clear()

    def describe(self) -> Schema:
        objects = {}
        for name, ours in SCHEMA.objects.items():
            each = self.inner.describe().objects[f"{name}__c"]
            fields = {field.name.removesuffix("__c"): field for field in each.fields if field.name.endswith("__c")}
            told = tuple(replace(field, name=here) for here, field in fields.items())
            objects[name] = ObjectSchema(name, ours.key, told, each.label)
        return Schema(objects)

    def _chunk(self, name: str, fields: Sequence[str], chunk: Chunk) -> Chunk:
        frame = chunk.frame.copy()
        frame.columns = pd.Index(list(fields))
        if "parent" in frame:
            ids = frame["parent"].array.__arrow_array__().to_pylist()  # type: ignore[attr-defined]
            told = [None if each is None else self._here[each] for each in ids]
            frame["parent"] = pd.Series(pd.arrays.ArrowExtensionArray(pa.array(told, pa.string())))
        return Chunk(name, frame, [self._here[each] for each in chunk.keys], chunk.cursor, chunk.our_keys)

    def audit_fields(self, object_name: str) -> Any:
        return type(self.inner.audit_fields(f"{object_name}__c"))()

    def count(self, object_name: str) -> int:
        return self.inner.count(f"{object_name}__c")

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        named = [f"{each}__c" for each in fields]
        for chunk in self.inner.read(f"{object_name}__c", named, after=after, size=size):
            yield self._chunk(object_name, fields, chunk)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        if tuple(by) in ((KEY,), ("parent",)):
            values = [(self._there.get((object_name, str(cell)), NOWHERE),) for (cell,) in values]
        named = [each if each in (KEY, OUR_KEY) else f"{each}__c" for each in by]
        found = self.inner.find(f"{object_name}__c", named, values, [f"{each}__c" for each in fields])
        return self._chunk(object_name, fields, found)
