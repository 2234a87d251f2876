"""Questions for records: page by page in the order of `_id`, each page behind the last key of the one before.

Offsets end at 10,000 and move under those who write meanwhile; the key does neither. The page's total says how many
records are behind the key, so a page that is short because records of it may not be seen is not taken for the last.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

import pandas as pd

from ..cell import Cell, canonical_text, canonical_value
from ..cell import cast as typed
from ..chunk import Chunk
from ..errors import InputError, UnavailableError
from ..port import KEY, OUR_KEY
from .cells import MisfitError, column, sent
from .gateway import Gateway
from .options import Options
from .paths import Paths
from .tenant import ID, TenantField, TenantObject
from .wire import Document, Json, part, parts, texts, whole

Filter = Document
INVALID = "invalid"
MODIFIED_AT = "last_modified_time"


class Query:
    """zone: of midnight in date fields."""

    def __init__(self, gateway: Gateway, options: Options, zone: ZoneInfo) -> None:
        self._gateway, self._options, self._zone = gateway, options, zone
        self._paths = Paths(options.custom_path == "always")

    def chunks(
        self,
        there: TenantObject,
        fields: Sequence[str],
        after: str | None,
        size: int,
        since: dt.datetime | None = None,
    ) -> Iterator[Chunk]:
        """since: what was changed at or after that moment; else everything."""
        filters = [*self._listed(there), *([] if since is None else [_changed(since)])]
        rows: list[Document] = []
        for page in self._pages(there, fields, filters, after):
            rows += page
            while len(rows) >= size:
                yield self._chunk(there, fields, rows[:size])
                rows = rows[size:]
        if rows:
            yield self._chunk(there, fields, rows)

    def count(self, there: TenantObject, filters: Sequence[Filter] = ()) -> int:
        answer = self._ask(there, [*self._listed(there), *filters], [ID], 1)
        return whole(answer.get("total")) or 0

    def find(
        self, there: TenantObject, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        """By our key and by its own a record in the bin is found, too."""
        wanted = [each for each in values if all(cell is not None and cell != "" for cell in each)]
        if tuple(by) in ((KEY,), (OUR_KEY,)):
            api = ID if tuple(by) == (KEY,) else there.our_key
            rows = self.by_text(there, api, [str(cell) for (cell,) in wanted], fields) if api else []
            return self._chunk(there, fields, rows)
        searched = [there.fields[name] for name in by]
        filters = self._filters(searched, wanted)
        if filters is None:
            return self._chunk(there, fields, [])
        rows = [row for page in self._pages(there, [*by, *fields], [*self._listed(there), *filters]) for row in page]
        return self._chunk(there, fields, self._exactly(searched, wanted, rows))

    def by_text(self, there: TenantObject, api: str, sought: Sequence[str], fields: Sequence[str]) -> list[Document]:
        """The records of which a text field is one of these, letter by letter."""
        wanted = list(dict.fromkeys(sought))
        if not wanted:
            return []
        asked: Filter = {"field_name": api, "operator": "IN", "field_values": texts(wanted)}
        rows = [row for page in self._pages(there, fields, [asked], also=[api]) for row in page]
        return [row for row in rows if row.get(api) in wanted]

    def state(self, there: TenantObject, key: str) -> Document | None:
        """The record as `get` shows it; None where it shows none."""
        asked: Document = {"includeNull": False, "data": {"dataObjectApiName": there.api, "objectDataId": key}}
        try:
            told = part(self._gateway.ask(self._paths.of(there, "get"), asked), "data")
        except InputError:
            return None
        return told or None

    def our_keys(self, there: TenantObject) -> Iterator[list[tuple[str, str]]]:
        if there.our_key is None:
            return
        for page in self._pages(there, [], self._listed(there)):
            pairs = [(str(row[there.our_key]), str(row[ID])) for row in page if row.get(there.our_key)]
            if pairs:
                yield pairs

    # Pages

    def _listed(self, there: TenantObject) -> list[Filter]:
        """What is in the bin is in no list. `N` is not equal, or nothing."""
        if self._options.invalid == "read" or not there.binned:
            return []
        return [{"field_name": "life_status", "operator": "N", "field_values": [INVALID]}]

    def _pages(
        self,
        there: TenantObject,
        fields: Sequence[str],
        filters: Sequence[Filter],
        after: str | None = None,
        also: Sequence[str] = (),
    ) -> Iterator[list[Document]]:
        """Raises UnavailableError `fxiaoke.no_order` where pages do not go on."""
        names = dict.fromkeys([ID, *also, *(there.fields[name].api for name in fields)])
        projection = [*names, *([there.our_key] if there.our_key and there.our_key not in names else [])]
        while True:
            behind: list[Filter] = []
            if after is not None:
                behind = [{"field_name": ID, "operator": "GT", "field_values": [after]}]
            answer = self._ask(there, [*filters, *behind], projection, self._options.page)
            rows = parts(answer, "dataList")
            if not rows:
                return
            yield rows
            last = str(rows[-1][ID])
            if last == after:
                raise UnavailableError("fxiaoke.no_order", object=there.name)
            after = last
            if len(rows) < self._options.page and (whole(answer.get("total")) or 0) <= len(rows):
                return

    def _ask(self, there: TenantObject, filters: Sequence[Filter], names: Sequence[str], limit: int) -> Document:
        info: Document = {
            "limit": limit,
            "offset": 0,
            "filters": list(filters),
            "orders": [{"fieldName": ID, "isAsc": True}],
            "fieldProjection": texts(names),
        }
        asked: Document = {
            "data": {"dataObjectApiName": there.api, "find_explicit_total_num": True, "search_query_info": info}
        }
        return part(self._gateway.ask(self._paths.of(there, "query"), asked), "data")

    def _chunk(self, there: TenantObject, fields: Sequence[str], rows: Sequence[Document]) -> Chunk:
        columns = {name: self._column(there.fields[name], rows) for name in fields}
        keys = [str(row[ID]) for row in rows]
        ours: list[str | None] = []
        if there.our_key is not None:
            told = (row.get(there.our_key) for row in rows)
            ours = [str(each) if each else None for each in told]
        frame = pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
        return Chunk(there.name, frame, keys, keys[-1] if keys else "", ours)

    def _column(self, field: TenantField, rows: Sequence[Mapping[str, Json]]) -> pd.arrays.ArrowExtensionArray:
        return pd.arrays.ArrowExtensionArray(column(field, [row.get(field.api) for row in rows], self._zone))

    # What is sought

    def _filters(self, searched: Sequence[TenantField], wanted: Sequence[tuple[Cell, ...]]) -> list[Filter] | None:
        """For each field its values; more than is wanted where there are several fields. None: there is nothing to
        find."""
        filters: list[Filter] = []
        for place, field in enumerate(searched):
            try:
                told = [sent(field, each[place], self._zone) for each in wanted]
            except MisfitError:
                return None
            flat = [one for each in told for one in (each if isinstance(each, list) else [each])]
            kept = list({json.dumps(each): each for each in flat}.values())
            if not kept:
                return None
            filters.append({"field_name": field.api, "operator": "IN", "field_values": kept})
        return filters

    def _exactly(
        self, searched: Sequence[TenantField], wanted: Sequence[tuple[Cell, ...]], rows: Sequence[Document]
    ) -> list[Document]:
        """Of what the server takes for equal, what is."""
        sought = {
            tuple(canonical_value(cell, field.field) for cell, field in zip(each, searched, strict=True))
            for each in wanted
        }
        if not rows:
            return []
        told = []
        for field in searched:
            cells, _ = typed(column(field, [row.get(field.api) for row in rows], self._zone), field.field)
            told.append(canonical_text(cells, field.field).to_pylist())
        return [row for row, cells in zip(rows, zip(*told, strict=True), strict=True) if tuple(cells) in sought]


def _changed(since: dt.datetime) -> Filter:
    """In whole milliseconds, those of the moment's own included."""
    moment = (since - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)
    return {"field_name": MODIFIED_AT, "operator": "GTE", "field_values": [moment]}
