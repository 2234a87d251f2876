"""People who are accounts: one person seen as an account and as a contact, whichever of them is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from .callers import Caller, simulator

ORG = """
users: [{username: admin@x.example, last: Li}]
record_types:
  - {object: Account, developer_name: Firm, name: Firm}
  - {object: Account, developer_name: Patient, name: Patient, person: true}
fields:
  Contact:
    Ward__c: {type: string, length: 20}
    Card__c: {type: string, length: 20, external: true, unique: true}
"""


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    (tmp_path / "org.yaml").write_text(ORG, encoding="utf-8")
    return Caller(simulator(tmp_path, person_accounts="yes"))


def test_a_person_is_an_account_and_a_contact_in_one(caller: Caller) -> None:
    types = dict(map(tuple, (each.values() for each in caller.find("SELECT DeveloperName, Id FROM RecordType"))))
    assert caller.cells("SELECT DeveloperName FROM RecordType WHERE IsPersonType = true") == ["Patient"]
    firm = caller.create("Account", Name="厂", RecordTypeId=types["Firm"])
    own = {"PersonEmail": "ning@x.example", "PersonBirthdate": "1990-02-28", "Ward__pc": "A", "Card__pc": "7"}
    person = caller.create("Account", FirstName="Ning", lastname="He", PersonMailingCity="沈阳", Phone="1", **own)
    asked = "Name, RecordTypeId, IsPersonAccount, PersonContact.Name, PersonMailingAddress"
    (told,) = caller.find(f"SELECT {asked} FROM Account WHERE Id = '{person}'")
    assert (told["Name"], told["RecordTypeId"], told["IsPersonAccount"]) == ("Ning He", types["Patient"], True)
    assert (told["PersonContact"], told["PersonMailingAddress"]["city"]) == ({"Name": "Ning He"}, "沈阳")
    (half,) = caller.find("SELECT Id, AccountId, Email, Birthdate, Ward__c, Phone, IsPersonAccount FROM Contact")
    contact = half.pop("Id")
    assert [*half.values()] == [person, "ning@x.example", "1990-02-28", "A", "1", True]
    assert caller.call("PATCH", f"sobjects/Account/{person}", {"PersonTitle": "Dr", "LastName": "Ho"})[0] == 204
    assert caller.find("SELECT Title, Name FROM Contact") == [{"Title": "Dr", "Name": "Ning Ho"}]
    assert caller.call("PATCH", f"sobjects/Contact/{contact}", {"FirstName": None, "Ward__c": "B"})[0] == 204
    changed = caller.find(f"SELECT Name, Ward__pc, PersonTitle FROM Account WHERE Id = '{person}'")
    assert changed == [{"Name": "Ho", "Ward__pc": "B", "PersonTitle": "Dr"}]
    assert caller.cells("SELECT Name FROM Account WHERE IsPersonAccount = false") == ["厂"]
    fields = {each["name"]: each for each in caller.call("GET", "sobjects/Account/describe")[1]["fields"]}
    assert (fields["Ward__pc"]["custom"], fields["IsPersonAccount"]["createable"]) == (True, False)
    assert "mirrors" not in fields["PersonEmail"]
    assert caller.call("DELETE", f"sobjects/Account/{person}")[0] == 204
    assert caller.simulator.count("Contact") == 0
    caller.simulator.undelete(person)
    assert caller.simulator.count("Contact") == 1
    assert firm != person


def test_what_a_person_is_not_is_refused(caller: Caller) -> None:
    types = dict(map(tuple, (each.values() for each in caller.find("SELECT DeveloperName, Id FROM RecordType"))))
    bad = "400 INVALID_FIELD_FOR_INSERT_UPDATE"
    post = ("POST", "sobjects/Account")
    assert caller.refused(*post, {"LastName": "Li", "Name": "x"}) == f"{bad} Name"
    assert caller.refused(*post, {"Name": "x", "PersonEmail": "a@b.example"}) == f"{bad} PersonEmail"
    assert caller.refused(*post, {"Name": "x", "RecordTypeId": types["Firm"], "LastName": "y"}) == f"{bad} LastName"
    assert caller.refused(*post, {"RecordTypeId": types["Patient"]}) == "400 REQUIRED_FIELD_MISSING LastName"
    assert caller.refused(*post, {"Phone": "1"}) == "400 REQUIRED_FIELD_MISSING Name"
    firm, person = caller.create("Account", Name="厂"), caller.create("Account", LastName="Li")
    other = caller.create("Account", LastName="Wu")
    contact = caller.cells(f"SELECT PersonContactId FROM Account WHERE Id = '{person}'")[0]
    patch = "PATCH", f"sobjects/Account/{person}"
    assert caller.refused(*patch, {"Name": "x"}) == f"{bad} Name"
    assert caller.refused(*patch, {"LastName": ""}) == "400 REQUIRED_FIELD_MISSING LastName"
    assert caller.refused(*patch, {"RecordTypeId": types["Firm"]}).startswith("400 FIELD_INTEGRITY_EXCEPTION")
    assert caller.refused("PATCH", f"sobjects/Account/{firm}", {"Ward__pc": "A"}) == f"{bad} Ward__pc"
    assert caller.refused("PATCH", f"sobjects/Contact/{contact}", {"AccountId": firm}) == f"{bad} AccountId"
    assert caller.refused("DELETE", f"sobjects/Contact/{contact}") == "400 INVALID_OPERATION"
    with pytest.raises(Exception, match="not merged"):
        caller.simulator.merge(person, other)
    assert caller.cells("SELECT Name FROM Account ORDER BY Name") == ["Li", "Wu", "厂"]
    assert Caller(simulator()).not_found("SELECT IsPersonAccount FROM Account") == "400 INVALID_FIELD"
