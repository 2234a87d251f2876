"""Data of the shapes that charities have, loaded into the simulator by simple-salesforce and moved out by us."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import Server, Settings, Simulator
from simple_salesforce import Salesforce

from .npsp import ORG, THERE, differing, dump, make_project, moved
from .plain_http import session

pytestmark = THERE
PART = """
delete from Contact where id % 10;
delete from Opportunity where primary_contact__c <> '' and primary_contact__c not in (select id from Contact);
delete from OpportunityContactRole where contact_id not in (select id from Contact)
  or opportunity_id not in (select id from Opportunity);
delete from Account where id not in (select account_id from Contact union select primary_affiliation__c from Contact
  union select account_id from Opportunity);
"""
KEY = "Legacy_Key__c"
Row = dict[str, Any]


def rows(old: sqlite3.Connection, sql: str) -> Iterator[Row]:
    """Columns are called as Salesforce wants them; what is empty is not there."""
    found = old.execute(sql)
    names = [name for name, *_ in found.description]
    yield from ({name: each for name, each in zip(names, row, strict=True) if each not in (None, "")} for row in found)


def load(old: sqlite3.Connection, client: Salesforce) -> dict[str, int]:
    """By Bulk 2.0, references by our own key of what they refer to."""
    types = {
        row["DeveloperName"]: row["Id"] for row in client.query("SELECT Id, DeveloperName FROM RecordType")["records"]
    }
    old.create_function("record_type", 1, types.__getitem__)
    asked = {
        "Account": 'select id "Legacy_Key__c", Name, BillingStreet, BillingCity, BillingState, BillingPostalCode, '
        'BillingCountry, npe01__SYSTEM_AccountType__c, record_type(developer_name) "RecordTypeId" from Account join '
        "Account_rt_mapping on record_type_id = RecordTypeId",
        "Contact": 'select id "Legacy_Key__c", Salutation, FirstName, LastName, Email, Phone, Title, account_id '
        '"Account.Legacy_Key__c", primary_affiliation__c "Primary_Affiliation__r.Legacy_Key__c" from Contact',
        "Opportunity": 'select id "Legacy_Key__c", name "Name", amount "Amount", stage_name "StageName", close_date '
        '"CloseDate", dont_create_payments "npe01__Do_Not_Automatically_Create_Payment__c", account_id '
        '"Account.Legacy_Key__c", primary_contact__c "Primary_Contact__r.Legacy_Key__c" from Opportunity',
        "OpportunityContactRole": 'select id "Legacy_Key__c", Role, IsPrimary, contact_id "Contact.Legacy_Key__c", '
        'opportunity_id "Opportunity.Legacy_Key__c" from OpportunityContactRole',
    }
    loaded = {}
    for name, sql in asked.items():
        told = list(rows(old, sql))
        every = dict.fromkeys(key for row in told for key in row)
        whole = [{**dict.fromkeys(every, ""), **row} for row in told]
        (job,) = getattr(client.bulk2, name).upsert(records=whole, external_id_field=KEY)
        assert job["numberRecordsFailed"] == 0, getattr(client.bulk2, name).get_failed_records(job["job_id"])
        loaded[name] = len(told)
    return loaded


def test_gifts_and_their_givers_are_moved_and_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "keys"))
    shutil.copytree(ORG, tmp_path / "org")
    server = Server(Simulator(SystemClock(), Settings(bulk_polls=0, key_field=KEY), tmp_path / "org"))
    with closing(server), closing(dump()) as old:
        old.executescript(PART)
        told = server.credentials
        client = Salesforce(session_id=told["session_id"], instance_url=server.url, session=session(server.url))
        loaded = load(old, client)
        created = moved(
            make_project(tmp_path / "move", server.url, ["account_kind", "account", "constituent", "gift", "gift_role"])
        )
        assert [*created.values()] == [2, *loaded.values()]
        assert differing(old, tmp_path / "move") == dict.fromkeys(
            ("account", "constituent", "gift", "gift_role"), (0, 0)
        )
