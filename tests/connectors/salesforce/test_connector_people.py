"""A move out of an org in which people are accounts and amounts are in several currencies: nobody moves twice, and each
amount keeps its currency."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import Server, Settings, Simulator

from ...migrate.company import Company
from .callers import Caller

TARGET = """
create table firm (id integer primary key autoincrement, name varchar(255) not null);
create table patient (id integer primary key autoincrement, surname varchar(80) not null, given varchar(40),
                      mail varchar(80), born_on date);
create table person (id integer primary key autoincrement, firm_id integer references firm,
                     surname varchar(80) not null);
create table deal (id integer primary key autoincrement, patient_id integer references patient,
                   firm_id integer references firm, amount decimal(18, 2), currency varchar(3) not null);
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
      objects: [Account, Contact, Opportunity]
    target: {{connector: sql, name: crm, url: "sqlite:///crm.db", zone: Asia/Shanghai}}
    production: false
"""
MAPPINGS = {
    "firm": """
mapping: firm
from: Account
to: firm
where: {IsPersonAccount: {equals: false}}
fields: {name: Name}
""",
    "patient": """
mapping: patient
from: Account
to: patient
where: {IsPersonAccount: {equals: true}}
fields: {surname: LastName, given: FirstName, mail: PersonEmail, born_on: PersonBirthdate}
""",
    "person": """
mapping: person
from: Contact
to: person
where: {IsPersonAccount: {equals: false}}
fields:
  firm_id: {from: AccountId, reference: firm}
  surname: LastName
""",
    "deal": """
mapping: deal
from: Opportunity
to: deal
fields:
  firm_id: {from: AccountId, reference: firm, when: {IsPersonAccount__c: {equals: false}}}
  patient_id: {from: AccountId, reference: patient, when: {IsPersonAccount__c: {equals: true}}}
  amount: Amount
  currency: CurrencyIsoCode
""",
}
ORG = """
users: [{username: admin@x.example, last: Li}]
fields:
  Opportunity:
    IsPersonAccount__c: {type: boolean, formula: {parent: AccountId, of: IsPersonAccount}}
"""


def test_each_person_moves_once_and_each_amount_with_its_currency(tmp_path: Path) -> None:
    company = Company(tmp_path / "out")
    (company.folder / "mappings").mkdir(parents=True)
    (tmp_path / "org").mkdir()
    (tmp_path / "org" / "org.yaml").write_text(ORG, encoding="utf-8")
    simulator = Simulator(SystemClock(), Settings(person_accounts="yes", currencies="USD=0.14"), tmp_path / "org")
    caller = Caller(simulator)
    firm = caller.create("Account", Name="甲厂")
    caller.create("Contact", LastName="Wu", AccountId=firm)
    patient = caller.create(
        "Account", FirstName="宁", LastName="何", PersonEmail="n@x.example", PersonBirthdate="1990-02-28"
    )
    deal = {"Name": "d", "StageName": "Proposal", "CloseDate": "2026-03-31"}
    caller.create("Opportunity", AccountId=firm, Amount=100.5, **deal)
    caller.create("Opportunity", AccountId=patient, Amount=7, CurrencyIsoCode="USD", **deal)
    server = Server(simulator)
    (company.folder / "changeover.yaml").write_text(PROJECT.format(url=server.url), encoding="utf-8")
    for name, text in MAPPINGS.items():
        (company.folder / "mappings" / f"{name}.yaml").write_text(text, encoding="utf-8")
    with closing(sqlite3.connect(company.crm)) as database:
        database.executescript(TARGET)
    with closing(server):
        made = company.say("run", "--execute", "--json", env={"SF_SECRET": "secret"})
        assert made.code == 0, made.out + made.err
        compared = company.say("reconcile", "--json", env={"SF_SECRET": "secret"})
        assert compared.code == 0, compared.out
    assert company.new("select name from firm") == [("甲厂",)]
    assert company.new("select surname, given, mail, born_on from patient") == [
        ("何", "宁", "n@x.example", "1990-02-28")
    ]
    assert company.new("select surname, name from person join firm on firm.id = firm_id") == [("Wu", "甲厂")]
    told = "select amount, currency, name, surname from deal left join firm on firm.id = firm_id left join patient on "
    assert company.new(f"{told} patient.id = patient_id order by currency") == [
        (100.5, "CNY", "甲厂", None),
        (7, "USD", None, "何"),
    ]
