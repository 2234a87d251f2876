"""CumulusCI drives the simulator as it is, by Bulk 1.0 and by collections: loads, upserts, extracts and deletes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import Server, Settings, Simulator

from .conftest import cumulusci
from .tls import front

pytestmark = pytest.mark.judges
LOAD = """
Account:
  sf_object: Account
  table: Account
  api: bulk
  fields: [Name, Tax_Number__c, Credit_Limit__c, Contract_Signed__c, Key_Account__c]
  lookups:
    ParentId: {table: Account, after: Account}
Contact:
  sf_object: Contact
  table: Contact
  api: rest
  fields: [LastName, Email, Birthdate]
  lookups:
    AccountId: {table: Account}
"""
CHANGE = """
Account:
  sf_object: Account
  table: Account
  action: upsert
  update_key: Tax_Number__c
  api: bulk
  fields: [Name, Tax_Number__c]
Contact:
  sf_object: Contact
  table: Contact
  action: etl_upsert
  update_key: [Email]
  fields: [LastName, Email]
  lookups:
    AccountId: {table: Account}
"""
DATA = """
CREATE TABLE "Account" (id INTEGER NOT NULL, "Name" VARCHAR(255), "Tax_Number__c" VARCHAR(255),
  "Credit_Limit__c" VARCHAR(255), "Contract_Signed__c" VARCHAR(255), "Key_Account__c" VARCHAR(255),
  parent_id VARCHAR(255), PRIMARY KEY (id));
CREATE TABLE "Contact" (id INTEGER NOT NULL, "LastName" VARCHAR(255), "Email" VARCHAR(255), "Birthdate" VARCHAR(255),
  account_id VARCHAR(255), PRIMARY KEY (id));
INSERT INTO "Account" VALUES(1,'沐安','C-1','12.5','2026-02-28','true','');
INSERT INTO "Account" VALUES(2,'乙, "two"','C-2','','','false','1');
INSERT INTO "Contact" VALUES(1,'Li','li@x.example','2001-02-03','1');
INSERT INTO "Contact" VALUES(2,'Wu','wu@x.example','','2');
"""
PEOPLE = """
Account:
  sf_object: Account
  table: Account
  api: bulk
  fields: [Name, FirstName, LastName, PersonEmail, RecordTypeId]
Contact:
  sf_object: Contact
  table: Contact
  fields: [LastName, Email]
  lookups:
    AccountId: {table: Account}
Case:
  sf_object: Case
  table: Case
  fields: [Subject]
  lookups:
    ContactId: {table: Contact}
"""
PERSONS = """
CREATE TABLE "Account" (id VARCHAR(255) NOT NULL, "Name" VARCHAR(255), "FirstName" VARCHAR(255),
  "LastName" VARCHAR(255), "PersonEmail" VARCHAR(255), "RecordTypeId" VARCHAR(255),
  "IsPersonAccount" VARCHAR(255), PRIMARY KEY (id));
CREATE TABLE "Account_rt_mapping" (record_type_id VARCHAR(18) NOT NULL, developer_name VARCHAR(255),
  is_person_type BOOLEAN, PRIMARY KEY (record_type_id));
CREATE TABLE "Contact" (id VARCHAR(255) NOT NULL, "LastName" VARCHAR(255), "Email" VARCHAR(255),
  "IsPersonAccount" VARCHAR(255), "AccountId" VARCHAR(255), PRIMARY KEY (id));
CREATE TABLE "Case" (id VARCHAR(255) NOT NULL, "Subject" VARCHAR(255), "ContactId" VARCHAR(255), PRIMARY KEY (id));
INSERT INTO "Account_rt_mapping" VALUES('012P', 'PersonAccount', 1), ('012E', 'Employer', 0);
INSERT INTO "Account" VALUES('Account-1', '', '宁', '何', 'ning@x.example', '012P', 'true'),
  ('Account-2', '甲厂', '', '', '', '012E', 'false');
INSERT INTO "Contact" VALUES('Contact-1', '何', 'ning@x.example', 'true', 'Account-1'),
  ('Contact-2', 'Wu', 'wu@x.example', 'false', 'Account-2');
INSERT INTO "Case" VALUES('Case-1', 'of a person', 'Contact-1'), ('Case-2', 'of a firm', 'Contact-2');
"""
ACCOUNTS = (
    'SELECT a."Name", a."Tax_Number__c", a."Credit_Limit__c", a."Contract_Signed__c", a."Key_Account__c", p."Name"'
)
ACCOUNTS += ' FROM "Account" a LEFT JOIN "Account" p ON p.id = a."ParentId"'
CONTACTS = (
    'SELECT c."LastName", c."Email", c."Birthdate", a."Name" FROM "Contact" c JOIN "Account" a ON a.id = c."AccountId"'
)


def test_data_is_loaded_changed_extracted_and_deleted(server: Server, tmp_path: Path) -> None:
    with front(server.simulator, tmp_path) as tls:
        client = cumulusci(tmp_path, server.simulator, server.credentials, tls.url, tls.certificate)
        client.write("load.yml", LOAD.splitlines())
        client.write("change.yml", CHANGE.splitlines())
        client.write("load.sql", DATA.splitlines())
        later = DATA.replace("'沐安'", "'沐安二'").replace("C-2", "C-3").replace("'Wu','wu@", "'Wang','wang@")
        client.write("change.sql", later.replace("'Li'", "'Lee'").splitlines())
        task = ("task", "run")
        org = ("--org", "judged", "--no-prompt")
        client.well(*task, "load_dataset", *org, "--mapping", "load.yml", "--sql_path", "load.sql")
        client.well(*task, "load_dataset", *org, "--mapping", "change.yml", "--sql_path", "change.sql")
        client.well(*task, "extract_dataset", *org, "--mapping", "load.yml", "--sql_path", "out.sql")
        made = {name: server.simulator.count(name) for name in ("Account", "Contact")}
        client.well(*task, "delete_data", *org, "--objects", "Contact,Account")
    database = sqlite3.connect(":memory:")
    database.executescript((tmp_path / "out.sql").read_text(encoding="utf-8"))
    assert set(database.execute(ACCOUNTS)) == {
        ("沐安二", "C-1", "12.5", "2026-02-28", "true", None),
        ('乙, "two"', "C-2", "", "", "false", "沐安二"),
        ('乙, "two"', "C-3", "", "", "false", None),
    }
    assert set(database.execute(CONTACTS)) == {
        ("Lee", "li@x.example", "2001-02-03", "沐安二"),
        ("Wu", "wu@x.example", "", '乙, "two"'),
        ("Wang", "wang@x.example", "", '乙, "two"'),
    }
    database.close()
    assert made == {"Account": 3, "Contact": 3}
    assert [server.simulator.count(name) for name in made] == [0, 0]


def test_people_who_are_accounts_are_loaded_and_extracted(tmp_path: Path) -> None:
    settings = Settings(bulk_polls=0, person_accounts="yes", currencies="USD=0.14")
    server = Server(Simulator(SystemClock(), settings))
    with closing(server), front(server.simulator, tmp_path) as tls:
        client = cumulusci(tmp_path, server.simulator, server.credentials, tls.url, tls.certificate)
        client.write("people.yml", PEOPLE.splitlines())
        client.write("people.sql", PERSONS.splitlines())
        org = ("--org", "judged", "--no-prompt", "--mapping", "people.yml")
        client.well("task", "run", "load_dataset", *org, "--sql_path", "people.sql")
        client.well("task", "run", "extract_dataset", *org, "--sql_path", "out.sql")
        simulator = server.simulator
        contacts = {row["Id"]: row for row in simulator.rows("Contact")}
        told = {row["Name"]: row for row in simulator.rows("Account")}
        cases = {row["Subject"]: contacts[row["ContactId"]] for row in simulator.rows("Case")}
    assert {name: bool(row["IsPersonAccount"]) for name, row in told.items()} == {"宁 何": True, "甲厂": False}
    assert len(contacts) == 2
    assert cases["of a person"]["AccountId"] == told["宁 何"]["Id"]
    assert (cases["of a person"]["Email"], cases["of a firm"]["LastName"]) == ("ning@x.example", "Wu")
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript((tmp_path / "out.sql").read_text(encoding="utf-8"))
        kept = (
            'SELECT "Name", "LastName", "PersonEmail", lower("IsPersonAccount"), developer_name, is_person_type FROM '
        )
        kept += '"Account" JOIN "Account_rt_mapping" ON record_type_id = "RecordTypeId"'
        assert set(database.execute(kept)) == {
            ("", "何", "ning@x.example", "true", "PersonAccount", 1),
            ("甲厂", "", "", "false", "Employer", 0),
        }
