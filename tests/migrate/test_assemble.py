"""Records of three systems that become one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .contracts import CONTRACT
from .three import ThreeSystems, make_three

ROWS = "select contract_no, title, discount, agreed, amount, signed_on, on_paper from contract order by contract_no"


@pytest.fixture
def company(tmp_path: Path) -> ThreeSystems:
    return make_three(tmp_path / "three", CONTRACT)


def test_three_records_become_one_by_the_real_command(company: ThreeSystems) -> None:
    """Run, changed on every side, run again, reconciled to zero, undone."""
    checked = company.say("check")
    assert checked.code == 0, checked.err
    assert "neither mapped nor dropped" not in checked.out
    done = company.say("run", "--execute", "--json")
    assert done.code == 0, done.out
    assert done.counts("contract") == {"read": 4, "created": 3, "filtered": 1}
    assert company.new(ROWS) == [
        ("C-1", "First", 0.1, 0.1, 900, "2024-01-06", "true"),
        ("C-2", "Second", 0.25, 0.2, 500, "2024-02-05", "false"),
        ("C-3", "Third", 0.3, 0.3, None, "2024-03-03", "true"),
    ]
    assert company.say("reconcile").code == 0
    company.of("approval", "update contract set title = 'Erste' where contract_no = 'C-1'")
    company.of("erp", "update order_slip set amount = 501 where slip_contract = 'C-2'")
    company.of("oa", "update approval set remark = 'seen' where form_id = 'F3'")
    for changed in ("C-1", "C-2", "C-3"):
        assert company.say("explain", f"assembly.contract:{changed}").code == 0
    again = company.say("run", "--execute", "--json")
    assert again.counts("contract") == {"read": 4, "updated": 3, "filtered": 1}
    assert company.new("select title, amount, remark from contract order by contract_no") == [
        ("Erste", 900, "paper"),
        ("Second", 501, None),
        ("Third", None, "seen"),
    ]
    assert company.say("reconcile").code == 0
    assert company.say("undo", "2", "--execute").code == 0
    assert company.say("undo", "1", "--execute").code == 0
    assert company.new("select count(*) from contract") == [(0,)]


def test_one_side_changes_and_one_record_is_updated(company: ThreeSystems) -> None:
    assert company.run().code == 0
    company.of("oa", "update approval set signed_at = '2024-01-07' where form_id = 'F1'")
    assert company.run().counts("contract") == {"read": 4, "updated": 1, "unchanged": 2, "filtered": 1}
    assert company.new("select signed_on from contract where contract_no = 'C-1'") == [("2024-01-07",)]


def test_what_is_noticed_is_told(company: ThreeSystems) -> None:
    told = company.run()
    causes = {(each.text.code, *each.text.params.values()): each for each in told.report.causes}
    differ = causes["assembly.differ", "executed", "discount", "agreed"]
    assert (differ.keys, differ.count, differ.severity) == (("C-2",), 1, "warns")
    assert differ.line == CONTRACT.split("discount:")[0].count("\n") + 1
    assert causes["assembly.required_missing", "agreed"].keys == ("C-9",)
    assert causes["assembly.no_key", "office", 1].count == 1
    read = {key[1]: key[2:] for key in causes if key[0] == "assembly.read"}
    assert read == {"agreed": (4, 1), "executed": (4, 1), "office": (3, 0)}


def test_a_record_is_explained_by_all_that_it_is_made_of(company: ThreeSystems) -> None:
    assert company.run().code == 0
    told = company.explain("assembly.contract:C-1", show_values=True)
    assert told.document["our_key"] == "assembly:contract:C-1"
    assert [row[:3] for row in told.table("table.made_of")] == [
        ("agreed", "approval.contract", "1"),
        ("executed", "erp.order_slip", "1"),
        ("office", "oa.approval", "F1"),
    ]
    fields = {row[0]: row[2] for row in told.table("table.fields")}
    assert (fields["discount"], fields["remark"]) == ("0.1", "paper")
    missing = company.explain("assembly.contract:C-9")
    assert missing.verdict == "explain.filtered"
    assert [row[:3] for row in missing.table("table.made_of")] == [("executed", "erp.order_slip", "3")]


def test_the_ledger_knows_each_part_with_its_role(company: ThreeSystems) -> None:
    assert company.run().code == 0
    parts = (
        "select role, source_object, source_key from contribution where our_key = 'assembly:contract:C-2' order by 1"
    )
    assert company.ledger(parts) == [("agreed", "approval.contract", "2"), ("executed", "erp.order_slip", "2")]
    walk = json.loads(company.say("crosswalk", "contract", "--json").out)
    lines = [(each["role"], each["source_object"], each["source_key"], each["state"]) for each in walk]
    assert lines[4:7] == [
        ("", "assembly.contract", "C-2", "live"),
        ("agreed", "approval.contract", "2", "live"),
        ("executed", "erp.order_slip", "2", "live"),
    ]
    assert {each["our_key"] for each in json.loads(company.say("crosswalk", "oa.approval", "--json").out)} == {
        "assembly:contract:C-1",
        "assembly:contract:C-3",
    }
    company.of("erp", "update order_slip set void = 1 where id = 2")
    assert company.run().counts("contract")["updated"] == 1
    assert company.ledger(parts) == [("agreed", "approval.contract", "2")]


def test_chosen_records_are_put_together_from_all_systems(company: ThreeSystems) -> None:
    told = company.run("assembly.contract:C-1")
    assert told.counts("contract") == {"read": 1, "created": 1}
    assert company.new(ROWS) == [("C-1", "First", 0.1, 0.1, 900, "2024-01-06", "true")]
    assert company.new("select name from customer") == [("Alpha",)]


def test_children_are_found_by_the_field_of_one_contributor(company: ThreeSystems) -> None:
    told = company.run("erp.customer:K1", children=True)
    assert told.counts("contract") == {"read": 2, "created": 2}


def test_other_records_refer_to_what_was_put_together(company: ThreeSystems) -> None:
    company.new(
        "create table visit (id integer primary key autoincrement, contract_id integer references contract (id))"
    )
    company.of("oa", "create table visit (id integer primary key, nr text)")
    company.of("oa", "insert into visit values (1, 'C-3'), (2, 'C-9')")
    text = "mapping: visit\nfrom: oa.visit\nto: visit\nfields:\n  contract_id: {from: nr, reference: contract}\n"
    (company.folder / "mappings" / "visit.yaml").write_text(text, encoding="utf-8")
    assert company.run().counts("visit") == {"read": 2, "created": 1, "held": 1}


def test_a_record_waits_where_a_contributor_has_two_of_them(company: ThreeSystems) -> None:
    company.of("oa", "insert into approval values ('F9', 'C-1', '2024-09-09', 'twice')")
    assert company.run().counts("contract") == {"read": 4, "created": 2, "held": 1, "filtered": 1}
    assert company.reconcile().verdict == "reconcile.equal"
    company.of("oa", "delete from approval where form_id = 'F1'")
    told = company.run(rejected=True)
    assert told.counts("contract") == {"read": 1, "created": 1}
    assert company.new("select remark from contract where contract_no = 'C-1'") == [("twice",)]


@pytest.mark.parametrize(("order", "remark"), [("first: signed_at", "paper"), ("last: signed_at", "twice")])
def test_the_first_or_last_of_several_is_taken(company: ThreeSystems, order: str, remark: str) -> None:
    company.of("oa", "insert into approval values ('F0', 'C-1', '2024-09-09', 'twice')")
    company.rewrite("mappings/contract.yaml", ("transform: trim}", f"transform: trim, several: {{{order}}}}}"))
    told = company.run()
    assert told.counts("contract") == {"read": 4, "created": 3, "filtered": 1}
    assert company.new("select remark from contract where contract_no = 'C-1'") == [(remark,)]
    assert "assembly.one_of_several" in {each.text.code for each in told.report.causes}


def test_a_disagreement_can_hold_the_record(company: ThreeSystems) -> None:
    company.rewrite("mappings/contract.yaml", ("executed: slip_disc}}", "executed: slip_disc}, differ: holds}"))
    assert company.run().counts("contract") == {"read": 4, "created": 2, "held": 1, "filtered": 1}
    company.of("erp", "update order_slip set slip_disc = 0.2 where id = 2")
    assert company.run().counts("contract") == {"read": 4, "created": 1, "unchanged": 2, "filtered": 1}


def test_a_wrong_contributor_is_told_before_anything_is_read(company: ThreeSystems) -> None:
    company.rewrite("mappings/contract.yaml", ("from: oa.approval, key: form_no", "from: oa.approval, key: form_nr"))
    said = company.say("check")
    assert said.code == 2
    assert "contract.yaml:8: oa.approval has no field form_nr in the source. Nearest: form_no" in said.err


def test_what_was_put_together_may_become_several(company: ThreeSystems) -> None:
    """N -> 1 -> N: who signed on paper gets a second record."""
    head, fields = CONTRACT.split("to: contract\n")
    fields, drop = fields.split("drop:")
    branch = "    to: contract\n" + "".join(f"    {line}\n" for line in fields.splitlines())
    paper = branch.replace("    fields:", "    where: {office: {equals: true}}\n    fields:")
    text = f"{head}branches:\n  plain:\n{branch}  paper:\n{paper}drop:{drop}"
    (company.folder / "mappings" / "contract.yaml").write_text(text, encoding="utf-8")
    told = company.run()
    assert told.code == 0, told.document
    assert told.counts("contract.plain") == {"read": 4, "created": 3, "filtered": 1}
    assert told.counts("contract.paper") == {"read": 4, "created": 2, "filtered": 2}
    keys = {row[0] for row in company.new("select our_key from changeover_keys where our_key like '%C-1%'")}
    assert keys == {"assembly:contract:C-1#plain", "assembly:contract:C-1#paper"}
    assert company.reconcile().verdict == "reconcile.equal"


def test_what_was_corrected_in_a_contributor_is_put_together_so(company: ThreeSystems) -> None:
    (company.folder / "corrections").mkdir()
    text = "object,key,field,old,new,who,why\nerp.order_slip,2,slip_disc,0.25,0.2,Li Na,typed wrong\n"
    (company.folder / "corrections" / "discounts.csv").write_text(text, encoding="utf-8")
    told = company.run()
    assert {"assembly.differ", "correction.not_read"} & {each.text.code for each in told.report.causes} == set()
    assert company.new("select discount from contract where contract_no = 'C-2'") == [(0.2,)]
    told = company.run("assembly.contract:C-2")
    assert told.counts("contract") == {"read": 1, "unchanged": 1}


def test_a_correction_of_a_contributor_that_holds_no_more_is_told_once(company: ThreeSystems) -> None:
    """Though its object is mapped by itself as well."""
    slip = (
        "mapping: slip\nfrom: erp.order_slip\nto: contract\nfields: {contract_no: slip_contract, discount: slip_disc}\n"
    )
    (company.folder / "mappings" / "slip.yaml").write_text(slip, encoding="utf-8")
    (company.folder / "corrections").mkdir()
    lines = ["2,slip_disc,0.9,0.2", "1,amount,900.00,901", "77,slip_disc,0.1,0.2"]
    text = "".join(f"erp.order_slip,{each},Li Na,typed wrong\n" for each in lines)
    file = company.folder / "corrections" / "slips.csv"
    file.write_text(f"object,key,field,old,new,who,why\n{text}", encoding="utf-8")
    lapsed = [("correction.lapsed", ("2",)), ("correction.no_record", ("77",))]
    for done in (company.plan(), company.run(), company.reconcile()):
        told = [(each.text.code, each.keys) for each in done.report.causes if each.text.code.startswith("correction.")]
        assert sorted(told) == lapsed
    told = company.run("assembly.contract:C-2").report.causes
    assert [each.keys for each in told if each.text.code.startswith("correction.")] == [("2",)]


def test_a_required_part_that_goes_is_a_difference(company: ThreeSystems) -> None:
    assert company.run().code == 0
    company.of("approval", "delete from contract where contract_no = 'C-1'")
    told = company.reconcile()
    assert told.verdict == "reconcile.differs"
    assert company.new("select count(*) from contract") == [(3,)]


def test_contributors_without_a_single_key_are_told(company: ThreeSystems) -> None:
    company.of("approval", "delete from contract")
    company.of("erp", "delete from order_slip")
    company.of("oa", "update approval set form_no = ' '")
    told = company.run()
    assert told.counts("contract") == {}
    assert "assembly.no_key" in {each.text.code for each in told.report.causes}
