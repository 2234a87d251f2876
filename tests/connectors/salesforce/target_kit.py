"""An org to write to, in this process, by the keys that the laws give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, Outcome
from changeover.connectors.chunk import join_key
from changeover.connectors.clock import VirtualClock
from changeover.connectors.port import Ordeal
from changeover.connectors.salesforce.connector import SalesforceConnector
from changeover.connectors.salesforce.simulator import Faults, Settings, Simulator
from changeover.connectors.testing.sample import SCHEMA

from ..parents_first import parents_first
from .callers import START
from .org_kit import NOWHERE, InProcess, Keyed, connected, org_folder

KEY_FIELD = "Legacy_Key__c"


def emptied(simulator: Simulator) -> None:
    """As if nobody had written to it yet."""
    for name in ("Account", "Contact", "Case"):
        simulator.org.store.sql.execute(f'DELETE FROM "{name}"')
    simulator.org.live.clear()
    simulator.faults = Faults([])


class KeyedTarget(Keyed):
    """Files are tried on accounts, by `test_target_files`: an org has them for objects that it names itself."""

    def __init__(self, inner: SalesforceConnector, simulator: Simulator) -> None:
        super().__init__(inner, simulator)
        self.capabilities = replace(inner.capabilities, takes_files=False, holds_files=False)

    @property
    def struck(self) -> int:
        """Faults so far."""
        return self._simulator.faults.struck

    def write(self, batch: Batch) -> list[Outcome]:
        return parents_first(batch, self._sent)

    def _sent(self, batch: Batch) -> list[Outcome]:
        name, asked = batch.object, {each.our_key: each for each in batch.changes}
        there = tuple(self._change(name, each) for each in batch.changes)
        return [self._met(name, asked[each.our_key], each) for each in self.inner.write(Batch(f"{name}__c", there))]

    def _change(self, name: str, each: Change) -> Change:
        values = {f"{key}__c": cell for key, cell in each.values.items()}
        if values.get("parent__c") is not None:
            values["parent__c"] = self._there.get((name, str(values["parent__c"])), NOWHERE)
        key = None if each.target_key is None else self._there.get((name, each.target_key), NOWHERE)
        return Change(each.kind, each.our_key, key, values)

    def _met(self, name: str, change: Change, told: Outcome) -> Outcome:
        key = told.target_key
        if change.target_key is None and key is not None and key not in self._here:
            here = join_key(tuple(str(change.values[part]) for part in SCHEMA.objects[name].key))
            self._there[name, here], self._here[key] = key, here
        return replace(told, target_key=change.target_key if key is None else self._here.get(key, change.target_key))

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        for some in self.inner.our_keys(f"{object_name}__c"):
            yield [(ours, self._here[key]) for ours, key in some]

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        there = self._there.get((object_name, key), NOWHERE)
        return replace(self.inner.put_through(ordeal, f"{object_name}__c", our_key, there), target_key=key)

    def take_back(
        self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        """Who the owner was, the laws do not keep: they know of no such field."""
        there = self._there.get((object_name, key), NOWHERE)
        first = str(self._simulator.sign_in.run_as["Id"])
        told = self.inner.take_back(ordeal, f"{object_name}__c", our_key, there, {"OwnerId": first})
        return replace(told, target_key=key)


def org(
    folder: Path, long: tuple[str, ...] = (), faults: Faults | None = None, at_once: int = 4
) -> Iterator[KeyedTarget]:
    clock = VirtualClock(START)
    simulator = Simulator(clock, Settings.of({"key_field": KEY_FIELD}), org_folder(folder, long), faults)
    second = simulator.org.store.column("User", "Id", '1 ORDER BY "Id" DESC LIMIT 1', [])[0]
    options = {"objects": ["sample__c", "pair__c"], "ordeal_owner": str(second), "at_once": at_once}
    yield KeyedTarget(connected(InProcess(simulator), clock, **options), simulator)
    simulator.close()
