"""`kill -9` at any moment, then the same command again: nothing lost, nothing doubled, nothing settled sent again."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .company import Company, ask, make_company, make_company_on_postgres
from .kill_at import At, Launcher

CUSTOMERS, ORDERS = 500, 1_500
CHUNK, BATCH = 400, 90
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
    "select c.name, p.name, c.tax_no, c.revenue, c.opened_on, c.owner_id, c.kind from customer c "
    "left join customer p on p.id = c.parent_id order by c.name",
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


def fill(company: Company) -> None:
    """Customers in levels, parents often after their children, two of them in a circle; and a little dirt."""
    customers: list[tuple[object, ...]] = []
    for number in range(CUSTOMERS):
        parent = number + 1 if number % 5 == 0 else number // 2
        leaf = number > CUSTOMERS // 2
        state = "test" if leaf and number % 97 == 5 else "ok"
        key = f"C{CUSTOMERS + number}" if leaf and number % 83 == 7 else f"C{parent}"
        customers.append((f"C{number}", f"客户{number}", None if number == 1 else key, f"T{number}", "1.50", state))
    customers[-1] = ("C499", "客户499", "C498", "T499", "1.50", "ok")
    customers[-2] = ("C498", "客户498", "C499", "T498", "1.50", "ok")
    company.old("insert into t_customer (khbh, khmc, sjkh, sh, je, zt) values (?, ?, ?, ?, ?, ?)", customers)
    orders: list[tuple[object, ...]] = [
        (number, f"C{number % CUSTOMERS}", f"{number}.25", "谁知道" if number % 211 == 3 else "赢单")
        for number in range(ORDERS)
    ]
    company.old("insert into t_order (id, khbh, je, zt) values (?, ?, ?, ?)", orders)


def left_by(ended: tuple[int, str], company: Company, new: Ask, *, log: bool) -> Left:
    import json

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
        Counter({tuple(row[:3]): row[3] for row in done}),  # type: ignore[misc]
    )


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    started = Launcher(tmp_path_factory.mktemp("launcher"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = make_company(tmp_path_factory.mktemp("template") / "move", chunk=CHUNK, batch=BATCH)
    fill(company)
    database = sqlite3.connect(company.crm)
    database.executescript(LOG)
    database.executemany(
        "insert into customer (name, tax_no) values (?, ?)", [(f"旧{number}", f"T{number}") for number in range(0, 500, 50)]
    )
    database.commit()
    database.close()
    return company


def copy_of(template: Company, folder: Path) -> Company:
    shutil.copytree(template.folder, folder / "move")
    return Company(folder / "move")


@dataclass(frozen=True)
class Undisturbed:
    left: Left
    commits: dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def undisturbed(template: Company, launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    commits = {}
    for side in ("ledger", "target"):
        company = copy_of(template, tmp_path_factory.mktemp(side))
        ended = launcher.run(company.folder, *RUN, at=At(side, "before", 10**9))
        commits[side, "before"] = launcher.commits()
    return Undisturbed(left_by(ended, company, company.new, log=True), commits)
