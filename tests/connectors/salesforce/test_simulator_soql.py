"""Queries: what they find, in which order and shape, by which pages; and what is wrong with those that find nothing."""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote

import pytest
from changeover.connectors.salesforce.simulator.ids import checked, whole
from changeover.connectors.salesforce.simulator.soql.days import days_of

from .callers import Caller, simulator

ACCOUNTS = (
    {"Name": "Alpha", "NumberOfEmployees": 10, "Credit_Limit__c": 10.5, "Services__c": "Clinic;Checkup", "Phone": "1"},
    {
        "Name": "beta",
        "NumberOfEmployees": 20,
        "Region__c": "East",
        "Services__c": "Hotline",
        "Contract_Signed__c": "2026-02-01",
    },
    {
        "Name": "Gamma 100%",
        "NumberOfEmployees": 30,
        "Region__c": "East",
        "Credit_Limit__c": 0.25,
        "Key_Account__c": True,
    },
    {"Name": "It's_4", "Region__c": "North", "Contract_Signed__c": "2026-03-02", "Opens_At__c": "07:30:00.000Z"},
)


@pytest.fixture(scope="module")
def caller() -> Caller:
    caller = Caller(simulator())
    ids = [caller.create("Account", **each) for each in ACCOUNTS]
    caller.call("PATCH", f"sobjects/Account/{ids[1]}", {"ParentId": ids[0]})
    for name, account in (("何", ids[0]), ("于", ids[0]), ("秦", ids[2])):
        caller.create("Contact", LastName=name, AccountId=account)
    caller.create("Task", WhatId=ids[0], Subject="call")
    caller.create("Task", WhatId=caller.create("Case", AccountId=ids[2], Subject="late"))
    caller.create(
        "Opportunity",
        Name="O",
        AccountId=ids[0],
        StageName="Closed Won",
        CloseDate="2026-03-31",
        Headcount__c=3,
        Price_per_Head__c=1.15,
    )
    return caller


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("Name = 'alpha'", "A"),
        ("Name != 'alpha'", "BGI"),
        ("NOT Name = 'alpha'", "BGI"),
        ("name LIKE '%A'", "AB"),
        ("Name LIKE '%100\\%'", "G"),
        ("Name LIKE '_t\\'s\\_4'", "I"),
        ("Name = 'It\\'s_4'", "I"),
        ("Name IN ('ALPHA', 'Beta') AND NumberOfEmployees > 10", "B"),
        ("Region__c NOT IN ('East')", "AI"),
        ("Region__c != 'East'", "AI"),
        ("Region__c IN ('East', null)", "ABG"),
        ("Region__c = null", "A"),
        ("Region__c = ''", "A"),
        ("Region__c != null AND (NumberOfEmployees = 20 OR NumberOfEmployees >= 3e1)", "BG"),
        ("NOT (NumberOfEmployees > 10)", "AI"),
        ("Credit_Limit__c < 0.5", "G"),
        ("Credit_Limit__c = 10.50", "A"),
        ("Key_Account__c = TRUE", "G"),
        ("Services__c INCLUDES ('Checkup;Clinic', 'Hotline')", "AB"),
        ("Services__c EXCLUDES ('Hotline')", "AGI"),
        ("Contract_Signed__c = TODAY", "I"),
        ("Contract_Signed__c < LAST_N_DAYS:7", "B"),
        ("Contract_Signed__c != TODAY", "ABG"),
        ("Contract_Signed__c >= 2026-02-02", "I"),
        ("CreatedDate > 2026-03-02T08:59:59+08:00 AND CreatedDate = THIS_YEAR", "ABGI"),
        ("CreatedDate = YESTERDAY", ""),
        ("CALENDAR_YEAR(Contract_Signed__c) = 2026 AND CALENDAR_MONTH(Contract_Signed__c) = 2", "B"),
        ("Opens_At__c < 08:00:00.000Z", "I"),
        ("Parent.Name = 'Alpha'", "B"),
        ("Parent.Owner.Profile.Name LIKE 'System%'", "B"),
        ("Id IN (SELECT AccountId FROM Contact WHERE LastName != '秦')", "A"),
        ("Id NOT IN (SELECT AccountId FROM Contact)", "BI"),
        ("Owner.Alias = 'admin' AND Account.Phone = '1'", "A"),
    ],
)
def test_what_must_hold(caller: Caller, where: str, names: str) -> None:
    found = caller.cells(f"SELECT Name FROM Account WHERE {where} ORDER BY Name")
    assert "".join(each[0].upper() for each in found) == names
    assert caller.query(f"select count() from account where {where}")["totalSize"] == len(names)


def test_records_come_in_the_shape_that_is_asked_for(caller: Caller) -> None:
    alpha, *_ = caller.query(
        "SELECT Name, Parent.Name, (SELECT LastName FROM Contacts ORDER BY LastName DESC LIMIT 1), Owner.Profile.Name "
        "FROM Account a "
        "WHERE a.Name IN ('Alpha', 'beta') ORDER BY Name LIMIT 5 OFFSET 0"
    )["records"]
    assert list(alpha) == ["attributes", "Name", "Parent", "Contacts", "Owner"]
    assert (alpha["Parent"], alpha["Contacts"]["totalSize"], len(alpha["Contacts"]["records"])) == (None, 1, 1)
    assert alpha["Owner"]["Profile"]["attributes"]["type"] == "Profile"
    tasks = caller.query("SELECT What.Name, What.Type, WhatId FROM Task ORDER BY CreatedDate, Id")["records"]
    assert [each["What"]["Type"] for each in tasks] == ["Account", "Case"]
    assert (tasks[0]["What"]["attributes"]["type"], tasks[1]["What"]["Name"]) == ("Name", "00000001")
    typed = caller.find(
        "SELECT TYPEOF What WHEN Account THEN Phone, Name WHEN Case THEN Subject ELSE Id END FROM Task ORDER BY Id"
    )
    assert typed == [{"What": {"Phone": "1", "Name": "Alpha"}}, {"What": {"Subject": "late"}}]
    assert caller.find("SELECT IsWon, Expected__c, Account_Industry__c, Account.Name FROM Opportunity") == [
        {"IsWon": True, "Expected__c": 3.45, "Account_Industry__c": None, "Account": {"Name": "Alpha"}}
    ]
    everything = caller.find("SELECT FIELDS(ALL) FROM Account WHERE Name = 'beta' LIMIT 1")[0]
    assert (everything["Contract_Signed__c"], len(everything) > 40) == ("2026-02-01", True)
    assert "Phone" not in caller.find("SELECT FIELDS(CUSTOM) FROM Account LIMIT 1")[0]
    assert caller.cells("SELECT toLabel(Region__c) FROM Account WHERE Name = 'beta'") == ["East"]


def test_groups_are_counted_and_summed(caller: Caller) -> None:
    told = caller.query(
        "SELECT Region__c, COUNT(Id) c, SUM(Credit_Limit__c), AVG(NumberOfEmployees), COUNT_DISTINCT(OwnerId) "
        "FROM Account GROUP BY Region__c HAVING COUNT(Id) < 3 ORDER BY COUNT(Id) DESC, Region__c NULLS LAST"
    )["records"]
    assert told[0]["attributes"] == {"type": "AggregateResult"}
    assert [(each["Region__c"], each["c"], each["expr0"], each["expr1"], each["expr2"]) for each in told] == [
        ("East", 2, 0.25, 25.0, 1),
        ("North", 1, None, None, 1),
        (None, 1, 10.5, 10.0, 1),
    ]
    assert caller.find("SELECT COUNT(Id) CNT FROM Contact") == [{"CNT": 3}]
    assert caller.find(
        "SELECT CALENDAR_YEAR(CreatedDate) y, MAX(Name) m FROM Account GROUP BY CALENDAR_YEAR(CreatedDate)"
    ) == [{"y": 2026, "m": "It's_4"}]


def test_orders(caller: Caller) -> None:
    def first(order: str) -> str:
        return str(caller.cells(f"SELECT Name FROM Account ORDER BY {order} LIMIT 1")[0])

    assert (first("Name"), first("Name DESC"), first("Parent.Name DESC NULLS LAST, Name")) == (
        "Alpha",
        "It's_4",
        "beta",
    )
    assert first("Region__c, Name") == first("Region__c DESC, Name") == "Alpha"
    assert first("Region__c NULLS LAST, Name") == "beta"


@pytest.mark.parametrize(
    ("soql", "refused"),
    [
        ("SELECT Nme FROM Account", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Acount", "INVALID_TYPE"),
        ("SELECT Ownr.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id, (SELECT Id FROM Contact) FROM Account", "INVALID_TYPE"),
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'x' OR Name = 'y' AND Phone = '1'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account; DROP TABLE Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 7", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE NumberOfEmployees LIKE '1%'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Account ORDER BY Description", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY"),
        ("SELECT SUM(Name) FROM Account", "MALFORMED_QUERY"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT Id FROM Account ORDER BY COUNT(Id)", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE " + "(" * 2000 + "Name = 'x'" + ")" * 2000, "QUERY_TOO_COMPLICATED"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Id, Name FROM Contact)", "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(caller: Caller, soql: str, refused: str) -> None:
    assert caller.not_found(soql) == f"400 {refused}"
    assert caller.simulator.count("Account") == len(ACCOUNTS)


def test_a_query_may_be_long_and_numbers_big(caller: Caller) -> None:
    many = " OR ".join(f"Name = 'n{number}'" for number in range(3000))
    soql = f"SELECT Name FROM Account WHERE {many} OR Name = 'Alpha' LIMIT 99999999999999999999"
    assert caller.raw("GET", f"query?q={quote(soql)}")[0] == 414
    part = {"method": "GET", "url": f"/services/data/v67.0/query?q={quote(soql)}", "referenceId": "a"}
    (told,) = caller.call("POST", "composite", {"compositeRequest": [part]})[1]["compositeResponse"]
    assert [each["Name"] for each in told["body"]["records"]] == ["Alpha"]
    assert caller.cells("SELECT Name FROM Account WHERE NumberOfEmployees > 99999999999999999999999") == []


def test_an_error_points_at_the_place(caller: Caller) -> None:
    told = caller.call("GET", "query?q=SELECT+Id,%0ANme+FROM+Account")[1][0]["message"]
    assert told.startswith("\nSELECT Id, Nme FROM Account\n           ^\nERROR at Row:2:Column:1\nNo such column 'Nme'")


def test_pages_follow_by_a_locator_that_is_the_users_own_and_ends() -> None:
    caller = Caller(simulator(locator_seconds=100))
    with caller.simulator.org.store.whole():
        for number in range(450):
            caller.create("Contact", LastName=f"{number:03}")
    soql = "SELECT LastName FROM Contact ORDER BY LastName"
    page = caller.query(soql, Sforce_Query_Options="batchSize=200")
    assert (page["totalSize"], page["done"], len(page["records"])) == (450, False, 200)
    (gone,) = caller.cells("SELECT Id FROM Contact WHERE LastName = '300'")
    caller.call("DELETE", f"sobjects/Contact/{gone}")
    second = caller.call("GET", page["nextRecordsUrl"])[1]
    assert caller.call("GET", page["nextRecordsUrl"])[1] == second
    last = caller.call("GET", second["nextRecordsUrl"])[1]
    assert (last["done"], last["totalSize"], "nextRecordsUrl" in last) == (True, 450, False)
    names = [each["LastName"] for part in (page, second, last) for each in part["records"]]
    assert names == [f"{number:03}" for number in range(450)]
    other = Caller(caller.simulator, username="east@muan.example")
    assert other.refused("GET", page["nextRecordsUrl"]) == "400 INVALID_QUERY_LOCATOR"
    caller.clock.sleep(101)
    assert caller.refused("GET", page["nextRecordsUrl"]) == "400 INVALID_QUERY_LOCATOR"
    assert len(caller.query(soql)["records"]) == 449
    assert len(caller.query(soql, everything=True, Sforce_Query_Options="batchSize=50")["records"]) == 200


def test_what_an_id_says() -> None:
    assert checked("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert whole("70130000001tcyI") == "70130000001tcyIAAQ"
    assert whole("001d000000iqhsliaz") == "001D000000IqhSLIAZ"
    assert (whole("001D000000IqhSLBAZ"), whole("001"), whole("001D000000IqhS!")) == (None, None, None)


@pytest.mark.parametrize(
    ("word", "first", "after"),
    [
        ("last_week", "2026-02-22", "2026-03-01"),
        ("this_week", "2026-03-01", "2026-03-08"),
        ("next_month", "2026-04-01", "2026-05-01"),
        ("last_quarter", "2025-10-01", "2026-01-01"),
        ("this_fiscal_year", "2026-01-01", "2027-01-01"),
        ("last_n_days:3", "2026-02-27", "2026-03-03"),
        ("next_n_days:2", "2026-03-03", "2026-03-05"),
        ("last_n_months:2", "2026-01-01", "2026-03-01"),
        ("next_n_weeks:1", "2026-03-08", "2026-03-15"),
        ("n_days_ago:1", "2026-03-01", "2026-03-02"),
        ("tomorrow", "2026-03-03", "2026-03-04"),
        ("last_90_days", "2025-12-02", "2026-03-03"),
        ("next_90_days", "2026-03-03", "2026-06-01"),
    ],
)
def test_days_by_name(word: str, first: str, after: str) -> None:
    assert [each.isoformat() for each in days_of(word, dt.date(2026, 3, 2))] == [first, after]
