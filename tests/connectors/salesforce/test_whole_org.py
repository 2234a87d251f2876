"""What hangs on an org's main records can be described, counted, read and asked for changes: activities and their
series, mails, posts, histories, shares, teams, people, roles, queues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.pace import Narrowed, Pace, QuotaSpentError
from changeover.connectors.schema import FieldType

from .callers import Caller, simulator
from .org_kit import connected
from .test_connector_reads import Org, cells, code_of

USER = {"type": "reference", "to": ["User"], "required": True, "relationship": "User"}
ACCOUNT = {"type": "reference", "to": ["Account"], "required": True, "relationship": "Account", "cascade": True}
SHARED = {**USER, "to": ["Group", "User"]}
LEVEL = {"type": "picklist", "values": ["Read", "Edit", "All"]}
RECURRING = {"IsRecurrence": {"type": "boolean"}, "RecurrenceType": {"type": "picklist"}}
ORG: dict[str, Any] = {
    "objects": {
        "AccountTeamMember": {
            "fields": {"AccountId": ACCOUNT, "UserId": USER, "TeamMemberRole": {"type": "picklist"}},
            "without": ["IsDeleted"],
        },
        "AccountShare": {
            "fields": {"AccountId": ACCOUNT, "UserOrGroupId": SHARED, "AccountAccessLevel": LEVEL},
            "without": ["CreatedDate", "CreatedById", "SystemModstamp"],
            "able": {"replicateable": False},
        },
        "EventRelation": {
            "fields": {
                "EventId": {"type": "reference", "to": ["Event"], "required": True, "relationship": "Event"},
                "RelationId": {"type": "reference", "to": ["Contact", "Lead", "User"], "relationship": "Relation"},
                "Status": {"type": "picklist"},
            },
        },
    },
    "fields": {
        name: {**RECURRING, "RecurrenceActivityId": {"type": "reference", "to": [name], "relationship": "Series"}}
        for name in ("Task", "Event")
    },
    "users": [{"username": "admin@muan.example", "last": "何", "role": "Head Office"}],
    "roles": [{"name": "Head Office"}],
    "groups": [{"name": "East Leads", "objects": ["Lead"], "members": ["admin@muan.example"]}],
}


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    folder: Path = tmp_path_factory.mktemp("org")
    (folder / "org.yaml").write_text(json.dumps(ORG), "utf-8")
    org = Org(simulator(folder), objects=[*MADE, *BESIDE, "ContentDocumentLink", "Account"])
    yield org
    org.simulator.close()


BESIDE = ("User", "UserRole", "Group", "GroupMember", "QueueSobject", "AccountHistory")
MADE: dict[str, dict[str, Any]] = {
    "Task": {"Subject": "回访", "WhatId": "Account", "IsRecurrence": True, "RecurrenceType": "RecursDaily"},
    "Event": {"Subject": "拜访", "WhatId": "Account", "StartDateTime": "2026-03-02T01:00:00Z"},
    "EventRelation": {"EventId": "Event", "RelationId": "User"},
    "Case": {"Subject": "报告未收到", "AccountId": "Account"},
    "CaseComment": {"ParentId": "Case", "CommentBody": "已补发"},
    "EmailMessage": {"ParentId": "Case", "Subject": "Re", "HtmlBody": "<p>好</p>", "ToAddress": "a@b.example"},
    "Note": {"ParentId": "Account", "Title": "旧备注", "Body": "x" * 5000},
    "FeedItem": {"ParentId": "Account", "Body": "你好"},
    "AccountTeamMember": {"AccountId": "Account", "UserId": "User", "TeamMemberRole": "Sales Rep"},
    "AccountShare": {"AccountId": "Account", "UserOrGroupId": "User", "AccountAccessLevel": "Edit"},
}


def test_everything_beside_the_main_records_is_read(org: Org) -> None:
    caller = Caller(org.simulator)
    made = {"Account": caller.create("Account", Name="甲"), "User": str(org.simulator.sign_in.run_as["Id"])}
    start = org.connector.now()
    caller.call("PATCH", f"sobjects/Account/{made['Account']}", {"Name": "乙"})
    for name, values in MADE.items():
        made[name] = caller.create(name, **{key: made.get(str(value), value) for key, value in values.items()})
    schema = org.connector.describe().objects
    for name in (*MADE, *BESIDE):
        described = schema[name]
        plain = [each.name for each in described.fields if each.type is not FieldType.FILE]
        chunks = list(org.connector.read(name, plain))
        assert sum(map(len, chunks)) == org.connector.count(name) > 0, name
        assert sum(map(len, org.connector.changed(name, plain, start))) >= (name in MADE), name
        told = cells(chunks[0])
        assert list(told) == plain
        for field, value in MADE.get(name, {}).items():
            wanted = made.get(str(value), value)
            assert told[field][0] == (wanted if field != "StartDateTime" else "2026-03-02T01:00:00.000+0000")
    series = {each.name: each for each in schema["Task"].fields}["RecurrenceActivityId"]
    assert (series.type, series.references) == (FieldType.REFERENCE, ("Task",))
    kinds = {each.name: each.references for each in schema["EventRelation"].fields}
    assert kinds["RelationId"] == ("Contact", "Lead", "User")


def test_occurrences_of_a_series_say_which_record_it_begins_with(org: Org) -> None:
    caller = Caller(org.simulator)
    first = caller.create("Task", Subject="每周", IsRecurrence=True)
    later = [caller.create("Task", Subject="每周", RecurrenceActivityId=first) for _ in range(2)]
    found = org.connector.find("Task", ("RecurrenceActivityId",), [(first,)], ["IsRecurrence"])
    assert (found.keys, cells(found)) == (later, {"IsRecurrence": [False, False]})


def test_links_that_only_some_may_list_are_said_to_be_so(org: Org) -> None:
    def read() -> list[object]:
        return list(org.connector.read("ContentDocumentLink", []))

    assert code_of(read) == code_of(lambda: org.connector.count("ContentDocumentLink")) == "salesforce.by_record_only"
    with pytest.raises(InputError):
        read()
    may = Org(simulator(query_all_files="yes"))
    assert may.connector.count("ContentDocumentLink") == 0
    may.simulator.close()


def test_the_calls_of_a_day_that_are_the_business_s_are_left_to_it() -> None:
    """Also where others have made calls before us."""
    org = Org(simulator(daily_calls=1000))
    caller = Caller(org.simulator)
    for _ in range(5):
        caller.call("GET", "limits")
    connector = connected(org.way, org.clock, Pace(org.clock, narrowed=Narrowed(reserve=980)))

    def spend() -> None:
        for _ in range(1000):
            connector.now()

    with pytest.raises(QuotaSpentError):
        spend()
    assert org.simulator.limits.spent("daily_calls") == 20
    org.simulator.close()
