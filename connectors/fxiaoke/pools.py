"""公海 and 线索池: where a record goes that nobody owns, which would else be the acting employee's."""

from __future__ import annotations

import re
import threading

from ..errors import InputError
from ..schema import ObjectSchema
from .options import Options
from .query import Query
from .tenant import ID, TenantObject

_ID = re.compile(r"[0-9a-f]{24}|[0-9a-f]{32}")


class Pools:
    """The pools of the option `pools`; one that is named is looked up once."""

    def __init__(self, query: Query, options: Options, connection: str) -> None:
        self._query, self._options, self._connection = query, options, connection
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}

    def of(self, there: TenantObject) -> tuple[str, str] | None:
        """(API name of the field, id of the pool) for an object's records without owner; None where none is said.
        Raises InputError `fxiaoke.no_pool` where the tenant has no such pool, or several of this name."""
        pool = self._options.pools.get(there.name)
        if pool is None:
            return None
        name, key = self.named(there, pool)
        return there.fields[name].api, key

    def named(self, there: TenantObject, pool: str) -> tuple[str, str]:
        """(our name of the field that says in which pool a record lies, id of this pool). Raises as `of`."""
        name = self._options.pool_fields.get(there.name, "")
        field = next((each for each in there.fields.values() if each.api == name), None)
        if field is None or not field.field.references:
            raise self._no_pool(there, pool)
        if _ID.fullmatch(pool):
            return field.name, pool
        with self._lock:
            if pool not in self._known:
                self._known[pool] = self._found(there, field.field.references[0], pool)
            return field.name, self._known[pool]

    def _found(self, there: TenantObject, kind: str, pool: str) -> str:
        api = self._options.names.get(kind, kind)
        pools = TenantObject(kind, api, ObjectSchema(kind, (ID,), ()), {}, None, False)
        rows = self._query.by_text(pools, "name", [pool], [])
        if len(rows) != 1:
            raise self._no_pool(there, pool)
        return str(rows[0][ID])

    def _no_pool(self, there: TenantObject, pool: str) -> InputError:
        return InputError("fxiaoke.no_pool", connection=self._connection, object=there.name, pool=pool)
