"""A move into an org in which people are accounts and amounts are in several currencies."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import Server, Settings, Simulator

from ...migrate.company import Company
from .callers import Caller

SOURCE = """
create table firm (id integer primary key, name varchar(80));
create table patient (id integer primary key, surname varchar(80), given varchar(40), mail varchar(80), born_on date);
create table employee (id integer primary key, firm_id integer references firm, surname varchar(80));
create table deal (id integer primary key, patient_id integer references patient, name varchar(80), due date,
                   amount decimal(18, 2), currency varchar(3));
insert into firm values (1, '甲厂');
insert into patient values (1, '何', '宁', 'ning@x.example', '1990-02-28'), (2, '于', null, null, null);
insert into employee values (1, 1, 'Wu');
insert into deal values (1, 1, 'd1', '2026-03-31', 100.5, 'CNY'), (2, 2, 'd2', '2026-03-31', 7, 'USD');
"""
PROJECT = """
project: in
default: mock
environments:
  mock:
    source: {{connector: sql, name: old, url: "sqlite:///old.db", zone: Asia/Shanghai}}
    target:
      connector: salesforce
      name: global
      host: "{url}"
      client_id: simulator
      client_secret: "${{SF_SECRET}}"
      objects: [Account, Contact, Opportunity]
    production: false
"""
MAPPINGS = {
    "firm": "{mapping: firm, from: firm, to: Account, fields: {Name: name}}",
    "patient": """
mapping: patient
from: patient
to: Account
fields: {LastName: surname, FirstName: given, PersonEmail: mail, PersonBirthdate: born_on}
""",
    "employee": """
mapping: employee
from: employee
to: Contact
fields:
  AccountId: {from: firm_id, reference: firm}
  LastName: surname
""",
    "deal": """
mapping: deal
from: deal
to: Opportunity
fields:
  AccountId: {from: patient_id, reference: patient}
  Name: name
  StageName: {constant: Proposal}
  CloseDate: due
  Amount: amount
  CurrencyIsoCode: currency
""",
}


def test_people_and_firms_are_accounts_and_amounts_have_their_currencies(tmp_path: Path) -> None:
    company = Company(tmp_path / "in")
    (company.folder / "mappings").mkdir(parents=True)
    settings = Settings(person_accounts="yes", currencies="USD=0.14", key_field="Legacy_Key__c")
    simulator = Simulator(SystemClock(), settings)
    server = Server(simulator)
    (company.folder / "changeover.yaml").write_text(PROJECT.format(url=server.url), encoding="utf-8")
    for name, text in MAPPINGS.items():
        (company.folder / "mappings" / f"{name}.yaml").write_text(text, encoding="utf-8")
    with closing(sqlite3.connect(company.folder / "old.db")) as database:
        database.executescript(SOURCE)
    secret = {"SF_SECRET": "secret"}
    with closing(server):
        made = company.say("run", "--execute", "--json", env=secret)
        assert made.code == 0, made.out + made.err
        compared = company.say("reconcile", "--json", env=secret)
        assert compared.code == 0, compared.out
        caller = Caller(simulator)
        asked = "Name, IsPersonAccount, PersonEmail, PersonBirthdate FROM Account ORDER BY Name"
        assert [tuple(each.values()) for each in caller.find(f"SELECT {asked}")] == [
            ("于", True, None, None),
            ("宁 何", True, "ning@x.example", "1990-02-28"),
            ("甲厂", False, None, None),
        ]
        assert caller.cells("SELECT LastName FROM Contact WHERE IsPersonAccount = false") == ["Wu"]
        assert simulator.count("Contact") == 3
        asked = "Account.LastName, Amount, CurrencyIsoCode FROM Opportunity ORDER BY Name"
        assert caller.find(f"SELECT {asked}") == [
            {"Account": {"LastName": "何"}, "Amount": 100.5, "CurrencyIsoCode": "CNY"},
            {"Account": {"LastName": "于"}, "Amount": 7.0, "CurrencyIsoCode": "USD"},
        ]
