"""Records that questions make in an object, and take away again. Our key tells them from all others."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from ...errors import UnavailableError
from ...schema import Field, FieldType
from ..errors import Kind
from ..gateway import Answer, Gateway
from ..options import Options
from ..owners import OWNER
from ..paths import LOCK, UNLOCK, USERS, Paths, data_path
from ..query import INVALID, Query
from ..sight import WHOLE_COMPANY
from ..tenant import FILES, ID, MANY, NUMBERS, PEOPLE, TenantField, TenantObject
from ..wire import Document, Json, part, parts

PREFIX = "changeover-probe-"
NAME = "changeover probe"
LOCKED = "1"
NO_RIGHT = "权限"
"""In the words with which the tenant keeps a record from us."""
LISTED = 100


class UntriedError(Exception):
    """The object has not what the question needs."""


class OwnRecords:
    """Of one object, which must have the field for our key. user: the acting employee, whose they are."""

    def __init__(self, gateway: Gateway, query: Query, options: Options, user: str, there: TenantObject) -> None:
        self._gateway, self._query, self._options, self.user = gateway, query, options, user
        self._paths = Paths(options.custom_path == "always")
        self._run = secrets.token_hex(4)
        self._numbered = 0
        self._made: list[str] = []
        self._latest: str | None = None
        self.there = there

    # Making and changing

    def new_key(self) -> str:
        self._numbered += 1
        return f"{PREFIX}{self._run}-{self._numbered}"

    def create(
        self,
        cells: Mapping[str, Json],
        our_key: str | None = None,
        leaving: str | None = None,
        made_by: bool = False,
    ) -> Answer:
        """One call. cells: by API name. leaving: a field that is left empty. made_by: who made it is said."""
        ours = our_key or self.new_key()
        row: Document = {"dataObjectApiName": self.there.api, **self.required(leaving), **cells}
        row[str(self.there.our_key)] = ours
        rules: Document = {
            "isDuplicateSearch": self._options.duplicate_rules,
            "useValidationRule": self._options.validation_rules,
            "skipFuncValidate": not self._options.functions,
        }
        body: Document = {
            **self._quiet(),
            "hasSpecifyCreatedBy": made_by,
            "data": {"object_data": row, "optionInfo": rules},
        }
        if self._paths.custom(self.there):
            body["checkDuplicateSearch"] = self._options.duplicate_rules
        self._latest = None
        answer = self._gateway.tried(self._paths.of(self.there, "create"), body, tries=1)
        if answer.kind is Kind.DONE:
            key = answer.document.get("dataId") or self._found(ours)
            self._latest = str(key) if key else None
            self._made += [self._latest] if self._latest else []
        return answer

    @property
    def latest(self) -> str:
        """The key of what the latest create made. Raises UntriedError where it made nothing that we know of."""
        if self._latest is None:
            raise UntriedError
        return self._latest

    def made(self, cells: Mapping[str, Json] = {}, our_key: str | None = None) -> str:
        """The key of a new record. Raises UntriedError where the tenant takes none."""
        self.create(cells, our_key)
        return self.latest

    def update(self, key: str, cells: Mapping[str, Json]) -> Answer:
        """What must be filled is named as well, for a tenant that empties all else would refuse to."""
        row: Document = {"dataObjectApiName": self.there.api, **self.required(), **cells, ID: key}
        path = self._paths.of(self.there, "update")
        return self._gateway.tried(path, {**self._quiet(), "data": {"object_data": row}}, tries=1)

    def cell(self, key: str, api: str) -> Json:
        """As `get` shows it. Raises UntriedError where it shows no record."""
        state = self._query.state(self.there, key)
        if state is None:
            raise UntriedError
        return state.get(api)

    def lock(self, key: str, path: str = LOCK) -> Answer:
        inner: Document = {"dataObjectApiName": self.there.api, "dataIds": [key], "detailObjStrategy": 0}
        return self._gateway.tried(path, {"data": inner}, tries=1)

    def bin(self, key: str) -> Answer:
        body: Document = {"data": {"dataObjectApiName": self.there.api, "object_data_id": key}}
        return self._gateway.tried(self._paths.of(self.there, "invalid"), body, tries=1)

    def found(self, our_key: str) -> bool:
        """Whether a query by our key shows the record."""
        return self._found(our_key) is not None

    def _found(self, our_key: str) -> str | None:
        rows = self._query.by_text(self.there, str(self.there.our_key), [our_key], [])
        return str(rows[0][ID]) if rows else None

    def _quiet(self) -> Document:
        return {"triggerWorkFlow": False, "triggerApprovalFlow": False}

    def somebody_who_left(self) -> str:
        """Of the address book. Raises UntriedError where nobody has."""
        told = self._gateway.tried(USERS, {"departmentId": WHOLE_COMPANY, "fetchChild": True})
        left = (each for each in parts(told.document, "userList") if each.get("isStop") is True)
        person = next(left, {}).get("openUserId")
        if not person:
            raise UntriedError
        return str(person)

    # What a record needs

    def required(self, leaving: str | None = None) -> Document:
        """What a record must have, by API name. Raises UntriedError."""
        self._numbered += 1
        row: Document = {}
        for each in self.there.fields.values():
            name = each.api == "name" and each.field.writable
            if (each.field.required or name or each.api == OWNER) and each.api != leaving:
                row[each.api] = [self.user] if each.api == OWNER else self._filled(each)
        return row

    def _filled(self, field: TenantField) -> Json:
        """A value that says nothing. Raises UntriedError where there is none."""
        if field.field.type is FieldType.REFERENCE:
            return self._any_of(field.field)
        if field.field.choices:
            return field.field.choices[0]
        if field.kind in NUMBERS:
            return "1"
        if field.kind in ("date", "date_time"):
            return 0
        if field.kind == "true_or_false":
            return False
        if field.kind in PEOPLE | MANY | FILES:
            raise UntriedError
        return f"{self._run} {self._numbered} {NAME}"[: field.field.length]  # else the tenant's rules see a duplicate

    def _any_of(self, field: Field) -> str:
        """The first record of the object that a required reference refers to."""
        for name in field.references:
            api = self._options.names.get(name, name)
            info: Document = {"limit": 1, "offset": 0, "filters": [], "fieldProjection": [ID]}
            asked: Document = {"data": {"dataObjectApiName": api, "search_query_info": info}}
            custom = api.endswith("__c") or self._options.custom_path == "always"
            rows = parts(part(self._gateway.ask(data_path("query", custom), asked), "data"), "dataList")
            if rows:
                return str(rows[0][ID])
        raise UntriedError

    def field(self, *kinds: str, choices: bool = False) -> TenantField:
        """A field of one of these kinds that may be written and left empty. Raises UntriedError."""
        for each in self.there.fields.values():
            told = each.field
            free = told.writable and not told.required and not told.unique and each.api not in ("name", OWNER)
            if free and each.kind in kinds and (not choices or told.choices) and each.api != "record_type":
                return each
        raise UntriedError

    # Taking away

    def tidy(self) -> tuple[str, ...]:
        """Keys of what is left: what the tenant does not let go, or all behind a call that came to nothing."""
        keys = dict.fromkeys(self._made)
        left = []
        try:
            keys |= dict.fromkeys(self._others())
            while keys:
                key = next(iter(keys))
                left += [] if self._taken_away(key) else [key]
                del keys[key]
        except UnavailableError:
            left += keys
        self._made = left
        return tuple(left)

    def _others(self) -> list[str]:
        """What a call that nobody answered has made, or a process that ended since."""
        if self.there.our_key is None:
            return []
        sought: Document = {"field_name": self.there.our_key, "operator": "STARTWITH", "field_values": [PREFIX]}
        info: Document = {
            "limit": LISTED,
            "offset": 0,
            "filters": [sought],
            "orders": [{"fieldName": ID, "isAsc": True}],
            "fieldProjection": [ID],
        }
        asked: Document = {"data": {"dataObjectApiName": self.there.api, "search_query_info": info}}
        answer = self._gateway.tried(self._paths.of(self.there, "query"), asked)
        return [str(each[ID]) for each in parts(part(answer.document, "data"), "dataList")]

    def _taken_away(self, key: str) -> bool:
        state = self._query.state(self.there, key) or {}
        if str(state.get("lock_status")) == LOCKED:
            self.lock(key, UNLOCK)
        if state.get("life_status") != INVALID:
            self.bin(key)
        body: Document = {"data": {"dataObjectApiName": self.there.api, "idList": [key]}}
        answer = self._gateway.tried(self._paths.of(self.there, "delete"), body)
        return answer.kind is Kind.DONE or (NO_RIGHT not in answer.message and not self._query.state(self.there, key))
