"""What `mapping diff` foretells is what a run of the old mappings and then of the new ones does."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from .company import Company, Said, make_company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Every kind of record, in both systems' words; `old/` holds the mappings as they are."""
    company = make_company(tmp_path / "move")
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]\n", ""))
    company.customer("A", khmc="甲", bz="note")
    company.customer("B", khmc=" 乙 ", je="7.1")
    company.customer("BAD", rq="2023-02-30", sjkh="A")
    company.customer("CHILD", sjkh="BAD")
    company.customer("GONE", zt="closed")
    company.customer("LONG", khmc="x" * 41)
    company.customer("PLAIN", khmc="p", bz=None)
    company.customer("TEST", zt="test")
    company.customer("ORPHAN", sjkh="NOBODY")
    for number, customer in enumerate(("A", "BAD", "GONE", "TEST", "LONG"), 1):
        company.order(number, customer, zt="赢单" if number % 2 else "进行中")
    shutil.copytree(company.folder / "mappings", company.folder / "old")
    return company


def written(company: Company, run: int) -> dict[str, dict[str, set[str]]]:
    """What a run really wrote, by mapping and kind: source keys; asked of its ledger."""
    told: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    rows = company.ledger(
        "select r.mapping, o.kind, r.source_key from batch b join operation o on o.batch = b.id join record r "
        f"on r.object = o.object and r.our_key = o.our_key where b.run = {run} and o.kind in ('create', 'update') "
        "order by b.id"
    )
    first: dict[tuple[str, str], str] = {}
    for mapping, kind, key in rows:
        first.setdefault((str(mapping), str(key)), str(kind))
    for (mapping, key), kind in first.items():
        told[mapping][f"{kind}d"].add(key)
    return told


def foretold(said: Said) -> dict[str, dict[str, set[str]]]:
    records = said.document["records"]
    assert isinstance(records, dict)
    return {name: {state: set(keys) for state, keys in states.items()} for name, states in records.items()}


CHANGES = {
    "values": [
        ("customer", "name: {from: khmc, transform: trim}", "name: khmc"),
        ("customer", "{from: bz, write", "{from: khmc, write"),
        ("order", '"赢单": won', '"赢单": open'),
    ],
    "only at creation": [("customer", "{constant: legacy}", "{constant: moved, write: only_create}")],
    "more records, and what they release": [
        ("customer", "not_equals: test", "not_equals: none"),
        ("customer", "  opened_on: rq\n", ""),
        ("customer", "  revenue: je\n", "  revenue: je\n  modified_by: bz\n"),
    ],
    "less": [
        ("customer", "not_equals: test", "not_equals: closed"),
        ("customer", "name: {from: khmc, transform: trim}", "name: bz"),
        ("order", '"赢单": won', '"丢单": won'),
    ],
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_foretold_is_what_is_written(company: Company, name: str) -> None:
    for mapping, here, there in CHANGES[name]:
        company.rewrite(f"mappings/{mapping}.yaml", (here, there))
    said = company.say("mapping", "diff", "old", "--json")
    assert said.code == 0, said.err
    told = foretold(said)
    new = company.folder / "new"
    shutil.move(company.folder / "mappings", new)
    shutil.copytree(company.folder / "old", company.folder / "mappings")
    first = company.run()
    shutil.rmtree(company.folder / "mappings")
    shutil.copytree(new, company.folder / "mappings")
    second = company.run()
    done = written(company, int(str(second.document["run"])))
    for mapping in ("customer", "order"):
        states = told.get(mapping, {})
        assert {kind: states.get(kind, set()) for kind in ("created", "updated")} == {
            kind: done[mapping][kind] for kind in ("created", "updated")
        }
    assert first.code == 1
    if name == "less":
        assert told["customer"]["filtered"] == {"GONE"}
        assert told["customer"]["rejected"] == {"B", "PLAIN"}
        assert told["order"]["rejected"] == {"1", "3"}


def test_it_says_how_many_in_which_fields_and_shows_some(company: Company) -> None:
    """Masked, unless asked for; between any two folders, and with corrections on both sides."""
    company.rewrite("mappings/customer.yaml", ("transform: trim", "transform: upper"))
    (company.folder / "corrections").mkdir()
    lines = "object,key,field,old,new,who,why\nt_customer,PLAIN,khmc,p,corrected,Zhou,called\n"
    (company.folder / "corrections" / "c.csv").write_text(lines)
    said = company.say("mapping", "diff", "old", "--json")
    assert foretold(said) == {"customer": {"updated": {"B", "PLAIN"}}}
    tables = {table["title"]["text"]: table["rows"] for table in said.document["tables"]}  # type: ignore[attr-defined]
    assert ["customer", "name", 2] in tables["fields that change"]
    assert ["customer", "name", "PLAIN", "cxxxxxxxx", "Cxxxxxxxx"] in tables["some of them, from old to new"]
    said = company.say("mapping", "diff", "mappings", "old", "--show-values")
    assert (said.code, "CORRECTED" in said.out) == (0, True)
    assert "same records to the same values" in company.say("mapping", "diff", "old", "old").out
    assert company.ledger("select count(*) from run") == [(0,)]
    assert company.new("select count(*) from customer") == [(0,)]


def test_against_a_revision_of_the_project(company: Company) -> None:
    for words in (
        ("init", "-q"),
        ("add", "mappings"),
        ("-c", "user.name=Li", "-c", "user.email=li@new.example", "commit", "-qm", "first"),
    ):
        subprocess.run(["git", *words], cwd=company.folder, check=True)
    company.rewrite("mappings/customer.yaml", ("constant: legacy", "constant: moved"))
    updated = foretold(company.say("mapping", "diff", "HEAD", "--json"))["customer"]["updated"]
    assert updated == {"A", "B", "GONE", "PLAIN"}
    for name in ("nothing", "--help-me", "HEAD:mappings"):
        said = company.say("mapping", "diff", "--json", "--", name)
        assert (said.code, said.document["error"]["code"]) == (2, "diff.no_side")  # type: ignore[index]
