"""A move into Salesforce by the command line, over a real socket, with calls that go wrong on the way; moved again,
compared, and taken back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Server, Settings, Simulator

from ...migrate.company import Company

LEGACY = """
create table staff (id integer primary key, mail text);
create table firm (no text primary key, name text, parent text references firm, revenue decimal(18, 2), staff integer
                   references staff, since text, remark text);
create table person (id integer primary key, firm text references firm, name text, mail text);
insert into staff values (1, 'east@muan.example'), (2, 'north@muan.example');
with recursive n (i) as (select 1 union all select i + 1 from n where i < 60)
insert into firm select 'F-' || i, ' 客户' || i || ' ', case when i > 10 then 'F-' || (i % 10 + 1) end, i * 1000.25,
                        i % 2 + 1, '2016-05-06 07:08:09', case when i % 3 = 0 then '  ' else '备注 <b> & "' || i end
from n;
with recursive n (i) as (select 1 union all select i + 1 from n where i < 90)
insert into person select i, 'F-' || (i % 60 + 1), '王' || i, 'p' || i || '@firm.example' from n;
"""
PROJECT = """
project: into
default: mock
environments:
  mock:
    source:
      connector: sql
      name: legacy
      url: "sqlite:///legacy.db"
      zone: Asia/Shanghai
    target:
      connector: salesforce
      name: global
      host: "{url}"
      client_id: simulator
      client_secret: "${{SF_SECRET}}"
      objects: [Account, Contact, User]
      server_maximum: 0
people:
  source: {{object: staff, email: mail}}
  target: {{object: User, email: Email}}
  match: [email]
"""
FIRM = """
mapping: firm
from: firm
to: Account
fields:
  Name: name
  ParentId: {from: parent, reference: firm}
  Credit_Limit__c: revenue
  OwnerId: {from: staff, people: true}
  CreatedDate: {from: since, write: only_create}
  Description: remark
"""
PERSON = """
mapping: person
from: person
to: Contact
fields:
  AccountId: {from: firm, reference: firm}
  LastName: name
  Email: mail
"""
WRITES = "*/composite/sobjects"


def test_a_database_is_moved_into_an_org_and_taken_back(tmp_path: Path) -> None:
    faults = Faults(
        [
            Fault(WRITES, FaultKind.LOST, frozenset({4}), after=True),
            Fault(WRITES, FaultKind.LOCKED, frozenset({5, 8}), rows=7),
            Fault(WRITES, FaultKind.EXPIRED, frozenset({6})),
            Fault(WRITES, FaultKind.HTML, frozenset({9}), after=True),
        ]
    )
    told = {"key_field": "Legacy_Key__c", "audit_fields": "yes", "sandbox": "yes"}
    server = Server(Simulator(SystemClock(), Settings.of(told), None, faults))
    company = Company(tmp_path / "into")
    (company.folder / "mappings").mkdir(parents=True)
    files = {
        "changeover.yaml": PROJECT.format(url=server.url),
        "mappings/firm.yaml": FIRM,
        "mappings/person.yaml": PERSON,
    }
    for name, text in files.items():
        (company.folder / name).write_text(text, encoding="utf-8")
    with sqlite3.connect(company.legacy) as database:
        database.executescript(LEGACY)

    def say(*words: str, code: int = 0) -> dict[str, object]:
        said = company.say(*words, "--json", env={"SF_SECRET": "secret"})
        assert said.code == code, said.out + said.err
        return said.document

    def keys(name: str) -> list[str]:
        return [str(each["Legacy_Key__c"]) for each in server.simulator.rows(name) if not each["IsDeleted"]]

    def writes() -> int:
        return sum(number for path, number in server.simulator.calls.items() if path.endswith("composite/sobjects"))

    try:
        moved = say("run", "--execute")
        assert sorted(keys("Account")) == sorted(f"legacy:firm:F-{number}" for number in range(1, 61))
        assert (len(set(keys("Contact"))), len(keys("Contact"))) == (90, 90)
        assert faults.struck == 5
        firm = next(each for each in server.simulator.rows("Account") if each["Legacy_Key__c"] == "legacy:firm:F-12")
        assert (firm["Name"], firm["Description"], firm["CreatedDate"]) == ("客户12", None, "2016-05-05T23:08:09.000")
        before = writes()
        say("run", "--execute")
        assert writes() == before, "nothing has changed"
        say("reconcile")
        with sqlite3.connect(company.legacy) as database:
            database.execute("update firm set revenue = 7.5 where no = 'F-3'")
        changed = say("run", "--execute")
        assert writes() == before + 1
        say("reconcile")
        say("undo", str(changed["run"]), "--execute")
        say("undo", str(moved["run"]), "--execute")
        assert keys("Account") == keys("Contact") == []
    finally:
        server.close()
