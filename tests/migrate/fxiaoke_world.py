"""A small firm that moves into the Fxiaoke simulator, in this process and on a clock of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import ChangeoverError
from changeover.connectors.fxiaoke.simulator.settings import Settings as SimulatorSettings
from changeover.connectors.fxiaoke.simulator.simulator import Simulator
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import Connector
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.secrets import Secrets
from changeover.migrate import compare
from changeover.migrate import run as running
from changeover.migrate import session as sessions
from changeover.migrate.pace.pacing import Paces
from changeover.migrate.project import Project, load_project
from changeover.migrate.undoing import take_back
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.store import Ledger
from changeover.runs.report.model import Report

from ..connectors.fxiaoke_kit import OUR_FIELD, START, InProcess, connected

PROJECT = """
project: into-fxiaoke
default: mock
environments:
  mock:
    source: {connector: memory, name: old, file: none, zone: Asia/Shanghai}
    target: {connector: memory, name: fx, file: none, zone: Asia/Shanghai}
limits: {chunk: %d, batch: 1000}
"""
_CREATED = "  create_time: {from: made, write: only_create}\n  created_by: {constant: '1002', write: only_create}\n"
_REFERENCE = "  account_id: {from: account, reference: account}\n"
MAPPINGS = {
    "account": (
        "account",
        "AccountObj",
        f"  name: name\n  tel: tel\n{_CREATED}  owner: owner\n",
    ),
    "contact": ("contact", "ContactObj", f"  name: name\n{_REFERENCE}"),
    "deal": ("deal", "NewOpportunityObj", f"  name: name\n  amount: amount\n  close_date: day\n{_REFERENCE}"),
    "activity": ("activity", "ActiveRecordObj", "  name: name\n"),
    "contract": ("contract", "SaleContractObj", "  name: name\n"),
    "statement": (
        "statement",
        "statement__c",
        "  name: name\n  sum__c: amount\n  day__c: day\n  account__c: {from: account, reference: account}\n",
    ),
    "line": (
        "line",
        "statement_line__c",
        "  sum__c: amount\n  statement__c: {from: statement, reference: statement}\n",
    ),
}
"""Mapping -> source object, target object, fields. Lines are details of their statement."""
_TEXT = FieldType.TEXT
_OWN: dict[str, tuple[Field, ...]] = {
    "account": (Field("tel", _TEXT), Field("made", FieldType.INSTANT), Field("owner", _TEXT)),
    "line": (Field("statement", FieldType.REFERENCE, references=("statement",)),),
}
_AMOUNT, _DAY = Field("amount", FieldType.DECIMAL, scale=2), Field("day", FieldType.DATE)
_ACCOUNT = Field("account", FieldType.REFERENCE, references=("account",))


def _fields(name: str) -> tuple[Field, ...]:
    plain = (Field("id", _TEXT, required=True), Field("name", _TEXT))
    sums = (_AMOUNT, _DAY) if name in ("deal", "statement", "line") else ()
    account = (_ACCOUNT,) if name in ("contact", "deal", "statement") else ()
    return (*plain, *_OWN.get(name, ()), *sums, *account)


SOURCE = Schema({name: ObjectSchema(name, ("id",), _fields(name)) for name in MAPPINGS})
STATEMENT = {
    "api_name": "statement__c",
    "label": "对账单",
    "fields": {
        "sum__c": {"type": "currency", "label": "金额", "decimal_places": 2, "max_length": 14},
        "day__c": {"type": "date", "label": "日期"},
        "account__c": {"type": "object_reference", "label": "客户", "target_api_name": "AccountObj"},
    },
}
LINE = {
    "api_name": "statement_line__c",
    "label": "对账单明细",
    "fields": {
        "sum__c": {"type": "currency", "label": "金额", "decimal_places": 2, "max_length": 14},
        "statement__c": {"type": "master_detail", "label": "对账单", "target_api_name": "statement__c"},
    },
}
Numbers = dict[str, int]
SMALL: Numbers = {"account": 6, "contact": 5, "deal": 4, "activity": 2, "contract": 2, "statement": 4, "line": 6}
FULL: Numbers = {
    "account": 12_000,
    "contact": 25_000,
    "deal": 15_000,
    "activity": 20_000,
    "contract": 13_000,
    "statement": 18_000,
    "line": 0,
}
FOLDED: Numbers = FULL | {"statement": 4_500, "line": 13_500}
"""As many records, of the statements three in four as lines of another."""


def rows(numbers: Numbers) -> dict[str, list[dict[str, Cell]]]:
    """Records that all arrive."""
    accounts, statements, told = numbers["account"], max(1, numbers["statement"]), {}
    for name, number in numbers.items():
        held = {each.name for each in SOURCE.objects[name].fields}
        told[name] = [
            {
                key: cell
                for key, cell in {
                    "id": f"{name[0]}{one:06}",
                    "name": f"{name} {one}",
                    "tel": f"138{one:08}",
                    "made": START.replace(year=2016),
                    "owner": "1002",
                    "amount": Decimal(one) + Decimal("0.50"),
                    "day": START.date(),
                    "account": f"a{one % accounts:06}",
                    "statement": f"s{one % statements:06}",
                }.items()
                if key in held
            }
            for one in range(number)
        ]
    return told


class FxiaokeWorld:
    """The old system, the tenant, and the project between them. settings: of the simulator; options: of the
    connector. takes: seconds that a call takes. find_size: of the old system. clock: another one than its own."""

    def __init__(
        self,
        folder: Path,
        numbers: Numbers = SMALL,
        settings: dict[str, str] | None = None,
        *,
        takes: float = 0.0,
        chunk: int = 20_000,
        find_size: int = 1000,
        clock: VirtualClock | None = None,
        **options: object,
    ) -> None:
        self.folder = folder / "move"
        (self.folder / "mappings").mkdir(parents=True)
        (self.folder / "changeover.yaml").write_text(PROJECT % chunk, "utf-8")
        for name, (source, target, fields) in MAPPINGS.items():
            text = f"mapping: {name}\nfrom: {source}\nto: {target}\nfields:\n{fields}"
            (self.folder / "mappings" / f"{name}.yaml").write_text(text, "utf-8")
        tenant = folder / "tenant" / "describe"
        tenant.mkdir(parents=True)
        for each in (STATEMENT, LINE):
            (tenant / f"{each['api_name']}.json").write_text(json.dumps(each), "utf-8")
        self.project = load_project(self.folder)
        self.clock = clock or VirtualClock(START)
        self.source = MemoryConnector(SOURCE, clock=self.clock, name="old", rows=rows(numbers), find_size=find_size)
        told = SimulatorSettings.of({"key_field": OUR_FIELD, "invalid_rows": "shown", **(settings or {})})
        self.simulator = Simulator(self.clock, told, tenant.parent)
        self.way = InProcess(self.simulator, self.clock, takes=takes)
        self._options = {"objects": [target for _, target, _ in MAPPINGS.values()], "at_once": 1, **options}
        self.numbers = numbers

    @contextmanager
    def connectors(
        self, _project: Project, _secrets: Secrets, paces: Paces, _clock: object
    ) -> Iterator[tuple[Connector, Connector]]:
        yield self.source, connected(self.way, self.clock, zone="Asia/Shanghai", pace=paces.target, **self._options)

    @contextmanager
    def in_process(self) -> Iterator[None]:
        opened = Ledger.__init__

        def quick(ledger: Ledger, place: Place, **named: bool) -> None:
            opened(ledger, place, **{**named, "durable": False})

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHANGEOVER_DATA_KEY", "A" * 43 + "=")
            patch.setenv("CHANGEOVER_DIGEST_KEY", "A" * 22 + "==")
            patch.setattr(os, "fsync", lambda _file: None)
            patch.setattr(sessions, "open_connectors", self.connectors)
            patch.setattr(Ledger, "__init__", quick)
            yield

    def plan(self) -> Report:
        return running.plan(self.project, running.Order(), Secrets(), self.clock, lambda _tick: None)

    def run(self) -> Report:
        return running.run(self.project, running.Order(), Secrets(), self.clock, lambda _tick: None)

    def until_it_ends(self, most: int = 4) -> Report | None:
        for _ in range(most):
            try:
                return self.run()
            except ChangeoverError:
                self.clock.sleep(600)
        return None

    def undo(self, run: int) -> Report:
        return take_back.undo(self.project, run, True, Secrets(), self.clock, lambda _tick: None, None)

    def reconcile(self) -> Report:
        return compare.reconcile(self.project, running.Order(), Secrets(), self.clock, lambda _tick: None)

    def doubled(self) -> list[str]:
        """Our keys that more than one record has, of any object."""
        told = []
        for _, target, _ in MAPPINGS.values():
            keys = [str(row[OUR_FIELD]) for row in self.simulator.rows(target)]
            told += [f"{target} {key}" for key in set(keys) if keys.count(key) > 1]
        return told

    def there(self) -> Numbers:
        return {name: self.simulator.count(target) for name, (_, target, _) in MAPPINGS.items()}
