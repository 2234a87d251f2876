"""A company whose requests become several records each: SQLite to SQLite, with children that refer to either branch."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .company import Company

LEGACY = """
create table t_client (code text primary key, name text, contact text, city text);
create table t_request (num text primary key, client text, title text, questions text, status text, test text);
create table t_reply (id integer primary key, request text, kind text, said text);
"""
TARGET = """
create table party (id integer primary key autoincrement, kind varchar(10) not null, name varchar(20) not null,
                    company_id integer references party (id), city varchar(20));
create table solution_request (id integer primary key autoincrement, client_id integer not null references party (id),
                               title varchar(40) not null, state varchar(10) check (state in ('new', 'done')));
create table medical_request (id integer primary key autoincrement,
                              request_id integer not null references solution_request (id),
                              questions varchar(40) not null, state varchar(10));
create table reply (id integer primary key autoincrement, request_id integer not null references solution_request (id),
                    said varchar(40));
create table medical_reply (id integer primary key autoincrement,
                            medical_id integer not null references medical_request (id), said varchar(40));
"""
PROJECT = """
project: branching
default: mock
environments:
  mock:
    source: {connector: sql, name: legacy, url: "sqlite:///legacy.db"}
    target: {connector: sql, name: crm, url: "sqlite:///crm.db"}
limits: {chunk: 3, batch: 20}
"""
CLIENT = """
mapping: client
from: t_client
fields:
  city: city
branches:
  company:
    to: party
    match: [name]
    fields:
      kind: {constant: company}
      name: name
  person:
    to: party
    where:
      contact: {present: true}
    fields:
      kind: {constant: person}
      name: contact
      company_id: {from: code, reference: client.company}
"""
REQUEST = """
mapping: request
from: t_request
where:
  test: {present: false}
branches:
  solution:
    to: solution_request
    where:
      status: {in: [new, done]}
    fields:
      client_id: {from: client, reference: client.company}
      title: title
      state: status
  medical:
    to: medical_request
    where:
      status: {in: [new, done]}
      questions: {present: true}
    fields:
      request_id: {from: num, reference: request.solution}
      questions: questions
      state: status
"""
REPLY = """
mapping: reply
from: t_reply
fields:
  said: said
branches:
  general:
    to: reply
    where: {kind: {equals: general}}
    fields:
      request_id: {from: request, reference: request.solution}
  medical:
    to: medical_reply
    where: {kind: {equals: medical}}
    fields:
      medical_id: {from: request, reference: request.medical}
"""
MAPPINGS = {"client": CLIENT, "request": REQUEST, "reply": REPLY}
OBJECTS = ("party", "solution_request", "medical_request", "reply", "medical_reply")


def make_branching(folder: Path) -> Company:
    """Two clients, one with a contact; four requests, of which two have medical questions, one is a test and one nobody
    takes; replies to both kinds."""
    (folder / "mappings").mkdir(parents=True)
    company = Company(folder)
    for path, script in ((company.legacy, LEGACY), (company.crm, TARGET)):
        database = sqlite3.connect(path)
        database.executescript(script)
        database.close()
    (folder / "changeover.yaml").write_text(PROJECT, encoding="utf-8")
    for name, text in MAPPINGS.items():
        (folder / "mappings" / f"{name}.yaml").write_text(text, encoding="utf-8")
    company.old(
        "insert into t_client values (?, ?, ?, ?)", [("C1", "安康", "王芳", "沈阳"), ("C2", "百草", None, "大连")]
    )
    company.old(
        "insert into t_request values (?, ?, ?, ?, ?, ?)",
        [
            ("R1", "C1", "one", "dose?", "new", None),
            ("R2", "C1", "two", None, "done", None),
            ("R3", "C2", "three", "why?", "new", None),
            ("R4", "C2", "four", None, "lost", None),
            ("R5", "C2", "five", "x", "lost", "yes"),
        ],
    )
    company.old(
        "insert into t_reply values (?, ?, ?, ?)",
        [(1, "R1", "general", "a"), (2, "R1", "medical", "b"), (3, "R3", "medical", "c"), (4, "R2", "general", "d")],
    )
    return company


def held(company: Company) -> dict[str, int]:
    """Target object -> records."""
    return {name: int(str(company.new(f"select count(*) from {name}")[0][0])) for name in OBJECTS}


def asked(company: Company, sql: str) -> list[tuple[object, ...]]:
    return sorted(company.new(sql))


BOTH = """mapping: both
assemble:
  key: num
  contributors:
    req: {from: t_request}
    rep: {from: t_reply, key: request, several: {first: id}}
  required: [req]
fields: {title: req.title}
branches:
  one:
    to: merged
    where: {req.status: {in: [new, done]}}
  two:
    to: remark
    where: {rep: {equals: true}}
    fields: {said: rep.said, merged_id: {from: num, reference: both.one}}
"""


def put_together_first(company: Company) -> None:
    """Only one mapping: a request and its first reply become one record, and that becomes two."""
    for name in MAPPINGS:
        (company.folder / "mappings" / f"{name}.yaml").unlink()
    company.new("create table merged (id integer primary key, title varchar(40))")
    company.new(
        "create table remark (id integer primary key, title varchar(40), said varchar(40), "
        "merged_id integer not null references merged (id))"
    )
    (company.folder / "mappings" / "both.yaml").write_text(BOTH, encoding="utf-8")
