"""A small firm that moves into the Salesforce simulator, in this process and on a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from changeover.connectors.cell import Cell
from changeover.connectors.clock import VirtualClock
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import Connector
from changeover.connectors.salesforce.simulator import Simulator
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.secrets import Secrets
from changeover.migrate.pace.pacing import Paces
from changeover.migrate.project import Project, load_project

from ..connectors.salesforce.org_kit import InProcess, connected
from .fxiaoke_world import PROJECT, FxiaokeWorld

KEY_FIELD = "Legacy_Key__c"
TARGETS = {"firm": "Account", "person": "Contact"}
FIELDS = {
    "firm": "  Name: name\n  ParentId: {from: firm, reference: firm}\n  Credit_Limit__c: amount\n",
    "person": "  LastName: name\n  AccountId: {from: firm, reference: firm}\n",
}
_FIELDS = (
    Field("id", FieldType.TEXT, required=True),
    Field("name", FieldType.TEXT),
    Field("firm", FieldType.REFERENCE, references=("firm",)),
    Field("amount", FieldType.DECIMAL, scale=2),
)
SOURCE = Schema({name: ObjectSchema(name, ("id",), _FIELDS) for name in TARGETS})


def rows(names: Sequence[str], number: int) -> dict[str, list[dict[str, Cell]]]:
    return {
        name: [
            {
                "id": f"{name[0]}{one}",
                "name": f"{name} {one}",
                "firm": f"f{one // 2}" if name != "firm" or one > 2 else None,
                "amount": Decimal(one) + Decimal("0.50"),
            }
            for one in range(1 if name == "firm" else 2, number + 1)
        ]
        for name in names
    }


class SalesforceWorld(FxiaokeWorld):
    """The old system, the org, and the project between them. simulator: on a clock of its own, emptied first. names: of
    the mappings. options: of the connector."""

    def __init__(
        self, folder: Path, simulator: Simulator, names: Sequence[str] = ("firm", "person"), **options: object
    ) -> None:
        self.folder = folder / "move"
        (self.folder / "mappings").mkdir(parents=True)
        (self.folder / "changeover.yaml").write_text(PROJECT % 20_000, "utf-8")
        for name in names:
            text = f"mapping: {name}\nfrom: {name}\nto: {TARGETS[name]}\nfields:\n{FIELDS[name]}"
            (self.folder / "mappings" / f"{name}.yaml").write_text(text, "utf-8")
        for target in TARGETS.values():
            simulator.org.store.sql.execute(f'DELETE FROM "{target}"')
        simulator.org.live.clear()
        self.project = load_project(self.folder)
        clock = simulator.org.clock
        assert isinstance(clock, VirtualClock)
        self.clock = clock
        schema = Schema({name: SOURCE.objects[name] for name in names})
        self.source = MemoryConnector(schema, clock=clock, name="old", rows=rows(names, 5))
        self.org = simulator
        self.way = InProcess(simulator)  # type: ignore[assignment]
        self._options = {"objects": [TARGETS[name] for name in names], "at_once": 1, **options}
        self.numbers = {name: len(each) for name, each in rows(names, 5).items()}

    @contextmanager
    def connectors(
        self, _project: Project, _secrets: Secrets, paces: Paces, _clock: object
    ) -> Iterator[tuple[Connector, Connector]]:
        way: InProcess = self.way  # type: ignore[assignment]
        yield self.source, connected(way, self.clock, paces.target, **self._options)

    def doubled(self) -> list[str]:
        told = []
        for target in TARGETS.values():
            keys = [str(row[KEY_FIELD]) for row in self.org.rows(target) if not row["IsDeleted"]]
            told += [f"{target} {key}" for key in set(keys) if keys.count(key) > 1]
        return told

    def there(self) -> dict[str, int]:
        return {name: self.org.count(TARGETS[name]) for name in self.numbers}
