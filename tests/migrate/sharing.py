"""A move into the CRM over HTTP that two processes share over a ledger on a server: one coordinates, one has joined. A
witness at the CRM's door lets the coordinator wait there, so that every other call is the joiner's."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch
from changeover.connectors.testing.http_crm.server import USER, Gate, HttpCrm

from ..connectors.http_kit import installed
from .company import Company
from .http_company import ENVIRONMENT, TARGET, empty_crm, make_company_on_http, point_at
from .kill_at import FORGOTTEN, At
from .moving import Record
from .test_server_ledger import OnServer, on_server

CUSTOMERS, ORDERS, CHUNK, BATCH = 60, 80, 60, 4
SERVER_MAXIMUM = 0.1
PATIENCE = 60.0
"""Seconds after which a test gives up on a process that does not come."""
LEAD = ("run", "--execute", "--workers", "1", "--json")
JOIN = ("run", "--join", "--execute", "--json")
STANDING = {"verb", "verdict", "exit_code", "mappings", "facts", "findings", "tables", "next"}
NOBODY = At("ledger", "after", FORGOTTEN)
Content = dict[tuple[str, str], dict[str, Cell]]
Moment = Callable[[str, int, Batch], None]


def fill(company: Company) -> None:
    """Customers in two levels, with orders; a few of either are rejected, or held with their parent."""
    customers: list[tuple[object, ...]] = []
    for number in range(CUSTOMERS):
        name = "名" * 50 if number % 29 == 7 else f"客户{number}"
        customers.append((f"C{number:03}", name, f"C{number // 9:03}" if number > 19 else None, f"T{number}", "1.50"))
    company.old("insert into t_customer (khbh, khmc, sjkh, sh, je) values (?, ?, ?, ?, ?)", customers)
    orders: list[tuple[object, ...]] = [
        (number, f"C{number % CUSTOMERS:03}", f"{number}.25", "谁知道" if number % 31 == 3 else "赢单")
        for number in range(ORDERS)
    ]
    company.old("insert into t_order (id, khbh, je, zt) values (?, ?, ?, ?)", orders)


def make_template(folder: Path, *, limits: str = "") -> Company:
    """limits: more of them, as `, name: value`."""
    company = make_company_on_http(folder / "move", chunk=CHUNK, batch=BATCH, limits=f", deadline: 1{limits}")
    user = f"user: {USER}\n"
    company.rewrite("changeover.yaml", (user, f"{user}      timeout: {PATIENCE:.0f}\n"))
    fill(company)
    return company


@dataclass(frozen=True)
class Left:
    """What a run leaves: exit code, counts and findings as it tells them, and what is in the target."""

    code: int
    counts: dict[str, object]
    findings: list[tuple[object, ...]]
    content: Content


@dataclass
class Shared:
    """The move, and how it goes. other: told of every call that is not the one of the coordinator which waits."""

    company: OnServer
    crm: HttpCrm
    record: Record = field(default_factory=Record)
    other: Moment = lambda _moment, _number, _batch: None
    waits_at: int = 0

    def __post_init__(self) -> None:
        self.arrived, self.released, self.lock = threading.Event(), threading.Event(), threading.Lock()
        self.crm.watch = self._seen

    def _seen(self, moment: str, number: int, batch: Batch) -> None:
        if moment == "arrived":
            self.record.leaving(self._ask, batch)
            with self.lock:
                if self.waits_at < 0 and self.number("select count(*) from partition where state = 'leased'"):
                    self.waits_at = number
        if number != self.waits_at:
            self.other(moment, number, batch)
        elif moment == "arrived":
            self.arrived.set()
            assert self.released.wait(PATIENCE), "nobody let the coordinator go on"

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        return self.company.ledger(question)

    def let_wait(self) -> None:
        """The first call of a partition, which is the coordinator's, waits at the door until `released`."""
        self.arrived.clear()
        self.released.clear()
        self.waits_at = -1

    def number(self, question: str) -> int:
        return int(str(self.company.ledger(question)[0][0]))

    def open(self) -> int:
        return self.number("select count(*) from operation where state in ('planned', 'intent', 'unknown')")

    def expire(self, process: int) -> None:
        """What this process has leased is anybody's now."""
        place = self.company.place
        statement = (
            "update partition set lease_until = '2000-01-01T00:00:00+00:00' where state = 'leased' and worker in "
            f"(select id from worker where name like '% {process}')"
        )
        url = place.secrets.fill(place.url)
        with psycopg.connect(url, options=f"-c search_path={place.schema}") as server:
            server.execute(statement.encode())

    def beside(self, coordinator: int) -> list[int]:
        """The processes that this one has started and that are still there."""
        return [each.pid for each in psutil.Process(coordinator).children()] if psutil.pid_exists(coordinator) else []

    def process_beside(self, coordinator: int) -> int:
        (process,) = self.beside(coordinator)
        return process

    def content(self) -> Content:
        """(object, our key) -> cells, references to our records as our keys."""
        tables = self.crm.crm._tables
        ours = {name: {key: each.our_key for key, each in table.records.items()} for name, table in tables.items()}
        told: Content = {}
        for name, table in tables.items():
            for each in table.records.values():
                if each.our_key is None:
                    continue
                cells = dict(each.values)
                for one in TARGET.objects[name].fields:
                    if one.references and cells[one.name] is not None:
                        cells[one.name] = ours[one.references[0]][str(cells[one.name])]
                told[name, each.our_key] = {field: cell for field, cell in cells.items() if field != "id"}
        return told

    def left(self, ended: tuple[int, str]) -> Left:
        code, said = ended
        document = json.loads(said[said.index("{\n") :])
        told = [
            (each["code"], each["mapping"], each["field"], each["count"], tuple(sorted(each["keys"])))
            for each in document["findings"]
            if not each["code"].startswith("worker.")
        ]
        return Left(code, document["mappings"], sorted(told, key=str), self.content())

    def broken(self, left: Left, wanted: Left) -> dict[str, object]:
        """The laws that were broken, each with what broke it."""
        made = Counter(self.crm.acked("create"))
        found: dict[str, object] = {
            "it ends as alone": [
                each
                for each in (left.code, left.counts, left.findings)
                if each not in (wanted.code, wanted.counts, wanted.findings)
            ],
            "nothing lost": sorted(wanted.content.keys() - left.content.keys()),
            "nothing doubled": [key for key, number in made.items() if number > 1],
            "nothing too much": sorted(left.content.keys() - wanted.content.keys()),
            "right values": [key for key, cells in wanted.content.items() if left.content.get(key) != cells],
            "intent first": self.record.unwritten,
            "settled stays settled": self.record.again,
            "no operation open": self.open(),
            "no content left": self.number(
                "select count(*) from partition where content is not null or words is not null"
            ),
        }
        return {law: why for law, why in found.items() if why}


@contextmanager
def http_crm_installed(folder: Path) -> Iterator[None]:
    """For this process and for those that it starts: the connector and its secret."""
    with installed(folder / "site") as site, pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH")))))
        yield


@contextmanager
def begun(template: Company, folder: Path, url: str, gate: Gate | None = None) -> Iterator[Shared]:
    """url: of the ledger's server. gate: limits calls, of which each carries one change then."""
    shutil.copytree(template.folder, folder / "move")
    size = 1 if gate else 200
    with HttpCrm(empty_crm(), server_maximum=SERVER_MAXIMUM, batch_size=size, gate=gate or Gate()) as crm:
        company = Company(folder / "move")
        point_at(company, crm)
        yield Shared(on_server(company, url), crm)
