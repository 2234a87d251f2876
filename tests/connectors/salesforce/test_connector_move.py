"""A move out of Salesforce by the command line, over a real socket, with calls that go wrong on the way."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Server, Settings, Simulator

from ...migrate.company import Company

TARGET = """
create table users (id integer primary key, mail varchar(80));
create table firm (id integer primary key autoincrement, name varchar(255) not null,
                   parent_id integer references firm, tax_no varchar(40), credit numeric(18, 2),
                   owner_id integer references users (id), made_at timestamp);
create table person (id integer primary key autoincrement, firm_id integer references firm, name varchar(80),
                     mail varchar(80));
insert into users values (1, 'admin@muan.example');
"""
PROJECT = """
project: out
default: mock
environments:
  mock:
    source:
      connector: salesforce
      name: global
      host: "{url}"
      client_id: simulator
      client_secret: "${{SF_SECRET}}"
      objects: [Account, Contact, User]
      page: 200
    target: {{connector: sql, name: crm, url: "sqlite:///crm.db", zone: Asia/Shanghai}}
    production: false
people:
  source: {{object: User, email: Email}}
  target: {{object: users, email: mail}}
  match: [email]
  successor: admin@muan.example
"""
FIRM = """
mapping: firm
from: Account
to: firm
fields:
  name: Name
  parent_id: {from: ParentId, reference: firm}
  tax_no: Tax_Number__c
  credit: Credit_Limit__c
  owner_id: {from: OwnerId, people: true}
  made_at: CreatedDate
"""
PERSON = """
mapping: person
from: Contact
to: person
fields:
  firm_id: {from: AccountId, reference: firm}
  name: LastName
  mail: Email
"""


def test_an_org_is_moved_and_reconciled(tmp_path: Path) -> None:
    faults = Faults(
        [
            Fault("*/query", FaultKind.UNAVAILABLE, frozenset({4})),
            Fault("*/query/*", FaultKind.EXPIRED, frozenset({2})),
            Fault("*/query/*", FaultKind.CUT, frozenset({4})),
        ]
    )
    server = Server(Simulator(SystemClock(), Settings.of({"records": "1500"}), None, faults))
    company = Company(tmp_path / "out")
    (company.folder / "mappings").mkdir(parents=True)
    files = {
        "changeover.yaml": PROJECT.format(url=server.url),
        "mappings/firm.yaml": FIRM,
        "mappings/person.yaml": PERSON,
    }
    for name, text in files.items():
        (company.folder / name).write_text(text, encoding="utf-8")
    with sqlite3.connect(company.crm) as database:
        database.executescript(TARGET)
    secret = {"SF_SECRET": "secret"}
    try:
        made = company.say("run", "--execute", "--json", env=secret)
        assert made.code == 0, made.out + made.err
        there = {name: len(server.simulator.rows(name)) for name in ("Account", "Contact")}
        assert company.new("select (select count(*) from firm), (select count(*) from person)") == [
            (there["Account"], there["Contact"])
        ]
        compared = company.say("reconcile", "--json", env=secret)
        assert compared.code == 0, compared.out
        assert faults.struck == 3
    finally:
        server.close()
    gone = company.say("reconcile", env=secret)
    assert gone.code == 3
    assert "Salesforce cannot be reached" in gone.err
