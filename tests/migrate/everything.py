"""A move that uses the parts of the mapping language all together, in the world of moving.py, and what must come of it,
worked out from the records alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from changeover.connectors.change import Change, Outcome
from changeover.connectors.clock import VirtualClock
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.memory_table import Table
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema

from .firms import _object, _reference, _text
from .moving import LAG, SERVER_MAXIMUM, START, Record, World

OLD, NEW = "https://old.example/", "https://new.example/"
_ID = _text("id", required=True)
_KEY = Field("id", FieldType.TEXT)


def _detail(name: str, to: str) -> Field:
    return Field(name, FieldType.REFERENCE, references=(to,), required=True, master=True)


def _texts(name: str, *fields: str) -> ObjectSchema:
    return _object(name, _ID, *map(_text, fields))


SOURCE = Schema(
    {
        "staff": _texts("staff", "mail"),
        "firm": _texts("firm", "name", "parent", "city", "owner", "team", "size", "note"),
        "deal": _texts("deal", "title", "firm", "memo"),
        "item": _texts("item", "deal", "what", "memo"),
        "member": _texts("member", "firm", "who"),
        "request": _texts("request", "firm", "title", "questions"),
        "reply": _texts("reply", "request", "said"),
        "paper": _texts("paper", "number", "firm", "amount"),
        "slip": _texts("slip", "number", "amount"),
        "visit": _texts("visit", "contract", "said"),
    }
)
TARGET = Schema(
    {
        "user": _object("user", _KEY, _text("mail")),
        "account": _object(
            "account",
            _KEY,
            _text("name", required=True),
            _reference("parent_id", "account"),
            _text("city"),
            _reference("owner_id", "user"),
            _text("team"),
            _text("level"),
            _text("note"),
            _text("kind"),
        ),
        "order": _object(
            "order", _KEY, _text("title"), _reference("account_id", "account", required=True), _text("memo")
        ),
        "line": _object("line", _KEY, _detail("order_id", "order"), _text("what"), _text("memo")),
        "member": _object(
            "member",
            _KEY,
            _reference("account_id", "account", required=True),
            _reference("user_id", "user", required=True),
        ),
        "solution": _object("solution", _KEY, _text("title", required=True), _reference("account_id", "account")),
        "medical": _object("medical", _KEY, _detail("solution_id", "solution"), _text("questions")),
        "reply": _object("reply", _KEY, _reference("solution_id", "solution", required=True), _text("said")),
        "contract": _object(
            "contract",
            _KEY,
            _text("number", required=True, unique=True),
            _reference("account_id", "account"),
            Field("amount", FieldType.DECIMAL, precision=18, scale=2),
            _text("kind"),
        ),
        "visit": _object("visit", _KEY, _reference("contract_id", "contract", required=True), _text("said")),
    }
)
PROJECT = f"""
project: everything
default: mock
environments:
  mock:
    source: {{connector: memory, name: old, file: none, zone: UTC}}
    target: {{connector: memory, name: new, file: none, zone: UTC}}
    record_url: "{NEW}{{object}}/{{key}}"
people:
  source: {{object: staff, email: mail}}
  target: {{object: user, email: mail}}
  match: [email]
  successor: li@example.cn
links:
  - {{address: "{OLD}firm/{{key}}", reference: account}}
  - {{address: "{OLD}deal/{{key}}", reference: order}}
  - {{address: "{OLD}contract/{{key}}", reference: contract}}
"""
CORRECTIONS = "object,key,field,old,new,who,why\nslip,l1,amount,900,901,Zhou Min,read from the slip\n"
MAPPINGS = {
    "account": """
mapping: account
from: firm
to: account
where: {city: {not_equals: test}}
fields:
  name: {from: name, wins: old}
  parent_id: {from: parent, reference: account, outside: null}
  city: city
  owner_id: {from: owner, people: true}
  team: {from: team, people: {separator: ";"}}
  level: {from: size, write: only_if_empty, wins: new}
  note: {from: note, rewrite_links: true, wins: new}
  kind: {constant: real}
stub:
  name: {first: [name, id], default: "?"}
  kind: {constant: stub}
""",
    "order": """
mapping: order
from: deal
to: order
fields:
  title: title
  account_id: {from: firm, reference: account, outside: stub}
  memo: {from: memo, rewrite_links: true}
""",
    "line": """
mapping: line
from: item
to: line
fields:
  order_id: {from: deal, reference: order}
  what: what
  memo: {from: memo, rewrite_links: true}
""",
    "member": """
mapping: member
from: member
to: member
fields:
  account_id: {from: firm, reference: account, outside: skip}
  user_id: {from: who, people: {gone: drop}, outside: skip}
""",
    "request": """
mapping: request
from: request
branches:
  solution:
    to: solution
    fields:
      title: title
      account_id: {from: firm, reference: account, outside: stub}
    stub:
      title: {first: [title, id], default: "?"}
  medical:
    to: medical
    where: {questions: {present: true}}
    fields:
      solution_id: {from: id, reference: request.solution}
      questions: questions
""",
    "reply": """
mapping: reply
from: reply
to: reply
fields:
  solution_id: {from: request, reference: request.solution, outside: stub}
  said: said
""",
    "contract": """
mapping: contract
assemble:
  key: number
  contributors:
    agreed: {from: paper}
    executed: {from: slip}
  required: [agreed]
  fields:
    amount: {prefer: [executed, agreed], differ: ignore}
to: contract
fields:
  number: number
  account_id: {from: agreed.firm, reference: account, outside: null}
  amount: {from: amount, wins: new}
  kind: {constant: real}
stub:
  number: number
  kind: {constant: stub}
""",
    "visit": """
mapping: visit
from: visit
to: visit
fields:
  contract_id: {from: contract, reference: contract, outside: stub}
  said: said
""",
}
Texts = dict[str, str | None]


def _rows(name: str, *rows: tuple[str | None, ...]) -> list[Texts]:
    names = [each.name for each in SOURCE.objects[name].fields]
    return [dict(zip(names, row, strict=True)) for row in rows]


ROWS: Mapping[str, list[Texts]] = {
    "staff": _rows("staff", ("s1", "wang@example.cn"), ("s2", "gone@example.cn"), ("s3", "li@example.cn")),
    "firm": _rows(
        "firm",
        ("f0", "left out", None, "test", "s1", None, "small", None),
        ("f1", "安康", "f2", "北京", "s1", "s2;s3;s1", "big", f"{OLD}firm/f2, {OLD}deal/d1 ({OLD}contract/K3)"),
        ("f2", "百草", None, "沈阳", "s2", None, "small", f"was {OLD}firm/f0, {OLD}firm/f9 {OLD}contract/K1"),
        ("f3", "under one that is left out", "f0", "大连", "s3", "s2", None, f"{OLD}firm/f3/edit"),
    ),
    "deal": _rows(
        "deal",
        ("d1", "first", "f1", f"{OLD}firm/f1"),
        ("d2", "of a stub", "f0", None),
        ("d3", "names itself", "f2", f"{OLD}deal/d3"),
        ("d4", "of a stub of which only the key is known", "f9", f"{OLD}firm/f9"),
    ),
    "item": _rows(
        "item",
        ("i1", "d1", "first", None),
        ("i2", "d2", "an address in a detail", f"{OLD}firm/f2"),
        ("i3", "d2", "one that stays", f"{OLD}firm/f0"),
        ("i4", "d3", "of its own master", f"{OLD}deal/d3"),
        ("i5", "d4", "of what comes later", f"{OLD}contract/K1"),
        ("i6", "d9", "of no deal yet", None),
    ),
    "member": _rows("member", ("m1", "f1", "s1"), ("m2", "f1", "s2"), ("m3", "f0", "s3"), ("m4", "f2", "s3")),
    "request": _rows(
        "request",
        ("r1", "f1", "one", "dose?"),
        ("r2", "f0", "two", None),
        ("r3", "f8", "three", "why?"),
        ("r4", "f1", "four", "when?"),
    ),
    "reply": _rows("reply", ("y1", "r1", "a"), ("y2", "r9", "b")),
    "paper": _rows("paper", ("a1", "K1", "f1", "1.00"), ("a2", "K2", "f0", "2.50")),
    "slip": _rows("slip", ("l1", "K1", "900"), ("l3", "K3", "70")),
    "visit": _rows("visit", ("v1", "K1", "x"), ("v2", "K3", "y"), ("v3", "K9", "z")),
}
"""Firms of which one is left out, one is nowhere; deals, requests, visits of theirs; a contract that lacks a part."""
FOREIGN = {"user": [("u1", "wang@example.cn"), ("u3", "li@example.cn")]}


def went_on(world: World) -> None:
    """It was all moved once, and people went on working in both systems: what was left out or nowhere comes."""
    world.run()
    for name, key, values in (
        ("firm", "f0", {"city": "北京"}),
        ("firm", "f1", {"name": "安康二", "size": "huge"}),
        ("firm", "f2", {"note": f"{OLD}firm/f1"}),
        ("firm", "f3", {"city": "旅顺"}),
        ("deal", "d4", {"memo": f"{OLD}contract/K3"}),
        ("slip", "l1", {"amount": "950"}),
    ):
        world.source.edit(name, key, values, by="somebody")
    for name, row in (
        ("firm", ("f9", "comes", "f1", "长沙", "s1", None, "big", f"{OLD}deal/d9")),
        ("deal", ("d9", "comes", "f3", None)),
        ("paper", ("a3", "K3", "f9", "3.00")),
        ("request", ("r9", "f9", "nine", "who?")),
        ("member", ("m5", "f9", "s1")),
    ):
        world.source.seed(name, _rows(name, row))
    for name, our_key, edited in USERS:
        world.target.edit(name, key_of(our_key), edited, by="a user")
    world.clock.sleep(3600)


USERS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("account", "old:firm:f1", {"name": "他们的", "level": None}),
    ("account", "old:firm:f2", {"note": "call first"}),
    ("account", "old:firm:f3", {"city": "金州"}),
    ("contract", "assembly:contract:K1", {"amount": Decimal("999")}),
)
"""What users edited in the target meanwhile: the first name is written over, the last three stay; of the third record
nothing is written."""


def key_of(our_key: str) -> str:
    return our_key.replace(":", ".").replace("#", ".")


class Named(MemoryConnector):
    """A target whose keys are made of ours, so that the addresses of its records are the same however they came."""

    def _create(self, table: Table, change: Change) -> Outcome:
        named = {"id": key_of(change.our_key), **change.values}
        return super()._create(table, replace(change, values=named))


class Everything(World):
    """That world. limits: of its project."""

    limits = "{chunk: 3, batch: 2}"

    def write(self, ledger: str | None) -> None:
        for name in ("mappings", "corrections"):
            (self.folder / name).mkdir(parents=True)
        text = f"{PROJECT}limits: {self.limits}\n"
        text = text.replace("people:", f'    ledger: "{ledger}"\npeople:', 1) if ledger else text
        (self.folder / "changeover.yaml").write_text(text, "utf-8")
        (self.folder / "corrections" / "slips.csv").write_text(CORRECTIONS, "utf-8")
        for name, mapping in MAPPINGS.items():
            (self.folder / "mappings" / f"{name}.yaml").write_text(mapping, "utf-8")

    def begin(self) -> None:
        self._forget()
        self.clock = VirtualClock(START)
        self.source = MemoryConnector(SOURCE, clock=self.clock, name="old", rows=ROWS)
        self.target = Named(
            TARGET,
            clock=self.clock,
            name="new",
            read_back_lag=LAG,
            server_maximum=SERVER_MAXIMUM,
            details=3,
            answers_details=False,
        )
        self.target.seed("user", [{"id": key, "mail": mail} for key, mail in FOREIGN["user"]])
        self.record = Record()
        self.faults()


# What must come of it


@dataclass
class Wanted:
    """rows: the source's, by object. firms: those that move. contracts: number -> amount."""

    rows: Mapping[str, list[Texts]]
    done: dict[tuple[str, str], dict[str, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.firms = {str(each["id"]) for each in self.rows["firm"] if each["city"] != "test"}
        self.deals = {str(each["id"]) for each in self.rows["deal"]}
        self.numbers = {str(each["number"]) for each in self.rows["paper"]}
        self.requests = {str(each["id"]) for each in self.rows["request"]}
        for name, make in (
            ("firm", self._firms),
            ("deal", self._deals),
            ("member", self._members),
            ("request", self._requests),
            ("paper", self._contracts),
        ):
            for our_key, cells in make(self.rows[name]):
                self.done[our_key] = cells

    def text(self, text: str | None) -> str | None:
        """Addresses of records that have moved become new ones; an address goes on behind its key where `/` stands."""
        places = {
            "firm": (self.firms, "account/old.firm."),
            "deal": (self.deals, "order/old.deal."),
            "contract": (self.numbers, "contract/assembly.contract."),
        }

        def new(found: re.Match[str]) -> str:
            moved, place = places[found[1]]
            return NEW + place + found[2] if found[2] in moved else found[0]

        return text and re.sub(re.escape(OLD) + r"(firm|deal|contract)/(\w+)(?!/|\w)", new, text)

    def person(self, key: str | None) -> str | None:
        return {"s1": "@u1", "s2": "@u3", "s3": "@u3", None: None}[key]

    def firm(self, key: str | None) -> str:
        """Our key; where the firm does not move a stub is to be there."""
        if key not in self.firms:
            name = next((each["name"] for each in self.rows["firm"] if each["id"] == key), key)
            self.done["account", f"old:firm:{key}"] = {"name": name, "kind": "stub"}
        return f"old:firm:{key}"

    def _firms(self, rows: list[Texts]) -> Iterator[tuple[tuple[str, str], dict[str, str | None]]]:
        for each in rows:
            if each["id"] not in self.firms:
                continue
            team = [str(self.person(one))[1:] for one in (each["team"] or "").split(";") if one]
            yield (
                ("account", f"old:firm:{each['id']}"),
                {
                    "name": each["name"],
                    "parent_id": f"old:firm:{each['parent']}" if each["parent"] in self.firms else None,
                    "city": each["city"],
                    "owner_id": self.person(each["owner"]),
                    "team": ";".join(dict.fromkeys(team)) or None,
                    "level": each["size"],
                    "note": self.text(each["note"]),
                    "kind": "real",
                },
            )

    def _deals(self, rows: list[Texts]) -> Iterator[tuple[tuple[str, str], dict[str, str | None]]]:
        for each in rows:
            firm, memo = self.firm(each["firm"]), self.text(each["memo"])
            cells = {"title": each["title"], "account_id": firm, "memo": memo}
            yield ("order", f"old:deal:{each['id']}"), cells
        for each in self.rows["item"]:
            if each["deal"] in self.deals:
                cells = {"order_id": f"old:deal:{each['deal']}", "what": each["what"], "memo": self.text(each["memo"])}
                yield ("line", f"old:item:{each['id']}"), cells

    def _members(self, rows: list[Texts]) -> Iterator[tuple[tuple[str, str], dict[str, str | None]]]:
        for each in rows:
            if each["firm"] in self.firms and each["who"] != "s2":
                cells = {"account_id": f"old:firm:{each['firm']}", "user_id": self.person(each["who"])}
                yield ("member", f"old:member:{each['id']}"), cells

    def _requests(self, rows: list[Texts]) -> Iterator[tuple[tuple[str, str], dict[str, str | None]]]:
        for each in rows:
            solution = f"old:request:{each['id']}#solution"
            yield ("solution", solution), {"title": each["title"], "account_id": self.firm(each["firm"])}
            if each["questions"]:
                cells = {"solution_id": solution, "questions": each["questions"]}
                yield ("medical", f"old:request:{each['id']}#medical"), cells
        for each in self.rows["reply"]:
            solution = f"old:request:{each['request']}#solution"
            if each["request"] not in self.requests:
                yield ("solution", solution), {"title": each["request"]}
            yield ("reply", f"old:reply:{each['id']}"), {"solution_id": solution, "said": each["said"]}

    def _contracts(self, rows: list[Texts]) -> Iterator[tuple[tuple[str, str], dict[str, str | None]]]:
        executed = {each["number"]: "901" if each["amount"] == "900" else each["amount"] for each in self.rows["slip"]}
        for each in rows:
            firm = f"old:firm:{each['firm']}" if each["firm"] in self.firms else None
            amount = Decimal(str(executed.get(each["number"]) or each["amount"]))
            cells = {"number": each["number"], "account_id": firm, "amount": f"{amount:.2f}", "kind": "real"}
            yield ("contract", f"assembly:contract:{each['number']}"), cells
        for each in self.rows["visit"]:
            our_key = f"assembly:contract:{each['contract']}"
            if each["contract"] not in self.numbers:
                yield ("contract", our_key), {"number": each["contract"], "kind": "stub"}
            yield ("visit", f"old:visit:{each['id']}"), {"contract_id": our_key, "said": each["said"]}


def wanted(world: World) -> dict[tuple[str, str], dict[str, str | None]]:
    """(object, our key) -> cells that are not empty, of all that the source's records of now come to."""
    rows = {
        name: [{field: cell and str(cell) for field, cell in each.values.items()} for each in table.records.values()]
        for name, table in world.source._tables.items()
    }
    return {key: {name: cell for name, cell in cells.items() if cell} for key, cells in Wanted(rows).done.items()}
