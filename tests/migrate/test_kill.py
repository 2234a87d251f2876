"""`kill -9` at any moment, then the same command again: nothing lost, nothing doubled, nothing settled sent again."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from ..servers import fresh_database
from .company import Company, ask, make_company, make_company_on_postgres
from .kill_at import At, Launcher

CUSTOMERS, ORDERS = 250, 600
CHUNK, BATCH = 250, 55
RUN = ("run", "--execute", "--json")
LOG = """
create table written (number integer primary key autoincrement, what text, key integer);
create trigger customer_made after insert on customer begin
  insert into written (what, key) values ('customer made', new.id); end;
create trigger customer_changed after update on customer begin
  insert into written (what, key) values ('customer changed', new.id); end;
create trigger orders_made after insert on orders begin
  insert into written (what, key) values ('order made', new.id); end;
create trigger orders_changed after update on orders begin
  insert into written (what, key) values ('order changed', new.id); end;
"""
Ask = Callable[[str], list[tuple[object, ...]]]
CONTENT = (
    "select c.name, p.name, c.tax_no, c.kind from customer c left join customer p on p.id = c.parent_id order by 1, 2",
    "select o.amount, c.name, o.stage, o.changed_at from orders o join customer c on c.id = o.customer_id order by 1",
    "select object, our_key from changeover_keys order by 1, 2",
)
TOUCHED = (
    "select what, name, count(*) from written join customer c on c.id = key where what like 'customer%' group by 1, 2",
    "select what, amount, count(*) from written join orders o on o.id = key where what like 'order%' group by 1, 2",
)


@dataclass(frozen=True)
class Left:
    """What a finished run leaves: its exit code and counts, the target's content, how often each row was touched, and
    what the ledger says was done to each record."""

    code: int
    counts: dict[str, dict[str, int]]
    content: list[list[tuple[object, ...]]]
    touched: list[list[tuple[object, ...]]]
    done: Counter[tuple[object, ...]]


def fill(company: Company, number_of_customers: int = CUSTOMERS, number_of_orders: int = ORDERS) -> None:
    """Customers in levels, parents often after their children, two of them in a circle; and a little dirt."""
    customers: list[tuple[object, ...]] = []
    for number in range(number_of_customers):
        parent = number + 1 if number % 5 == 0 else number // 8
        leaf = number > number_of_customers // 8
        state = "test" if leaf and number % 97 == 5 else "ok"
        key = f"C{number_of_customers + number}" if leaf and number % 83 == 7 else f"C{parent}"
        customers.append((f"C{number}", f"客户{number}", None if number == 1 else key, f"T{number}", "1.50", state))
    last = number_of_customers - 1
    for number, parent in ((last, last - 1), (last - 1, last)):
        customers[number] = (f"C{number}", f"客户{number}", f"C{parent}", f"T{number}", "1.50", "ok")
    company.old("insert into t_customer (khbh, khmc, sjkh, sh, je, zt) values (?, ?, ?, ?, ?, ?)", customers)
    orders: list[tuple[object, ...]] = [
        (number, f"C{number % number_of_customers}", f"{number}.25", "谁知道" if number % 211 == 3 else "赢单")
        for number in range(number_of_orders)
    ]
    company.old("insert into t_order (id, khbh, je, zt) values (?, ?, ?, ?)", orders)


def left_by(ended: tuple[int, str], company: Company, new: Ask, *, log: bool) -> Left:
    code, said = ended
    document = json.loads(said[said.index("{\n") :])
    done = company.ledger(
        "select object, our_key, kind, count(*) from operation where state in ('acked', 'verified', 'diverged') "
        "group by 1, 2, 3"
    )
    assert company.ledger("select count(*) from operation where state in ('planned', 'intent', 'unknown')") == [(0,)]
    return Left(
        code,
        {name: dict(counts) for name, counts in document["mappings"].items()},
        [new(sql) for sql in CONTENT],
        [sorted(new(sql), key=str) for sql in TOUCHED] if log else [],
        Counter({tuple(row[:3]): row[3] for row in done}),
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = make_company(tmp_path_factory.mktemp("template") / "move", chunk=CHUNK, batch=BATCH)
    fill(company)
    database = sqlite3.connect(company.crm)
    database.executescript(LOG)
    there = [(f"旧{number}", f"T{number}") for number in range(0, CUSTOMERS, 50)]
    database.executemany("insert into customer (name, tax_no) values (?, ?)", there)
    database.commit()
    database.close()
    return company


def copy_of(template: Company, folder: Path) -> Company:
    shutil.copytree(template.folder, folder / "move")
    return Company(folder / "move")


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody killed. commits: how many it made, by side."""

    left: Left
    commits: dict[str, int]


@pytest.fixture(scope="module")
def undisturbed(template: Company, launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    company = copy_of(template, tmp_path_factory.mktemp("undisturbed"))
    ended = launcher.run(company.folder, *RUN)
    left = left_by(ended, company, company.new, log=True)
    return Undisturbed(left, {"ledger": launcher.commits(), "target": batches(company)})


def batches(company: Company) -> int:
    number = company.ledger("select count(*) from batch")[0][0]
    assert isinstance(number, int)
    return number


LIVES: dict[str, list[tuple[str, str, float]]] = {
    "from the first commit on": [("ledger", "before", 1), ("target", "after", 2), ("ledger", "after", 0.3)],
    "between send and settle": [("target", "after", 0.25), ("target", "after", 0.2)],
    "with half of it on its way": [("target", "before", 0.3), ("target", "before", 1), ("ledger", "before", 0.4)],
    "late": [("target", "after", 0.8), ("ledger", "before", 0.1)],
    "at the very end": [("ledger", "before", -1)],
}
"""Where each life of a run ends: before or after which side's commit; the n-th, the last but so many, or (below 1) so
far through an undisturbed run."""


def number_of(place: float, commits: int) -> int:
    return commits + int(place) if place < 0 else int(place) if place >= 1 else round(place * commits)


@pytest.mark.parametrize("lives", LIVES.values(), ids=LIVES.keys())
def test_a_killed_run_goes_on(
    lives: list[tuple[str, str, float]], template: Company, undisturbed: Undisturbed, launcher: Launcher, tmp_path: Path
) -> None:
    company = copy_of(template, tmp_path)
    for side, when, place in lives:
        at = At(side, when, number_of(place, undisturbed.commits[side]))
        assert launcher.run(company.folder, *RUN, at=at)[0] == -signal.SIGKILL
    assert left_by(launcher.run(company.folder, *RUN), company, company.new, log=True) == undisturbed.left
    told = company.reconcile()
    assert (told.code, told.document["differences"]) == (0, 0)


def test_a_killed_run_into_a_server_goes_on(postgres: sa.URL, launcher: Launcher, tmp_path: Path) -> None:
    with fresh_database(postgres) as first, fresh_database(postgres) as second:
        companies = {
            name: make_company_on_postgres(tmp_path / name / "move", url, chunk=CHUNK, batch=BATCH)
            for name, url in (("undisturbed", first), ("killed", second))
        }
        for company in companies.values():
            fill(company)
        undisturbed = companies["undisturbed"]
        wanted = left_by(launcher.run(undisturbed.folder, *RUN), undisturbed, lambda sql: ask(first, sql), log=False)
        killed = companies["killed"]
        for when, number in (("before", batches(undisturbed) // 3), ("after", batches(undisturbed) // 3)):
            assert launcher.run(killed.folder, *RUN, at=At("target", when, number))[0] == -signal.SIGKILL
        assert left_by(launcher.run(killed.folder, *RUN), killed, lambda sql: ask(second, sql), log=False) == wanted
        told = killed.reconcile()
        assert (told.code, told.document["differences"]) == (0, 0)
