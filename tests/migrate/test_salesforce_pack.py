"""The pack from Salesforce to Fxiaoke: checked, moved, changed on both sides, moved again; and seen in the tenant, not
only in our own reports."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest

from ..connectors.salesforce.callers import Caller
from .global_move import FOLDED, SECRETS, Move, laid, moving

RECORDS = 240
ADOPTED = 3
"""The number of an account that users of the new CRM have entered as well."""
BINNED = {"account": 1, "contact": 1, "opportunity": 1}
THEIRS = [
    {"_id": "6655e4000000000000000001", "name": "健康公司", "tax_no__c": f"9131{ADOPTED:014d}", "tel": "400-1"},
    {"_id": "6655e4000000000000000002", "name": "新系统自己的客户", "owner": ["1001"]},
]
LOOKUPS = {
    "Account": "account__c",
    "Opportunity": "opportunity__c",
    "Contract": "contract__c",
    "Case": "case__c",
    "Checkup_Statement__c": "statement__c",
    "Contact": "contact__c",
    "Lead": "lead__c",
}


@pytest.fixture(scope="module")
def move(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    """Moved once. Before it, somebody has deleted an account with all that hangs on it."""
    folder = tmp_path_factory.mktemp("global") / "move"
    laid(folder, RECORDS)
    rows = folder / "tenant" / "rows" / "AccountObj.jsonl"
    rows.parent.mkdir()
    rows.write_text("".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in THEIRS), "utf-8")
    with pytest.MonkeyPatch.context() as patch, moving(folder) as move:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        org = Caller(move.org.simulator)
        gone = org.create("Account", Name="已删除的客户")
        org.create("Contact", LastName="易", AccountId=gone)
        org.create("Opportunity", Name="x", AccountId=gone, StageName="Prospecting", CloseDate="2026-01-01")
        assert org.call("DELETE", f"sobjects/Account/{gone}")[0] == 204
        yield move


def test_check_has_nothing_to_say_but_what_somebody_must_know(move: Move) -> None:
    told = move.check()
    assert told.code == 0, told.document
    assert {each.text.code for each in told.report.causes} == {
        "people.substituted",  # whose owner has left
        "people.line_ends",  # who left, and has nobody above
        "links.levels",  # how deep the tree of accounts is
        "fxiaoke.sight_unproven",
    }
    read, known = told.document["data_read"], told.document["objects"]
    assert read == RECORDS + sum(BINNED.values())
    assert {each["fate"] for each in known.values()} == {"move", "archive", "leave"}  # type: ignore[attr-defined]


def test_it_is_moved_and_is_there(move: Move) -> None:
    foretold = move.plan().document
    told = move.run()
    assert told.code == 0, told.document["verdict"]
    assert told.document["calls"]["made"] == foretold["calls"]["predicted"]  # type: ignore[index]
    of_source = told.document["source_calls"]["source"]  # type: ignore[index]
    assert of_source["made"] == of_source["predicted"] == foretold["source_calls"]["source"]["predicted"]  # type: ignore[index]
    for name, (source, _) in pairs(move):
        counts, alive = told.counts(name), len(move.alive(source))
        binned = BINNED.get(name, 0)
        assert (counts.pop("read"), counts.pop("filtered", 0)) == (alive + binned, binned), name
        created = {"created": alive}
        assert counts == ({"created": alive - 1, "updated": 1, "adopted": 1} if name == "account" else created), name
    assert len([key for key in move.there("AccountObj") if not key]) == 1, "users' own customer is nobody else's"
    told = move.reconcile()
    assert (told.code, told.document["differences"], told.document["totals_equal"]) == (0, 0, True), told.document


def test_owners_are_who_they_were_or_who_took_over(move: Move) -> None:
    names = {row["Id"]: str(row["Username"]).partition("@")[0] for row in move.org.simulator.rows("User")}
    stands = {"admin": "1000", "yu": "1001", "north": "1002", "tao": "1003", "left": "1002", "gone": "1001"}
    met = Counter[str]()
    for row in move.alive("Account"):
        (there,) = move.there("AccountObj")[row["Id"]]
        name = names[row["OwnerId"]]
        assert json.loads(there["owner"]) == [stands[name]]
        met[name] += 1
    assert met["left"] or met["gone"], "nobody's owner has left"
    queued = 0
    for row in move.alive("Lead"):
        (there,) = move.there("LeadsObj")[row["Id"]]
        pooled = row["OwnerId"] not in names
        assert (there["owner"] is None, there["leads_pool_id"] is not None) == (pooled, pooled)
        queued += pooled
    assert queued, "no lead lies in a queue"


def test_statements_agree_to_the_cent_by_another_way_of_adding(move: Move) -> None:
    """Out of both simulators' own tables."""
    for source, target in (("Checkup_Statement__c", "statement__c"), ("Statement_Line__c", "statement_line__c")):
        cents = sum(row["Amount__c"] for row in move.alive(source))
        there = sum(Decimal(row["amount__c"]) for row in move.tenant.simulator.rows(target))
        assert there * 100 == cents != 0
    created = move.tenant.simulator.calls["/cgi/crm/custom/v2/data/create"]
    alone = (
        len(move.alive("Checkup_Statement__c")) + len(move.alive("Clinic__c")) + len(move.alive("Statement_Line__c"))
    )
    assert created < alone, "no line was made inside of its statement"


def test_activities_are_about_what_they_were_about(move: Move) -> None:
    ids = {
        key: str(rows[0]["_id"]) for _, (_, target) in pairs(move) for key, rows in move.there(target).items() if key
    }
    kinds = {shape.prefix: name for name, shape in move.org.simulator.org.shapes.items()}
    about = Counter[str]()
    for source in ("Task", "Event"):
        for row in move.alive(source):
            (there,) = move.there("ActiveRecordObj")[row["Id"]]
            wanted = {LOOKUPS[kinds[key[:3]]]: ids[key] for key in (row["WhatId"], row["WhoId"]) if key}
            assert {name: there[name] for name in LOOKUPS.values() if there[name]} == wanted
            about.update(kinds[key[:3]] for key in (row["WhatId"], row["WhoId"]) if key)
    assert {*about} >= {"Account", "Opportunity", "Contact", "Lead"}, about


def test_notes_and_comments_are_text_of_their_parents(move: Move) -> None:
    notes = sum(len(move.alive(name)) for name in FOLDED)
    lines = 0
    for name in ("AccountObj", "ContactObj", "NewOpportunityObj", "CasesObj"):
        for row in move.tenant.simulator.rows(name):
            text = f"{row['notes__c'] or ''}{row.get('comments__c') or ''}"
            lines += text.count("客户希望周末体检。\n另需外语报告。") + text.count("已电话回复")
    assert lines == notes > 0


def test_both_sides_are_changed_and_it_is_moved_again(move: Move) -> None:
    org, tenant = Caller(move.org.simulator), move.tenant.simulator
    deal, contact, statement = (
        move.alive(name)[0]["Id"] for name in ("Opportunity", "Contact", "Checkup_Statement__c")
    )
    changes = {"StageName": "Closed Won", "Amount": 10.05, "CurrencyIsoCode": "USD"}
    assert org.call("PATCH", f"sobjects/Opportunity/{deal}", changes)[0] == 204
    assert org.call("PATCH", f"sobjects/Checkup_Statement__c/{statement}", {"Paid__c": 0.01})[0] == 204
    org.create("Note", ParentId=contact, Title="补记", Body="改期")
    org.create("Contact", LastName="Example", FirstName="Ada", AccountId=move.alive("Account")[1]["Id"])
    account, said = move.alive("Account")[1]["Id"], "客户要求开票前电话确认"
    (entered,) = move.there("AccountObj")[account]
    with tenant.tenant.store.whole():  # by a user of the new CRM: the same remark, and an address that nobody maps
        tenant.tenant.store.change("AccountObj", entered["_id"], {"remark": said, "email": "office@client.example"})
    assert org.call("PATCH", f"sobjects/Account/{account}", {"Description": said})[0] == 204
    told = move.run()
    assert told.code == 0, told.document["verdict"]
    written = {
        name: (told.counts(name).get("created", 0), told.counts(name).get("updated", 0)) for name, _ in pairs(move)
    }
    assert {name: each for name, each in written.items() if any(each)} == {
        "account": (0, 1),
        "opportunity": (0, 1),
        "statement": (0, 1),
        "contact": (1, 1),
    }
    (there,) = move.there("NewOpportunityObj")[deal]
    assert (there["sales_stage"], there["amount"], there["mc_currency"]) == ("won", "10.05", "USD")
    assert str(move.there("ContactObj")[contact][0]["notes__c"]).endswith("补记: 改期")
    (there,) = move.there("AccountObj")[account]
    assert (there["remark"], there["email"]) == (said, "office@client.example")
    told = move.reconcile()
    assert (told.code, told.document["differences"], told.document["totals_equal"]) == (0, 0, True), told.document


def pairs(move: Move) -> list[tuple[str, tuple[str, str]]]:
    return [*move.mappings.items()]
