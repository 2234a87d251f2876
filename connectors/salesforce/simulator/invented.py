"""Records of an invented company that examines other companies' employees: as many as wanted, the same for a seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .org import Acting, Org
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
    "Account": 20,
    "Contact": 24,
    "Opportunity": 14,
    "OpportunityContactRole": 8,
    "Checkup_Statement__c": 12,
    "Statement_Line__c": 10,
    "Case": 5,
    "Task": 5,
    "Lead": 2,
}
"""Of a hundred records, how many are of which object; parents first."""
SERVICES = ("Basic Checkup", "Full Checkup", "Imaging", "Blood Panel", "Vaccination")
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation", "Closed Won", "Closed Lost")


@dataclass(slots=True)
class Invention:
    """made: ids so far, by object."""

    chance: random.Random
    today: dt.date
    made: dict[str, list[str]] = field(default_factory=dict)

    def any(self, name: str) -> str:
        return self.chance.choice(self.made[name])

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

    def opportunity(self, number: int) -> dict[str, Any]:
        return {
            "Name": f"{2026 - number % 3}年度体检 {number}",
            "AccountId": self.any("Account"),
            "StageName": self.chance.choice(STAGES),
            "CloseDate": self.day(700),
            "Amount": self.money(500_000),
            "Headcount__c": self.chance.randrange(10, 3000),
        }

    def role(self, number: int) -> dict[str, Any]:
        return {"OpportunityId": self.any("Opportunity"), "ContactId": self.any("Contact"), "Role": "Decision Maker"}

    def statement(self, number: int) -> dict[str, Any]:
        amount = self.chance.randrange(20_000_000)
        return {
            "Account__c": self.any("Account"),
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
            "Subject": f"报告未收到 {number}",
            "Status": "Closed" if number % 3 else "New",
        }

    def task(self, number: int) -> dict[str, Any]:
        return {
            "WhatId": self.any(self.chance.choice(("Account", "Opportunity"))),
            "Subject": "回访",
            "ActivityDate": self.day(90),
        }

    def lead(self, number: int) -> dict[str, Any]:
        return {
            **self.person(),
            "Company": f"咨询单位{number}",
            "Email": f"lead{number}@client.example",
            "Rating": "Warm",
        }

    def makers(self) -> Mapping[str, Callable[[int], dict[str, Any]]]:
        own = (self.account, self.contact, self.opportunity, self.role, self.statement, self.line)
        return dict(zip(SHARES, (*own, self.case, self.task, self.lead), strict=True))


def invented(invention: Invention, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(object, record) of so many, parents first. Who takes them puts their ids into `made`."""
    makers, left = invention.makers(), count
    for name, share in SHARES.items():
        wanted = left if name == "Lead" else min(left, max(1, count * share // 100))
        left -= wanted
        for number in range(wanted):
            yield name, makers[name](number)


def put_in(org: Org, count: int, user: str) -> None:
    """Into an org that holds only objects of ours. Raises RowError where its own describes do not take them."""
    chance = random.Random(f"{org.settings.random_seed}.invented")  # noqa: S311 - no secret
    invention = Invention(chance, org.clock.now().date())
    acting = Acting(user)
    with org.store.whole():
        for name, record in invented(invention, count):
            invention.made.setdefault(name, []).append(insert(org, acting, org.shapes[name], record))
