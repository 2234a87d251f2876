"""One record a call: made, changed, found by an external id, deleted and back; and what is held against it."""

from __future__ import annotations

import datetime as dt
import json
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.salesforce.simulator.answers import RowError

from .callers import START, Caller, simulator


@pytest.fixture(scope="module")
def shared() -> Caller:
    """For tests that write nothing that others see."""
    return Caller(simulator(duplicate_rules="Contact.Email", validation_rules="Campaign.Type"))


def test_a_record_comes_back_as_it_is_kept() -> None:
    caller = Caller(simulator())
    exact = '{"Name": " 沈阳机床 ", "Credit_Limit__c": 1234567890123456.78, "Services__c": "Clinic;Checkup;Clinic", '
    exact += '"Fax": ""}'
    status, headers, body = caller.raw("POST", "sobjects/Account/", exact.encode())
    row_id = json.loads(body)["id"]
    assert (status, row_id[:3], len(row_id), headers["Location"].endswith(row_id)) == (201, "001", 18, True)
    text = caller.raw("GET", f"sobjects/account/{row_id[:15]}")[2].decode()
    told = json.loads(text)
    assert '"Credit_Limit__c":1234567890123456.78' in text
    assert (told["Name"], told["Services__c"], told["Fax"], told["BillingAddress"]) == (
        "沈阳机床",
        "Clinic;Checkup",
        None,
        None,
    )
    assert (told["CreatedDate"], told["Statements__c"], told["Key_Account__c"]) == (
        "2026-03-02T01:00:00.000+0000",
        0.0,
        False,
    )
    caller.clock.sleep(7.5)
    changes = {"Name": "B", "BillingCity": "沈阳", "Opens_At__c": "08:30", "Headquarters__Latitude__s": "41.8"}
    assert caller.call("PATCH", f"sobjects/Account/{row_id.upper()[:15]}{row_id[15:]}", changes) == (204, None)
    told = caller.call(
        "GET", f"sobjects/Account/{row_id}?fields=Name,BillingAddress,SystemModstamp,Opens_At__c,Owner.Name"
    )[1]
    assert told["attributes"]["url"] == f"/services/data/v67.0/sobjects/Account/{row_id}"
    assert (told["SystemModstamp"], told["Opens_At__c"]) == ("2026-03-02T01:00:07.000+0000", "08:30:00.000Z")
    assert (told["BillingAddress"]["city"], told["Owner"]["Name"]) == ("沈阳", "静 何")
    past = format_datetime(START, usegmt=True)
    refused = caller.refused("PATCH", f"sobjects/Account/{row_id}", {"Name": "C"}, If_Unmodified_Since=past)
    assert refused == "412 PRECONDITION_FAILED"
    later = format_datetime(START + dt.timedelta(seconds=8), usegmt=True)
    assert caller.call("PATCH", f"sobjects/Account/{row_id}", {"Name": "C"}, If_Unmodified_Since=later)[0] == 204


@pytest.mark.parametrize(
    ("object_name", "values", "refused"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING Name"),
        ("Account", {"Name": "  "}, "REQUIRED_FIELD_MISSING Name"),
        ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG Name"),
        ("Account", {"Name": "x", "Region__c": "West"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST Region__c"),
        ("Account", {"Name": "x", "Services__c": "Clinic;Spa"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST Services__c"),
        ("Account", {"Name": "x", "ParentId": "x"}, "MALFORMED_ID ParentId"),
        ("Account", {"Name": "x", "ParentId": "0015j0000009999"}, "INVALID_CROSS_REFERENCE_KEY ParentId"),
        ("Account", {"Name": "x", "ParentId": "0035j0000009999"}, "FIELD_INTEGRITY_EXCEPTION ParentId"),
        ("Account", {"Name": "x", "Nme": "x"}, "INVALID_FIELD Nme"),
        (
            "Account",
            {"Name": "x", "CreatedDate": "2020-01-01T00:00:00Z"},
            "INVALID_FIELD_FOR_INSERT_UPDATE CreatedDate",
        ),
        ("Account", {"Name": "x", "Statements__c": 1}, "INVALID_FIELD_FOR_INSERT_UPDATE Statements__c"),
        ("Account", {"Name": "x", "BillingAddress": {}}, "INVALID_FIELD_FOR_INSERT_UPDATE BillingAddress"),
        ("Account", {"Name": "x", "Credit_Limit__c": 1e16}, "NUMBER_OUTSIDE_VALID_RANGE Credit_Limit__c"),
        ("Account", {"Name": "x", "NumberOfEmployees": 2**31}, "NUMBER_OUTSIDE_VALID_RANGE NumberOfEmployees"),
        ("Account", {"Name": "x", "NumberOfEmployees": 1.5}, "JSON_PARSER_ERROR"),
        ("Account", {"Name": "x", "Contract_Signed__c": "2023-02-30"}, "JSON_PARSER_ERROR"),
        ("Account", {"Name": "x", "Key_Account__c": "perhaps"}, "JSON_PARSER_ERROR"),
        ("Account", {"Name": 7}, "JSON_PARSER_ERROR"),
        ("Contact", {"LastName": "x", "Email": "a b@c.example"}, "INVALID_EMAIL_ADDRESS Email"),
        ("Contact", {"LastName": "x", "Account": {"Tax_Number__c": "none"}}, "INVALID_FIELD"),
        ("Contact", {"LastName": "x", "Account": {"Phone": "1"}}, "INVALID_FIELD"),
        ("Checkup_Statement__c", {"Period__c": "2026-01"}, "REQUIRED_FIELD_MISSING Account__c"),
        ("Campaign", {"Name": "x"}, "FIELD_CUSTOM_VALIDATION_EXCEPTION Type"),
        ("Profile", {"Name": "x"}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
    ],
)
def test_a_record_that_breaks_a_rule_is_refused(
    shared: Caller, object_name: str, values: dict[str, Any], refused: str
) -> None:
    assert shared.refused("POST", f"sobjects/{object_name}", values) == f"400 {refused}"
    assert object_name == "Profile" or shared.simulator.count(object_name) == 0


def test_an_external_id_makes_changes_and_finds_one_record_and_tells_of_several() -> None:
    caller = Caller(simulator())
    path = "sobjects/Account/Tax_Number__c/A%2F1"
    status, made = caller.call("PATCH", path, {"Name": "甲"})
    assert (status, made["created"]) == (201, True)
    status, again = caller.call("PATCH", path.replace("A%", "a%") + "/", {"Name": "乙"})
    assert (status, again["created"], again["id"]) == (200, False, made["id"])
    assert caller.call("GET", path)[1]["Name"] == "乙"
    assert caller.refused("PATCH", path, {"Tax_Number__c": "x"}) == "400 INVALID_FIELD"
    assert caller.refused("PATCH", "sobjects/Account/Tax_Number__c/B?updateOnly=true", {"Name": "x"}) == "404 NOT_FOUND"
    assert caller.refused("PATCH", "sobjects/Account/Phone/1", {"Name": "x"}) == "404 NOT_FOUND"
    assert (
        caller.refused("POST", "sobjects/Account", {"Name": "x", "Tax_Number__c": "a/1"})
        == "400 DUPLICATE_VALUE Tax_Number__c"
    )
    for _ in range(2):
        caller.create(
            "Checkup_Statement__c", Account__r={"Tax_Number__c": "A/1"}, Period__c="2026-01", External_Number__c="7"
        )
    status, told = caller.call("PATCH", "sobjects/Checkup_Statement__c/External_Number__c/7", {"Period__c": "x"})
    assert (status, len(told), told[0].startswith("/services/data/v67.0/sobjects/Checkup_Statement__c/a01")) == (
        300,
        2,
        True,
    )
    assert caller.cells("SELECT Name FROM Checkup_Statement__c ORDER BY Name") == ["ST-000001", "ST-000002"]
    assert caller.find("SELECT Statements__c FROM Account") == [{"Statements__c": 2.0}]
    assert caller.call("DELETE", path)[0] == 204
    assert caller.simulator.count("Checkup_Statement__c") == 0


def test_what_is_deleted_takes_its_details_along_and_brings_them_back() -> None:
    caller = Caller(simulator())
    account, clinic = caller.create("Account", Name="甲"), caller.create("Clinic__c", Name="诊所")
    statement = caller.create("Checkup_Statement__c", Account__c=account, Clinic__c=clinic, Period__c="2026-01")
    line = caller.create("Statement_Line__c", Statement__c=statement, Amount__c="12.5")
    contact = caller.create("Contact", LastName="乙", AccountId=account)
    case = caller.create("Case", ContactId=contact)
    assert caller.cells("SELECT Lines_Total__c FROM Checkup_Statement__c") == [12.5]
    caller.clock.sleep(5)
    caller.call("DELETE", f"sobjects/Clinic__c/{clinic}")
    assert caller.cells("SELECT Clinic__c FROM Checkup_Statement__c") == [None]
    caller.call("DELETE", f"sobjects/Account/{account}")
    assert [
        caller.simulator.count(each) for each in ("Checkup_Statement__c", "Statement_Line__c", "Contact", "Case")
    ] == [0, 0, 0, 1]
    assert caller.refused("PATCH", f"sobjects/Contact/{contact}", {"LastName": "x"}) == "404 ENTITY_IS_DELETED"
    assert (
        caller.refused("POST", "sobjects/Contact", {"LastName": "x", "AccountId": account})
        == "400 ENTITY_IS_DELETED AccountId"
    )
    assert caller.cells("SELECT Id FROM Statement_Line__c WHERE IsDeleted = true", everything=True) == [line]
    assert caller.cells("SELECT Id FROM Statement_Line__c") == []
    caller.simulator.undelete(account)
    caller.simulator.undelete(clinic)
    assert caller.cells("SELECT Clinic__c FROM Checkup_Statement__c") == [clinic]
    assert caller.find("SELECT Id, ContactId FROM Case") == [{"Id": case, "ContactId": contact}]
    assert caller.simulator.count("Statement_Line__c") == 1
    caller.create("Contract", AccountId=account)
    assert caller.refused("DELETE", f"sobjects/Account/{account}") == "400 DELETE_FAILED"
    caller.call("DELETE", f"sobjects/Case/{case}")
    caller.clock.sleep(16 * 86_400)
    caller.sign_in()
    assert caller.cells("SELECT Id FROM Case", everything=True) == []


def test_merged_records_say_which_they_became_and_take_their_children_along() -> None:
    caller = Caller(simulator())
    stays, other = caller.create("Account", Name="甲"), caller.create("Account", Name="乙")
    caller.create("Contact", LastName="丙", AccountId=other)
    caller.create("Account", Name="丁", ParentId=other)
    caller.clock.sleep(9)
    caller.simulator.merge(stays, other)
    assert caller.cells("SELECT AccountId FROM Contact WHERE SystemModstamp > 2026-03-02T01:00:08Z") == [stays]
    assert caller.cells("SELECT Name FROM Account WHERE ParentId = '" + stays + "'") == ["丁"]
    gone = caller.find("SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true", everything=True)
    assert gone == [{"Id": other, "MasterRecordId": stays}]
    for wrong in ((stays,), (other,), ()):
        with pytest.raises(RowError):
            caller.simulator.merge(stays, *wrong)
    case = caller.create("Case", Subject="x")
    body = f"<Envelope><sessionId>{caller.headers['Authorization'][7:]}</sessionId><Body><merge>"
    for others in (caller.create("Case", Subject="y"), case):
        body += f"<request><masterRecord><Id>{case}</Id></masterRecord>"
        body += f"<recordToMergeIds>{others}</recordToMergeIds></request>"
    told = caller.raw("POST", "/services/Soap/u/60.0", f"{body}</merge></Body></Envelope>".encode())[2].decode()
    assert (told.count("<success>true"), told.count("<success>false")) == (1, 1)
    assert caller.cells("SELECT Subject FROM Case") == ["x"]


def test_a_history_keeps_what_a_field_was() -> None:
    caller = Caller(simulator())
    account = caller.create("Account", Name="甲", Credit_Limit__c=1.5)
    changes = {"Name": "乙", "Credit_Limit__c": None, "Key_Account__c": True, "Description": "x", "Phone": None}
    caller.call("PATCH", f"sobjects/Account/{account}", changes)
    told = caller.find("SELECT Field, OldValue, NewValue, Account.Name FROM AccountHistory ORDER BY Field")
    assert [(each["Field"], each["OldValue"], each["NewValue"]) for each in told] == [
        ("Credit_Limit__c", "1.5", None),
        ("Description", None, None),
        ("Key_Account__c", "false", "true"),
        ("Name", "甲", "乙"),
    ]
    assert told[0]["Account"] == {"Name": "乙"}
    caller.call("DELETE", f"sobjects/Account/{account}")
    assert caller.simulator.count("AccountHistory") == 0


def test_a_hierarchy_has_no_circle_and_owners_are_active() -> None:
    caller = Caller(simulator())
    upper, lower = caller.create("Account", Name="甲"), caller.create("Account", Name="乙")
    caller.call("PATCH", f"sobjects/Account/{lower}", {"ParentId": upper})
    assert (
        caller.refused("PATCH", f"sobjects/Account/{upper}", {"ParentId": lower}) == "400 CIRCULAR_DEPENDENCY ParentId"
    )
    (left,) = caller.cells("SELECT Id FROM User WHERE IsActive = false")
    assert (
        caller.refused("PATCH", f"sobjects/Account/{upper}", {"OwnerId": left}) == "400 INACTIVE_OWNER_OR_USER OwnerId"
    )
    (queue,) = caller.cells("SELECT QueueId FROM QueueSobject WHERE SobjectType = 'Lead'")
    caller.create("Lead", LastName="x", Company="y", OwnerId=queue)
    assert caller.find("SELECT Owner.Name, Owner.Type FROM Lead") == [
        {"Owner": {"Name": "East Leads", "Type": "Group"}}
    ]


def test_what_an_administrator_allows_or_sets_up(tmp_path: Path) -> None:
    caller = Caller(
        simulator(
            audit_fields="yes",
            key_field="Legacy_Key__c",
            hidden_fields="Account.Fax",
            assignment_rules="Lead=east@muan.example",
            duplicate_rules="Account.Name",
            read_only_objects="Case",
        )
    )
    caller.create("Account", Name="甲", CreatedDate="2019-01-02T08:00:00+08:00", Legacy_Key__c="A-1")
    told = caller.find("SELECT CreatedDate, SystemModstamp, Legacy_Key__c FROM Account")[0]
    assert told["CreatedDate"] == "2019-01-02T00:00:00.000+0000"
    assert (told["SystemModstamp"], told["Legacy_Key__c"]) == ("2026-03-02T01:00:00.000+0000", "A-1")
    assert caller.refused(
        "PATCH", "sobjects/Account/Legacy_Key__c/A-1", {"CreatedDate": "2020-01-01T00:00:00Z"}
    ).startswith("400")
    assert caller.refused("POST", "sobjects/Account", {"Name": "甲"}) == "400 DUPLICATES_DETECTED"
    rule = {"Sforce_Duplicate_Rule_Header": "allowSave=true; includeRecordDetails=true"}
    assert caller.call("POST", "sobjects/Account", {"Name": "甲"}, **rule)[0] == 201
    caller.create("Lead", LastName="x", Company="y")
    assert caller.call("POST", "sobjects/Lead", {"LastName": "x", "Company": "z"}, Sforce_Auto_Assign="FALSE")[0] == 201
    assert caller.cells("SELECT Owner.Alias FROM Lead ORDER BY Company") == [{"Alias": "east@mua"}, {"Alias": "admin"}]
    names = [each["name"] for each in caller.call("GET", "sobjects/Account/describe")[1]["fields"]]
    assert ("Fax" in names, "Phone" in names) == (False, True)
    assert caller.not_found("SELECT Fax FROM Account") == "400 INVALID_FIELD"
    assert caller.refused("POST", "sobjects/Case", {}) == "400 CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"


def test_who_does_not_see_all_data_sees_their_own() -> None:
    caller = Caller(simulator(view_all_data="no"))
    account = caller.create("Account", Name="甲")
    other = Caller(caller.simulator, username="east@muan.example")
    other.create("Account", Name="乙")
    assert (caller.cells("SELECT Name FROM Account"), other.cells("SELECT Name FROM Account")) == (["甲"], ["乙"])
    assert other.refused("PATCH", f"sobjects/Account/{account}", {"Name": "x"}) == "403 INSUFFICIENT_ACCESS_OR_READONLY"
    assert caller.cells("SELECT PermissionsViewAllData FROM Profile WHERE Name = 'Sales'") == [False]


def test_an_org_of_your_own_keeps_its_records_and_outranks_what_is_shipped(tmp_path: Path) -> None:
    (tmp_path / "describe").mkdir()
    told = Caller(simulator()).call("GET", "sobjects/Account/describe")[1]
    told["fields"] = [each for each in told["fields"] if each["name"] in ("Id", "Name", "IsDeleted", "SystemModstamp")]
    (tmp_path / "describe" / "Account.json").write_text(json.dumps(told), encoding="utf-8")
    fields = "fields: {Contact: {Legacy__c: {type: string, length: 9, external: true}}}\n"
    fields += (
        "objects: {Visit__c: {fields: {Name: {type: string, auto: 'V-{00}', name: true}, Place__c: {type: location}, "
    )
    fields += (
        "Account__c: {type: reference, to: [Account], relationship: Account__r, children: Visits__r, master: true}}}}\n"
    )
    (tmp_path / "org.yaml").write_text(fields + "users: [{username: a@b.example, last: A}]\n", encoding="utf-8")
    caller = Caller(simulator(tmp_path))
    account = caller.create("Account", Name="甲")
    assert caller.call("PATCH", "sobjects/Contact/Legacy__c/K", {"LastName": "x", "AccountId": account})[0] == 201
    assert caller.not_found("SELECT Phone FROM Account") == "400 INVALID_FIELD"
    caller.create("Visit__c", Account__c=account, Place__Latitude__s=41.8)
    assert caller.find("SELECT (SELECT Name, Place__c FROM Visits__r) FROM Account")[0]["Visits__r"]["records"] == [
        {"Name": "V-01", "Place__c": {"latitude": 41.8, "longitude": None}}
    ]
    caller.simulator.close()
    again = Caller(simulator(tmp_path))
    assert again.find("SELECT Name, (SELECT Legacy__c FROM Contacts) FROM Account") == [
        {"Name": "甲", "Contacts": {"totalSize": 1, "done": True, "records": [{"Legacy__c": "K"}]}}
    ]
    assert again.create("Account", Name="乙") > account
    again.simulator.close()
    (tmp_path / "describe" / "Account.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        simulator(tmp_path)
    assert raised.value.code == "simulator.describe"
    (tmp_path / "org.yaml").write_text("people: []", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        simulator(tmp_path)
    assert raised.value.code == "simulator.file"


def test_a_describe_tells_what_a_client_needs_and_is_not_sent_twice() -> None:
    caller = Caller(simulator())
    told = caller.call("GET", "sobjects/account/describe/")[1]
    fields = {each["name"]: each for each in told["fields"]}
    city = {each["value"]: each["validFor"] for each in fields["City__c"]["picklistValues"]}
    assert (fields["City__c"]["controllerName"], city["Shanghai"], city["Shenyang"]) == ("Region__c", "gA==", "QA==")
    assert (fields["Name"]["nillable"], fields["Statements__c"]["calculated"], fields["Id"]["type"]) == (
        False,
        True,
        "id",
    )
    assert not any(name in fields["Name"] for name in ("workedOut", "childName", "numberForm"))
    statements = next(each for each in told["childRelationships"] if each["childSObject"] == "Checkup_Statement__c")
    assert (statements["relationshipName"], statements["cascadeDelete"]) == ("Checkup_Statements__r", True)
    assert [each["developerName"] for each in told["recordTypeInfos"]] == ["Employer", "Clinic_Partner", "Master"]
    assert caller.call("GET", "sobjects/Account/describe", If_Modified_Since=caller.last["Last-Modified"]) == (
        304,
        None,
    )
    everything = caller.call("GET", "sobjects")[1]["sobjects"]
    assert {each["name"]: each["keyPrefix"] for each in everything}["Lead"] == "00Q"
    master = next(
        each
        for each in caller.call("GET", "sobjects/Statement_Line__c/describe")[1]["fields"]
        if each["name"] == "Statement__c"
    )
    assert (master["relationshipOrder"], master["updateable"], master["cascadeDelete"]) == (0, False, True)
    assert caller.refused("GET", "sobjects/Nothing/describe") == "404 NOT_FOUND"
