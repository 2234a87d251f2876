"""CumulusCI drives the simulator as it is, by Bulk 1.0 and by collections: loads, upserts, extracts and deletes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from changeover.connectors.salesforce.simulator import Server

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
