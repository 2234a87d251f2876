"""A company with three old systems, each a database of its own, and one new one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .company import Company, _query

APPROVAL = """
create table contract (id integer primary key, contract_no text, cust_no text, disc decimal(5, 2), title text,
                       signed_on text, state text);
insert into contract values
  (1, 'C-1', 'K1', 0.10, 'First', '2024-01-05', 'valid'), (2, 'C-2', 'K2', 0.20, 'Second', '2024-02-05', 'valid'),
  (3, 'C-3', 'K1', 0.30, 'Third', null, 'valid'), (4, 'C-4', 'K2', 0.40, 'Draft', null, 'draft');
"""
ERP = """
create table customer (cust_no text primary key, name text not null, sales text);
create table order_slip (id integer primary key, slip_contract text, slip_disc decimal(7, 4), amount decimal(12, 2),
                         void integer);
create table clerk (login text primary key, mail text);
insert into clerk values ('w1', 'wang.fang@old.example');
insert into customer values ('K1', 'Alpha', 'w1'), ('K2', 'Beta', 'w1');
insert into order_slip values (1, 'C-1', 0.1000, 900, 0), (2, 'C-2', 0.2500, 500, 0), (3, 'C-9', 0.5, 1, 0),
                              (4, 'C-1', 0.99, 7, 1);
"""
OA = """
create table approval (form_id text primary key, form_no text, signed_at text, remark text);
insert into approval values ('F1', ' C-1 ', '2024-01-06', 'paper'), ('F2', null, '2024-03-01', 'lost'),
                            ('F3', 'C-3', '2024-03-03', '');
"""
CRM = """
create table users (id integer primary key, mail text);
create table customer (id integer primary key autoincrement, name varchar(40) not null,
                       owner_id integer references users (id));
create table contract (id integer primary key autoincrement, contract_no varchar(20) not null, title varchar(40),
                       customer_id integer references customer (id), discount decimal(7, 4), agreed decimal(7, 4),
                       amount decimal(12, 2), signed_on varchar(10), on_paper varchar(5), remark varchar(40));
insert into users values (1, 'wang.fang@old.example');
"""

PROJECT = """
project: three
default: mock
environments:
  mock:
    source:
      - {connector: sql, name: approval, zone: UTC, url: "sqlite:///approval.db"}
      - {connector: sql, name: erp, zone: Asia/Shanghai, url: "sqlite:///erp.db"}
      - {connector: sql, name: oa, zone: Asia/Shanghai, url: "sqlite:///oa.db"}
    target: {connector: sql, name: crm, url: "sqlite:///crm.db"}
people:
  source: {object: erp.clerk, email: mail}
  target: {object: users, email: mail}
objects:
  "*": {leave: "what no mapping names is not part of this move"}
limits: {chunk: 2, batch: 2}
"""

CUSTOMER = """
mapping: customer
from: erp.customer
to: customer
fields:
  name: name
  owner_id: {from: sales, people: true}
"""

FROM_ONE = """
mapping: contract
from: approval.contract
to: contract
where: {state: {equals: valid}}
fields:
  contract_no: contract_no
  title: title
  customer_id: {from: cust_no, reference: customer}
  agreed: disc
  signed_on: signed_on
"""


class ThreeSystems(Company):
    """The project folder. Its databases: approval.db, erp.db, oa.db and crm.db."""

    def of(self, system: str, sql: str) -> list[tuple[object, ...]]:
        return _query(self.folder / f"{system}.db", sql, ())


def make_three(folder: Path, contract: str = FROM_ONE) -> ThreeSystems:
    folder.mkdir(parents=True)
    for name, script in (("approval", APPROVAL), ("erp", ERP), ("oa", OA), ("crm", CRM)):
        database = sqlite3.connect(folder / f"{name}.db")
        database.executescript(script)
        database.close()
    (folder / "changeover.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "customer.yaml").write_text(CUSTOMER, encoding="utf-8")
    (folder / "mappings" / "contract.yaml").write_text(contract, encoding="utf-8")
    return ThreeSystems(folder)
