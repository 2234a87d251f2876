"""A small company to move: two SQLite databases and a project between them, made anew for each test."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import sqlalchemy as sa
from changeover import cli
from changeover.connectors.clock import Clock, SystemClock
from changeover.connectors.secrets import Secrets
from changeover.migrate import check, compare, explain, run
from changeover.migrate.project import Project, load_project
from changeover.migrate.undoing import take_back
from changeover.runs.catalogue import Catalogue
from changeover.runs.report.alarm import checked
from changeover.runs.report.as_json import document
from changeover.runs.report.model import Report
from typer.testing import CliRunner

LEGACY = """
create table t_staff (gh text primary key, yx text, sj text);
create table t_customer (khbh text primary key, khmc text, sjkh text, sh text, je decimal(18, 2), rq text, ywy text,
                         zt text, bz text);
create table t_order (id integer primary key, khbh text, je decimal(18, 2), zt text, xgsj timestamp);
insert into t_staff values ('w1', 'wang.fang@old.example', '13800000001'), ('w2', 'gone@old.example', '13800000002');
"""

TARGET = """
create table users (id integer primary key, mail varchar(80), phone varchar(20));
create table customer (id integer primary key autoincrement, name varchar(40) not null,
                       parent_id integer references customer (id), tax_no varchar(20) unique, revenue numeric(18, 2),
                       opened_on date, owner_id integer references users (id), kind varchar(10), remark varchar(200),
                       modified_at timestamp, modified_by varchar(40));
create table orders (id integer primary key autoincrement, customer_id integer not null references customer (id),
                     amount numeric(18, 2), stage varchar(10) check (stage in ('open', 'won')), changed_at timestamp);
create table visit (id integer primary key, customer_id integer references customer (id), note text);
insert into users values (1, 'wang.fang@old.example', '13800000001'), (2, 'li.na@new.example', '13900000000');
"""

PROJECT = """
project: small-move
default: mock
environments:
  mock:
    source:
      connector: sql
      name: legacy
      url: "{source}"
      zone: Asia/Shanghai
      references: {{t_customer: {{sjkh: t_customer}}, t_order: {{khbh: t_customer}}}}
    target:
      connector: sql
      name: crm
      url: "{target}"
      zone: Asia/Shanghai
      audit: {{customer: {{modified_at: modified_at, modified_by: modified_by}}}}
      acting_user: changeover
    production: false
people:
  source: {{object: t_staff, email: yx, phone: sj}}
  target: {{object: users, email: mail, phone: phone}}
  match: [email]
  successor: li.na@new.example
limits: {{chunk: {chunk}, batch: {batch}}}
"""

CUSTOMER = """
mapping: customer
from: t_customer
to: customer
where:
  zt: {not_equals: test}
match: [tax_no]
fields:
  name: {from: khmc, transform: trim}
  parent_id: {from: sjkh, reference: customer}
  tax_no: sh
  revenue: je
  opened_on: rq
  owner_id: {from: ywy, people: true}
  kind: {constant: legacy}
  remark: {from: bz, write: only_if_empty}
"""

ORDER = """
mapping: order
from: t_order
to: orders
fields:
  customer_id: {from: khbh, reference: customer}
  amount: je
  stage: {from: zt, values: {"进行中": open, "赢单": won}, otherwise: reject}
  changed_at: xgsj
"""


@dataclass(frozen=True)
class Company:
    """A project folder with its two databases."""

    folder: Path

    @property
    def legacy(self) -> Path:
        return self.folder / "legacy.db"

    @property
    def crm(self) -> Path:
        return self.folder / "crm.db"

    def old(self, sql: str, rows: list[tuple[object, ...]] | tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        return _query(self.legacy, sql, rows)

    def new(self, sql: str, rows: list[tuple[object, ...]] | tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        return _query(self.crm, sql, rows)

    def ledger(self, sql: str) -> list[tuple[object, ...]]:
        return _query(self.folder / "runs" / "mock" / "ledger.db", sql)

    def customer(self, key: str, **cells: object) -> None:
        """Add a customer to the old system; what is not given is sound."""
        row = {
            "khbh": key,
            "khmc": f"客户{key}",
            "sh": f"TAX{key}",
            "je": "1000.50",
            "rq": "2020-02-29",
            "ywy": "w1",
        } | cells
        marks = ", ".join("?" * len(row))
        self.old(f"insert into t_customer ({', '.join(row)}) values ({marks})", tuple(row.values()))

    def order(self, number: int, customer: str, **cells: object) -> None:
        row = {"id": number, "khbh": customer, "je": "12.30", "zt": "赢单", "xgsj": "2024-01-31 23:59:59"} | cells
        marks = ", ".join("?" * len(row))
        self.old(f"insert into t_order ({', '.join(row)}) values ({marks})", tuple(row.values()))

    # The verbs in this process, for tests to which the command line itself is not the point.

    def run(self, *keys: str, clock: Clock | None = None, **order: object) -> Told:
        return self._verb(
            lambda project, secrets: run.run(project, _order(keys, order), secrets, clock or SystemClock(), _quiet)
        )

    def plan(self, *keys: str, **order: object) -> Told:
        return self._verb(
            lambda project, secrets: run.plan(project, _order(keys, order), secrets, SystemClock(), _quiet)
        )

    def reconcile(self, *keys: str, **order: object) -> Told:
        return self._verb(
            lambda project, secrets: compare.reconcile(project, _order(keys, order), secrets, SystemClock(), _quiet)
        )

    def undo(self, run_id: int, *, execute: bool = False, confirm: str | None = None) -> Told:
        return self._verb(
            lambda project, secrets: take_back.undo(project, run_id, execute, secrets, SystemClock(), _quiet, confirm)
        )

    def explain(self, key: str, *, show_values: bool = False) -> Told:
        return self._verb(lambda project, secrets: explain.explain(project, key, show_values, secrets, SystemClock()))

    def check(self) -> Told:
        return self._verb(lambda project, secrets: check.check(project, secrets, SystemClock()))

    def _verb(self, act: Callable[[Project, Secrets], Report]) -> Told:
        with self.at_home():
            return Told(checked(act(load_project(self.folder), Secrets())))

    def say(self, *words: str, env: Mapping[str, str] | None = None) -> Said:
        """The command line in this process."""
        with self.at_home(), mock.patch.dict(os.environ, {"CHANGEOVER_LANG": "en", **(env or {})}):
            done = CliRunner().invoke(cli.app, words)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """With this company's own keys, and from its folder, as `command` has it."""
        before = Path.cwd()
        with mock.patch.dict(os.environ, {"CHANGEOVER_CONFIG_HOME": str(self.folder.parent / "home")}):
            os.chdir(self.folder)
            try:
                yield
            finally:
                os.chdir(before)

    def rewrite(self, file: str, *changes: tuple[str, str]) -> None:
        """Change texts in a file of the project; each must be there."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        for here, there in changes:
            assert here in text, f"{file} has no {here!r}"
            text = text.replace(here, there)
        path.write_text(text, encoding="utf-8")

    def command(
        self, *words: str, env: dict[str, str] | None = None, timeout: float = 120, under: tuple[str, ...] = ()
    ) -> Said:
        """Run the real command in this project. under: a command that starts it."""
        home = str(self.folder.parent / "home")
        done = subprocess.run(
            [*under, sys.executable, "-m", "changeover", *words],
            cwd=self.folder,
            env={**os.environ, "CHANGEOVER_CONFIG_HOME": home, "CHANGEOVER_LANG": "en", **(env or {})},
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


@dataclass(frozen=True)
class Said:
    """What a command said. document: its JSON, where it was asked for JSON."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        parsed: dict[str, object] = json.loads(self.out)
        return parsed

    def counts(self, mapping: str) -> dict[str, int]:
        """The buckets of one mapping that are not empty."""
        counts = self.document["mappings"][mapping]  # type: ignore[index]
        return {name: number for name, number in counts.items() if number and name != "balanced"}


@dataclass(frozen=True)
class Told:
    """What a verb returned in this process."""

    report: Report

    @property
    def code(self) -> int:
        return self.report.exit_code

    @property
    def verdict(self) -> str:
        return self.report.verdict.code

    @property
    def document(self) -> dict[str, object]:
        return document(self.report, Catalogue("en"))

    def counts(self, mapping: str) -> dict[str, int]:
        """The buckets of one mapping that are not empty, with `read` and `adopted`; they must add up."""
        branch = next(each for each in self.report.counts if each.mapping == mapping)
        assert branch.read == sum(branch.buckets.values())
        told = {"read": branch.read, "adopted": branch.adopted, **branch.buckets}
        return {name: number for name, number in told.items() if number}

    def causes(self) -> dict[tuple[str, str], list[str]]:
        """(code, source object) -> the first few keys, of what was found in records."""
        told: dict[tuple[str, str], list[str]] = {}
        for cause in self.report.causes:
            if cause.object is not None:
                told.setdefault((cause.text.code, cause.object), []).extend(cause.keys)
        return told

    def table(self, title: str) -> list[tuple[object, ...]]:
        """The rows of a table, catalogue texts as their codes; none where the report has no such table."""
        rows = [row for table in self.report.tables if table.title.code == title for row in table.rows]
        return [tuple(getattr(cell, "code", cell) for cell in row) for row in rows]


def make_company(
    folder: Path, *, source: str = "", target: str = "", chunk: int = 20_000, batch: int = 1_000
) -> Company:
    """A project with empty databases; `source` and `target` are other databases' URLs where wanted."""
    folder.mkdir(parents=True)
    company = Company(folder)
    for path, script in ((company.legacy, LEGACY), (company.crm, TARGET)):
        database = sqlite3.connect(path)
        database.executescript(script)
        database.close()
    text = PROJECT.format(
        source=source or "sqlite:///legacy.db", target=target or "sqlite:///crm.db", chunk=chunk, batch=batch
    )
    (folder / "changeover.yaml").write_text(text, encoding="utf-8")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "customer.yaml").write_text(CUSTOMER, encoding="utf-8")
    (folder / "mappings" / "order.yaml").write_text(ORDER, encoding="utf-8")
    return company


def copied(company: Company, desk: Path) -> Company:
    """A copy of its own, with its keys, for a test that goes on from what several have in common."""
    shutil.copytree(company.folder.parent, desk)
    return Company(desk / company.folder.name)


def make_company_on_postgres(folder: Path, url: str, *, chunk: int = 20_000, batch: int = 1_000) -> Company:
    """The same company moving into PostgreSQL, where nothing is adopted."""
    company = make_company(folder, target=url, chunk=chunk, batch=batch)
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]\n", ""))
    ask(url, TARGET.replace("primary key autoincrement", "generated by default as identity primary key"))
    return company


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    """Do this on a server, at once; the rows it answers with."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        done = connection.exec_driver_sql(sql)
        return [tuple(row) for row in done] if done.returns_rows else []


def _order(keys: tuple[str, ...], order: Mapping[str, object]) -> run.Order:
    return run.Order(keys, **order)  # type: ignore[arg-type]


def _quiet(_tick: object) -> None:
    """Nobody watches."""


def _query(path: Path, sql: str, rows: list[tuple[object, ...]] | tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    database = sqlite3.connect(path, timeout=30)
    try:
        with database:
            done = database.executemany(sql, rows) if isinstance(rows, list) else database.execute(sql, rows)
            return done.fetchall()
    finally:
        database.close()
