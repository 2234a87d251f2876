"""How many records a person may own, and when a pool takes one back: the API tells neither, so the project says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..holding import EVERYBODY, Holding, Recycling
from .options import Options
from .owners import OWNER
from .pools import Pools
from .query import Query
from .tenant import TenantObject, no_field
from .wire import Document


class Holdings:
    def __init__(self, query: Query, pools: Pools, options: Options) -> None:
        self._query, self._pools, self._options = query, pools, options

    def of(self, there: TenantObject) -> Holding | None:
        """Raises InputError `fxiaoke.no_field` or `fxiaoke.no_pool`."""
        caps, rules = self._options.caps.get(there.name), self._options.recycling.get(there.name, [])
        owner = next((each.name for each in there.fields.values() if each.api == OWNER), None)
        if owner is None or (caps is None and not rules):
            return None
        told = []
        for rule in rules:
            since = (rule.since,) if isinstance(rule.since, str) else tuple(rule.since)
            for name in since:
                if name not in there.fields:
                    raise no_field(there, name)
            lies_in = None if rule.pool is None else self._pools.named(there, rule.pool)
            told.append(Recycling(rule.pool or since[0], rule.days, since, lies_in))
        by_person = {EVERYBODY: caps} if isinstance(caps, int) else caps or {}
        return Holding(owner, by_person, tuple(told), self._options.recycling_ahead)

    def owned(self, there: TenantObject, people: Sequence[str]) -> Mapping[str, int]:
        """A call for each."""
        told = {}
        for each in people:
            sought: Document = {"field_name": OWNER, "operator": "IN", "field_values": [each]}
            told[each] = self._query.count(there, [sought])
        return told
