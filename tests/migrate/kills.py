"""A move that is killed at drawn places, over HTTP or between databases with the ledger on a server; what it leaves,
and what must hold of that."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from changeover.connectors.change import Batch
from changeover.connectors.testing.http_crm.server import HttpCrm

from .company import TARGET as TABLES
from .company import Company, make_company
from .http_company import TARGET, empty_crm, make_company_on_http, point_at
from .kill_at import FORGOTTEN, At, Launcher
from .moving import Record
from .test_kill import RUN, fill
from .test_server_ledger import on_server

SERVER_MAXIMUM = 0.1
NOBODY = At("ledger", "after", FORGOTTEN)
OPEN = "select count(*) from operation where state in ('planned', 'intent', 'unknown')"
DONE = (
    "select object, our_key, kind, count(*) from operation where state in ('acked', 'verified', 'diverged') "
    "group by 1, 2, 3"
)
Keyed = tuple[str, str]
"""(target object, our key)."""


@dataclass(frozen=True)
class Kill:
    """side: whose n-th call or commit of that life. when: of an HTTP target `arrived` or `done`, of a database and of
    the ledger `before` or `after`. number: from 1; below 1 so far through an undisturbed run."""

    side: str
    when: str
    number: float

    def at(self, undisturbed: Mapping[str, int]) -> int:
        return max(1, round(self.number * undisturbed[self.side])) if self.number < 1 else int(self.number)


@dataclass(frozen=True)
class Left:
    """What a finished run leaves. content: every record under our key; two where it was doubled. touched: how often
    each was really written, by what was done to it. done: the same, as the ledger has it."""

    code: int
    counts: dict[str, object]
    content: dict[Keyed, list[object]]
    touched: Counter[tuple[str, ...]]
    done: Counter[tuple[object, ...]]


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody killed. steps: how many calls and commits it made, by side."""

    left: Left
    steps: dict[str, int]


@dataclass(frozen=True)
class Killed:
    """What a kill left. open: operations without an outcome. between: whether it struck after the run's first intent
    and before its last outcome."""

    kill: Kill
    open: int
    between: bool


@dataclass
class World:
    """A company and its move."""

    company: Company
    launcher: Launcher
    killed: list[Killed] = field(default_factory=list)

    @abstractmethod
    def content(self) -> dict[Keyed, list[object]]: ...

    @abstractmethod
    def touched(self) -> Counter[tuple[str, ...]]: ...

    def unwritten(self) -> Sequence[object]:
        """What arrived without an intent, where somebody stands at the door."""
        return ()

    def go(self, kill: Kill, number: int) -> tuple[int, str]:
        """Run the command and kill it at the number-th step."""
        return self.launcher.run(self.company.folder, *RUN, at=At(kill.side, kill.when, number))

    def live(self, kill: Kill, undisturbed: Undisturbed) -> Left | None:
        """What it leaves where it came to its end before, None where it was killed."""
        code, said = self.go(kill, kill.at(undisturbed.steps))
        if code != -signal.SIGKILL:
            return self._left(code, said)
        begun = self._begun()
        left_open = self.open() if begun else 0
        self.killed.append(Killed(kill, left_open, begun and (left_open > 0 or self._done() != undisturbed.left.done)))
        return None

    def finish(self) -> Left:
        return self._left(*self.launcher.run(self.company.folder, *RUN))

    def undisturbed(self) -> Undisturbed:
        left = self.finish()
        commits = self.launcher.commits()
        assert self.broken(left, left) == {}
        batches = int(str(self.company.ledger("select count(*) from batch")[0][0]))
        return Undisturbed(left, {"ledger": commits, "target": batches})

    def open(self) -> int:
        return int(str(self.company.ledger(OPEN)[0][0]))

    def _begun(self) -> bool:
        """Whether anything was ever to be sent; a process may have died before it had made its ledger."""
        try:
            return bool(self.company.ledger("select 1 from operation limit 1"))
        except (sqlite3.Error, psycopg.Error):
            return False

    def _done(self) -> Counter[tuple[object, ...]]:
        return Counter({tuple(row[:3]): int(str(row[3])) for row in self.company.ledger(DONE)})

    def _left(self, code: int, said: str) -> Left:
        document = json.loads(said[said.index("{\n") :])
        return Left(code, document["mappings"], self.content(), self.touched(), self._done())

    def broken(self, left: Left, wanted: Left) -> dict[str, object]:
        """The laws that were broken, each with what broke it."""
        found: dict[str, object] = {
            "it ends as it should": [
                each for each in (left.code, left.counts) if each not in (wanted.code, wanted.counts)
            ],
            "nothing lost": sorted(wanted.content.keys() - left.content.keys()),
            "nothing doubled": [key for key, found in left.content.items() if len(found) > 1],
            "nothing too much": sorted(left.content.keys() - wanted.content.keys()),
            "right values": [key for key, found in wanted.content.items() if left.content.get(key) != found],
            "settled stays settled": left.touched - wanted.touched,
            "the ledger knows what was done": (left.done - wanted.done) + (wanted.done - left.done),
            "intent first": self.unwritten(),
            "no operation open": self.open(),
        }
        return {law: why for law, why in found.items() if why}


@dataclass
class OverHttp(World):
    """To a server of its own on loopback, with a witness at its door, over a ledger in a file."""

    crm: HttpCrm = field(kw_only=True)
    record: Record = field(default_factory=Record)

    def __post_init__(self) -> None:
        self._pid: Future[int] = Future()
        self._strike: tuple[str, int] | None = None
        self.crm.watch = self._seen

    def _seen(self, moment: str, number: int, batch: Batch) -> None:
        if moment == "arrived":
            self.record.leaving(self._ask, batch)
        if self._strike == (moment, number):
            os.kill(self._pid.result(30), signal.SIGKILL)

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.company.folder / "runs" / "mock" / "ledger.db")) as ledger:
            return ledger.execute(question).fetchall()

    def go(self, kill: Kill, number: int) -> tuple[int, str]:
        self._pid = Future()
        self._strike = (kill.when, self.crm.writes + number) if kill.side == "target" else None
        at = At("ledger", kill.when, number) if kill.side == "ledger" else NOBODY
        self._pid.set_result(self.launcher.start(self.company.folder, RUN, at))
        ended = self.launcher.end()
        self._strike = None
        return ended

    def unwritten(self) -> Sequence[object]:
        return [*self.record.unwritten, *self.record.again]

    def content(self) -> dict[Keyed, list[object]]:
        """References to our records as our keys."""
        tables = self.crm.crm._tables
        ours = {name: {key: each.our_key for key, each in table.records.items()} for name, table in tables.items()}
        told: dict[Keyed, list[object]] = {}
        for name, table in tables.items():
            for each in table.records.values():
                if each.our_key is None:
                    continue
                cells = {name: cell for name, cell in each.values.items() if name != "id"}
                for one in TARGET.objects[name].fields:
                    if one.references and cells[one.name] is not None:
                        cells[one.name] = ours[one.references[0]][str(cells[one.name])]
                told.setdefault((name, each.our_key), []).append(cells)
        return told

    def touched(self) -> Counter[tuple[str, ...]]:
        return Counter((kind, key) for kind in ("create", "update") for key in self.crm.acked(kind))


LOG = """
create table {schema}.written (what text, key bigint);
create function {schema}.log() returns trigger language plpgsql as $$
begin
  insert into {schema}.written values (tg_table_name || ' ' || tg_op, new.id);
  return new;
end $$;
create trigger log after insert or update on {schema}.customer for each row execute function {schema}.log();
create trigger log after insert or update on {schema}.orders for each row execute function {schema}.log();
"""
CUSTOMERS = (
    "select 'customer', k.our_key, c.name, p.our_key, c.tax_no, c.kind from {0}.customer c "
    "join {0}.changeover_keys k on k.object = 'customer' and k.target_key = c.id::text "
    "left join {0}.changeover_keys p on p.object = 'customer' and p.target_key = c.parent_id::text"
)
ORDERS = (
    "select 'orders', k.our_key, o.amount, c.our_key, o.stage, o.changed_at from {0}.orders o "
    "join {0}.changeover_keys k on k.object = 'orders' and k.target_key = o.id::text "
    "join {0}.changeover_keys c on c.object = 'customer' and c.target_key = o.customer_id::text"
)
STRANGERS = (
    "select 1 from {0}.{1} where id::text not in (select target_key from {0}.changeover_keys where object = '{1}')"
)


@dataclass
class OnPostgres(World):
    """Into a schema of a server, which keeps the ledger too."""

    server: sa.Engine = field(kw_only=True)
    schema: str = field(kw_only=True)

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with self.server.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(question)]

    def content(self) -> dict[Keyed, list[object]]:
        told: dict[Keyed, list[object]] = {}
        for question in (CUSTOMERS, ORDERS):
            for name, our_key, *cells in self.ask(question.format(self.schema)):
                told.setdefault((name, our_key), []).append(cells)
        strangers = [name for name in ("customer", "orders") if self.ask(STRANGERS.format(self.schema, name))]
        return told | {(name, "nobody's"): ["there"] for name in strangers}

    def touched(self) -> Counter[tuple[str, ...]]:
        joined = (
            "select w.what, k.our_key from {0}.written w join {0}.changeover_keys k "
            "on k.object = split_part(w.what, ' ', 1) and k.target_key = w.key::text"
        )
        return Counter(self.ask(joined.format(self.schema)))


@dataclass(frozen=True)
class Size:
    """Of the company: records, and how many to a chunk and to a batch."""

    customers: int
    orders: int
    chunk: int
    batch: int


def http_template(folder: Path, size: Size) -> Company:
    company = make_company_on_http(folder / "move", chunk=size.chunk, batch=size.batch, limits=", deadline: 1")
    fill(company, size.customers, size.orders)
    return company


@contextmanager
def over_http(template: Company, launcher: Launcher, folder: Path) -> Iterator[OverHttp]:
    shutil.copytree(template.folder, folder / "move")
    with HttpCrm(empty_crm(), server_maximum=SERVER_MAXIMUM) as crm:
        company = Company(folder / "move")
        point_at(company, crm)
        yield OverHttp(company, launcher, crm=crm)


def postgres_template(folder: Path, size: Size, url: str) -> Company:
    """Nothing is adopted there. Its target's and its ledger's schemas: `on_postgres`."""
    company = make_company(folder / "move", target=url, chunk=size.chunk, batch=size.batch)
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]\n", ""))
    company.rewrite("changeover.yaml", ("name: crm", "name: crm\n      schema: nowhere"))
    fill(company, size.customers, size.orders)
    return company


@contextmanager
def on_postgres(
    template: Company, launcher: Launcher, folder: Path, server: sa.Engine, ledger: str
) -> Iterator[OnPostgres]:
    """ledger: the URL, as a project writes it."""
    shutil.copytree(template.folder, folder / "move")
    schema = f"target_{folder.name.replace('-', '_')}"
    tables = TABLES.replace("primary key autoincrement", "generated by default as identity primary key")
    with server.connect() as connection:
        connection.exec_driver_sql(f"create schema {schema}; set search_path to {schema}; {tables}")
        connection.exec_driver_sql(LOG.format(schema=schema))
        connection.exec_driver_sql("reset search_path")
    company = Company(folder / "move")
    company.rewrite("changeover.yaml", ("schema: nowhere", f"schema: {schema}"))
    yield OnPostgres(on_server(company, ledger), launcher, server=server, schema=schema)


def go_through(world: World, kills: Sequence[Kill], undisturbed: Undisturbed) -> dict[str, object]:
    """Kill life after life until one comes to its end; the laws that are broken then."""
    lives = (world.live(each, undisturbed) for each in kills)
    left = next((each for each in lives if each is not None), None) or world.finish()
    return world.broken(left, undisturbed.left)


def drawn(some: random.Random, number: int, places: Sequence[tuple[str, str]]) -> list[Kill]:
    """So many kills, each of another run or, one in three, the second of one: near its beginning, when the target is
    asked for what the first left open. places: (side, when) of a kill."""
    kills = [Kill(*some.choice(places), some.uniform(0.04, 0.96))]
    if number > 1 and some.random() < 0.5:
        kills.append(Kill("ledger", some.choice(("before", "after")), some.randint(1, 8)))
    return kills
