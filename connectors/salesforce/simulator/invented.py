"""Records of an invented company that examines other companies' employees: as many as wanted, the same for a seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...simulating.tables import Row
from .org import Acting, Org
from .shapes import ObjectShape
from .writing import insert

PLACES = {"East": (("Shanghai", "上海"), ("Hangzhou", "杭州")), "North": (("Beijing", "北京"), ("Shenyang", "沈阳"))}
TRADES = (
    ("机械", "Manufacturing"),
    ("软件", "Technology"),
    ("银行", "Finance"),
    ("学校", "Education"),
    ("能源", "Energy"),
)
FIRSTS = ("安", "宏", "瑞", "华", "盛", "恒", "嘉", "远", "明", "泰")
SURNAMES = ("何", "于", "秦", "陶", "方", "孟", "石", "易", "戴", "姜")
GIVEN = ("静", "海", "岚", "宁", "蓉", "博", "雪", "航", "莉", "晨")
SHARES = {
    "Account": 18,
    "Clinic__c": 1,
    "Contact": 20,
    "Lead": 3,
    "Campaign": 1,
    "Contract": 4,
    "Opportunity": 12,
    "OpportunityContactRole": 8,
    "Case": 4,
    "CaseComment": 1,
    "Checkup_Statement__c": 9,
    "Statement_Line__c": 10,
    "CampaignMember": 2,
    "Task": 4,
    "Event": 2,
    "Note": 1,
}
"""Of a hundred records, how many are of which object; parents first."""
SERVICES = ("Basic Checkup", "Full Checkup", "Imaging", "Blood Panel", "Vaccination")
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
DAYS, LEFT = 900, 0.05
"""For how long the company has kept records; the share of them that people made who have left."""


@dataclass(slots=True)
class Invention:
    """owners: (id, active) of everybody. queues, types: ids of an object's queues and record types. made: ids of its
    records so far."""

    chance: random.Random
    today: dt.date
    owners: Sequence[tuple[str, bool]] = ()
    queues: Mapping[str, Sequence[str]] = field(default_factory=dict)
    types: Mapping[str, Sequence[str]] = field(default_factory=dict)
    made: dict[str, list[str]] = field(default_factory=dict)

    def any(self, name: str) -> str:
        return self.chance.choice(self.made[name])

    def owner(self, name: str) -> str | None:
        """Of a new record. Every fourth is a queue's, where there is one; nobody of those who left is given any."""
        queues = self.queues.get(name)
        if queues and len(self.made.get(name, ())) % 4 == 1:
            return self.chance.choice(queues)
        active = [each for each, is_active in self.owners if is_active]
        return self.chance.choice(active) if active else None

    def type(self, name: str) -> str | None:
        types = self.types.get(name)
        return self.chance.choice(types) if types else None

    def day(self, days: int) -> str:
        return (self.today - dt.timedelta(days=self.chance.randrange(days))).isoformat()

    def person(self) -> dict[str, str]:
        return {
            "LastName": self.chance.choice(SURNAMES),
            "FirstName": self.chance.choice(GIVEN) + self.chance.choice(GIVEN),
        }

    def money(self, most: int) -> str:
        return f"{self.chance.randrange(most)}.{self.chance.randrange(100):02d}"

    # Objects

    def account(self, number: int) -> dict[str, Any]:
        region = self.chance.choice(list(PLACES))
        city, chinese = self.chance.choice(PLACES[region])
        trade, industry = self.chance.choice(TRADES)
        name = f"{chinese}{self.chance.choice(FIRSTS)}{self.chance.choice(FIRSTS)}{trade}{number}"
        parent = self.any("Account") if self.made.get("Account") and self.chance.random() < 0.1 else None
        return {
            "Name": name,
            "RecordTypeId": self.type("Account"),
            "Type": self.chance.choice(("Prospect", "Customer", "Customer", "Partner")),
            "Tax_Number__c": f"9131{number:014d}",
            "ParentId": parent,
            "Region__c": region,
            "City__c": city,
            "Industry": industry,
            "BillingCity": chinese,
            "BillingStreet": f"健康路{number % 900 + 1}号",
            "Phone": f"021-5550{number % 10_000:04d}",
            "NumberOfEmployees": self.chance.randrange(20, 5000),
            "Credit_Limit__c": self.money(1_000_000),
            "Services__c": "Checkup;Clinic" if number % 3 else None,
            "Contract_Signed__c": self.day(900) if number % 4 else None,
        }

    def contact(self, number: int) -> dict[str, Any]:
        return {
            **self.person(),
            "AccountId": self.any("Account"),
            "Email": f"contact{number}@client.example" if number % 7 else None,
            "MobilePhone": f"1390000{number % 10_000:04d}",
            "Title": self.chance.choice(("人事经理", "行政主管", "财务", None)),
        }

    def clinic(self, number: int) -> dict[str, Any]:
        return {
            "Name": f"沐安体检中心{number + 1}",
            "Code__c": f"CL{number:05d}",
            "Account__c": self.any("Account"),
            "Licence_Until__c": f"{self.today.year + number % 4}-12-31",
            "Beds__c": self.chance.randrange(5, 80),
        }

    def campaign(self, number: int) -> dict[str, Any]:
        return {
            "Name": f"健康日 {number + 1}",
            "Type": "Health Day",
            "Status": self.chance.choice(("Planned", "In Progress", "Completed")),
            "StartDate": self.day(400),
            "BudgetedCost": self.money(50_000),
        }

    def contract(self, number: int) -> dict[str, Any]:
        return {
            "AccountId": self.any("Account"),
            "Status": self.chance.choice(("Draft", "Activated", "Activated")),
            "StartDate": self.day(800),
            "ContractTerm": self.chance.choice((12, 24, 36)),
            "CustomerSignedId": self.any("Contact"),
        }

    def opportunity(self, number: int) -> dict[str, Any]:
        return {
            "Name": f"{2026 - number % 3}年度体检 {number}",
            "AccountId": self.any("Account"),
            "StageName": self.chance.choice(STAGES),
            "CloseDate": self.day(700),
            "Amount": self.money(500_000),
            "Headcount__c": self.chance.randrange(10, 3000),
            "ContractId": self.any("Contract") if number % 5 == 0 else None,
            "CampaignId": self.any("Campaign") if number % 9 == 0 else None,
        }

    def role(self, number: int) -> dict[str, Any]:
        return {"OpportunityId": self.any("Opportunity"), "ContactId": self.any("Contact"), "Role": "Decision Maker"}

    def statement(self, number: int) -> dict[str, Any]:
        amount = self.chance.randrange(20_000_000)
        return {
            "Account__c": self.any("Account"),
            "Clinic__c": self.any("Clinic__c"),
            "Period__c": self.day(700)[:7],
            "External_Number__c": f"KT{number:08d}",
            "Amount__c": f"{amount // 100}.{amount % 100:02d}",
            "Paid__c": f"{amount // 200}.00",
            "Status__c": self.chance.choice(("Draft", "Sent", "Confirmed", "Paid", "Disputed")),
            "Heads__c": self.chance.randrange(1, 900),
        }

    def line(self, number: int) -> dict[str, Any]:
        heads = self.chance.randrange(1, 300)
        service = self.chance.choice(SERVICES)
        return {
            "Statement__c": self.any("Checkup_Statement__c"),
            "Service__c": service,
            "Heads__c": heads,
            "Amount__c": heads * 150,
        }

    def case(self, number: int) -> dict[str, Any]:
        return {
            "AccountId": self.any("Account"),
            "RecordTypeId": self.type("Case"),
            "ContactId": self.any("Contact"),
            "Subject": f"报告未收到 {number}",
            "Status": "Closed" if number % 3 else "New",
        }

    def comment(self, number: int) -> dict[str, Any]:
        return {"ParentId": self.any("Case"), "CommentBody": f"已电话回复，第 {number + 1} 次"}

    def task(self, number: int) -> dict[str, Any]:
        return {
            "WhatId": self.any(self.chance.choice(("Account", "Opportunity", "Case", "Checkup_Statement__c"))),
            "WhoId": self.any(self.chance.choice(("Contact", "Lead"))) if number % 3 == 0 else None,
            "Subject": "回访",
            "ActivityDate": self.day(90),
            "Status": self.chance.choice(("Not Started", "Completed", "Completed")),
        }

    def event(self, number: int) -> dict[str, Any]:
        return {
            "WhatId": self.any(self.chance.choice(("Account", "Opportunity", "Contract"))),
            "WhoId": self.any("Contact"),
            "Subject": "上门拜访",
            "Location": "客户处",
            "StartDateTime": f"{self.day(300)}T02:30:00.000Z",
            "DurationInMinutes": 60,
        }

    def member(self, number: int) -> dict[str, Any]:
        whom = "LeadId" if number % 2 else "ContactId"
        return {
            "CampaignId": self.any("Campaign"),
            whom: self.any(whom.removesuffix("Id")),
            "Status": self.chance.choice(("Sent", "Responded")),
        }

    def note(self, number: int) -> dict[str, Any]:
        return {
            "ParentId": self.any(self.chance.choice(("Account", "Contact", "Opportunity"))),
            "Title": f"备忘 {number + 1}",
            "Body": "客户希望周末体检。\n另需外语报告。",
        }

    def lead(self, number: int) -> dict[str, Any]:
        return {
            **self.person(),
            "Company": f"咨询单位{number}",
            "Email": f"lead{number}@client.example",
            "Rating": "Warm",
        }

    def makers(self) -> Mapping[str, Callable[[int], dict[str, Any]]]:
        sales = (self.account, self.clinic, self.contact, self.lead, self.campaign, self.contract, self.opportunity)
        service = (self.role, self.case, self.comment, self.statement, self.line)
        return dict(zip(SHARES, (*sales, *service, self.member, self.task, self.event, self.note), strict=True))


def invented(invention: Invention, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(object, record) of so many, parents first. Who takes them puts their ids into `made`."""
    makers, left = invention.makers(), count
    (*_, last) = SHARES
    for name, share in SHARES.items():
        wanted = left if name == last else min(left, max(1, count * share // 100))
        left -= wanted
        for number in range(wanted):
            yield name, makers[name](number)


def put_in(org: Org, count: int, user: str) -> None:
    """Into an org that holds only objects of ours. Raises RowError where its own describes do not take them."""
    chance = random.Random(f"{org.settings.random_seed}.invented")  # noqa: S311 - no secret
    invention = Invention(chance, org.clock.now().date(), _owners(org), _queues(org), _types(org))
    acting = Acting(user)
    with org.store.whole():
        for name, record in invented(invention, count):
            shape = org.shapes[name]
            if shape.has("OwnerId"):
                record["OwnerId"] = invention.owner(name)
            row_id = insert(org, acting, shape, record)
            invention.made.setdefault(name, []).append(row_id)
            org.store.change(name, row_id, _long_ago(invention, shape))


def _long_ago(invention: Invention, shape: ObjectShape) -> Row:
    """Who made a record, and when. What somebody made who left is theirs still."""
    left = [each for each, is_active in invention.owners if not is_active]
    active = [each for each, is_active in invention.owners if is_active]
    gone = bool(left) and invention.chance.random() < LEFT
    maker = invention.chance.choice(left if gone else active)
    made: Row = {"CreatedById": maker, "CreatedDate": f"{invention.day(DAYS)}T03:04:05.000"}
    if gone and shape.has("OwnerId"):
        made["OwnerId"] = maker
    return {name: cell for name, cell in made.items() if shape.has(name)}


def _owners(org: Org) -> list[tuple[str, bool]]:
    return [(str(row["Id"]), bool(row["IsActive"])) for row in org.store.rows("User", rest='ORDER BY "Id"')]


def _queues(org: Org) -> dict[str, list[str]]:
    queues: dict[str, list[str]] = {}
    for row in org.store.rows("QueueSobject", rest='ORDER BY "Id"'):
        queues.setdefault(str(row["SobjectType"]), []).append(str(row["QueueId"]))
    return queues


def _types(org: Org) -> dict[str, list[str]]:
    types: dict[str, list[str]] = {}
    for row in org.store.rows("RecordType", '"IsActive" = 1', rest='ORDER BY "Id"'):
        types.setdefault(str(row["SobjectType"]), []).append(str(row["Id"]))
    return types
