"""`mapping diff` where the target holds records already: what each side would adopt, hold or make anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from changeover.connectors.secrets import Secrets
from changeover.mappings.compile import load_mapping_files
from changeover.migrate import prepare
from changeover.migrate.mapping.diff import diff

from .company import Company, make_company
from .firms import ONE, NoRoom
from .proving import proving
from .test_mapping_diff import foretold

MORE = ("  zt: {not_equals: test}\n", "  zt: {not_equals: none}\n")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Customers that are in the target already, by tax number or by name; `old/` holds the mappings as they are."""
    company = make_company(tmp_path / "move", chunk=3)
    rows = [("theirs", "TAXDRIFT", "users wrote this"), ("客户NAMED", None, None), ("twin", None, None)]
    company.new("insert into customer (name, tax_no, remark) values (?, ?, ?)", [*rows, ("twin", None, None)])
    company.customer("CHILD", khmc="客户NAMED", sjkh="DRIFT", sh=None, zt="test")
    company.customer("DRIFT")
    company.customer("ZNAMED", khmc="客户NAMED", zt="test")
    company.customer("NEW", zt="test")
    company.customer("TWIN", khmc="twin", sh=None, zt="test")
    shutil.copytree(company.folder / "mappings", company.folder / "old")
    return company


def done(company: Company) -> dict[str, set[str]]:
    """What a run of the old mappings and then of the new ones has made of each customer in the second."""
    shutil.move(company.folder / "mappings", company.folder / "new")
    shutil.copytree(company.folder / "old", company.folder / "mappings")
    company.run()
    shutil.rmtree(company.folder / "mappings")
    shutil.copytree(company.folder / "new", company.folder / "mappings")
    run = company.run().document["run"]
    kinds = company.ledger(
        "select o.kind, r.source_key from batch b join operation o on o.batch = b.id join record r "
        f"on r.object = o.object and r.our_key = o.our_key where b.run = {run} and o.kind <> 'prove'"
    )
    words = {"create": "created", "adopt": "adopted", "update": "updated"}
    told: dict[str, set[str]] = {}
    for kind, key in kinds:
        told.setdefault(words[str(kind)], set()).add(str(key))
    return told


def test_what_is_found_in_the_target_is_adopted_and_what_may_not_be_stays_out(company: Company) -> None:
    """One is taken by another source record by then, one may be either of two."""
    company.rewrite("mappings/customer.yaml", MORE, ("match: [tax_no]", "match: [[tax_no], [name]]"))
    said = company.say("mapping", "diff", "old", "--json")
    assert said.code == 0, said.err
    told = foretold(said)["customer"]
    assert told == {"created": {"NEW"}, "adopted": {"CHILD"}}
    [table] = [each for each in said.document["tables"] if each["title"]["text"] == "records that change"]  # type: ignore[attr-defined]
    assert table["rows"] == [["customer", 1, 1, 0, 0, 0, 0, 0]]
    assert company.new("select count(*) from customer where name = '客户NAMED' and tax_no is null") == [(1,)]
    assert done(company) == told


def test_a_parent_that_the_old_mappings_adopt_is_found_by(company: Company) -> None:
    company.rewrite("mappings/customer.yaml", MORE, ("match: [tax_no]", "match: [[tax_no], [name, parent_id]]"))
    company.new("update customer set parent_id = 1 where name = '客户NAMED'")
    told = foretold(company.say("mapping", "diff", "old", "--json"))["customer"]
    assert told == {"created": {"NEW", "TWIN", "ZNAMED"}, "adopted": {"CHILD"}}
    assert done(company) == told


@pytest.mark.parametrize(
    ("here", "there", "fields"),
    [
        ("{from: khmc, transform: trim}", "{from: khmc, transform: upper}", {"name"}),
        ("remark: {from: bz, write: only_if_empty}", "remark: {from: khmc, write: only_if_empty}", set()),
        ("remark: {from: bz, write: only_if_empty}", "remark: bz", set()),
        ("remark: {from: bz, write: only_if_empty}", "remark: khmc", {"remark"}),
    ],
)
def test_what_the_old_mappings_adopt_changes_by_what_was_there(
    company: Company, here: str, there: str, fields: set[str]
) -> None:
    company.old("update t_customer set khmc = 'lower' where khbh = 'DRIFT'")
    company.rewrite("mappings/customer.yaml", (here, there))
    said = company.say("mapping", "diff", "old", "--json")
    assert foretold(said) == ({"customer": {"updated": {"DRIFT"}}} if fields else {})
    [changed] = [
        [row[1] for row in each["rows"]]
        for each in said.document["tables"]  # type: ignore[attr-defined]
        if each["title"]["text"] == "fields that change"
    ] or [[]]
    assert set(changed) == fields
    assert done(company) == ({"updated": {"DRIFT"}} if fields else {})


def test_what_is_adopted_without_room_for_our_key_is_known_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is adopted in the crosswalk alone, for nothing of it changes."""
    same = {"id": "f6", "name": "旧客户", "parent": None, "chief": None, "tax": "T6", "city": "重庆"}
    rows = {**ONE, "firm": [*ONE["firm"], same]}
    with proving(tmp_path, NoRoom, rows) as world, monkeypatch.context() as patch:
        patch.setattr(prepare, "load_mapping_files", load_mapping_files)
        shutil.copytree(world.folder / "mappings", world.folder / "old")
        file = world.folder / "mappings" / "account.yaml"
        file.write_text(file.read_text("utf-8").replace("city: city\n", "city: name\n"), "utf-8")
        told = diff(
            world.project,
            str(world.folder / "old"),
            None,
            False,
            Secrets(),
            world._target_line.clock,
            lambda _tick: None,
        )
        assert told.extra["records"] == {"account": {"updated": ["f1", "f6"]}}
        assert world.target.record("account", "1")["city"] == "重庆"
